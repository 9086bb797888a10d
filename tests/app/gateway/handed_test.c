/* SPDX-License-Identifier: MIT */
/* The arguments of a gateway process: what is written is read back, and what is not complete is refused. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gateway/handed.h"
#include "support/run.h"

static const struct handed sample = {.file = "--folder",
                                     .folder = "/tmp/weir-a b",
                                     .member = 63,
                                     .number = 16,
                                     .generation = 4294967295u,
                                     .listeners = 64};

static int count(const char *const *argv)
{
    int argc = 0;

    while (argv[argc] != NULL)
        argc++;
    return argc;
}

static void what_is_written_is_read(void **state)
{
    const char *argv[HANDED_ARGUMENTS_MAX];
    char text[256];
    struct handed got;

    (void)state;
    assert_int_equal(handed_write(&sample, argv, text, sizeof text), 0);
    assert_string_equal(argv[1], "gateway-process");
    assert_int_equal(handed_read(count(argv) - 2, (char **)(uintptr_t)(argv + 2), &got), 0);
    assert_string_equal(got.file, sample.file);
    assert_string_equal(got.folder, sample.folder);
    assert_int_equal(got.member, sample.member);
    assert_int_equal(got.number, sample.number);
    assert_int_equal(got.generation, sample.generation);
    assert_int_equal(got.listeners, sample.listeners);
}

static void room_that_is_too_small_is_said(void **state)
{
    const char *argv[HANDED_ARGUMENTS_MAX];
    char text[256];
    size_t needed = 0;

    (void)state;
    while (handed_write(&sample, argv, text, needed) == -ENOSPC)
        needed++;
    assert_true(needed > strlen(sample.file) && needed < sizeof text);
}

static void each_argument_is_needed(void **state)
{
    const char *argv[HANDED_ARGUMENTS_MAX], *without[HANDED_ARGUMENTS_MAX];
    char text[256];
    struct handed got;
    int argc;

    (void)state;
    assert_int_equal(handed_write(&sample, argv, text, sizeof text), 0);
    argc = count(argv);
    for (int left_out = 2; left_out < argc; left_out++) {
        int n = 0;
        for (int i = 2; i < argc; i++)
            if (i != left_out)
                without[n++] = argv[i];
        assert_int_equal(handed_read(n, (char **)(uintptr_t)without, &got), -EINVAL);
    }
}

static void numbers_out_of_range_are_refused(void **state)
{
    static const char *const bad[] = {"--member=64",
                                      "--member=-1",
                                      "--member=",
                                      "--member=1x",
                                      "--number=0",
                                      "--listeners=0",
                                      "--listeners=1000000",
                                      "--generation=4294967296",
                                      "--member",
                                      "--other=1",
                                      "more"};
    const char *argv[HANDED_ARGUMENTS_MAX];
    char text[256];
    struct handed got;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(handed_write(&sample, argv, text, sizeof text), 0);
        argv[count(argv)] = bad[i]; /* the last one counts */
        assert_int_equal(handed_read((int)(8 + 1), (char **)(uintptr_t)(argv + 2), &got), -EINVAL);
    }
}

static void the_path_of_a_socket_is_short(void **state)
{
    char out[128], folder[128];

    (void)state;
    assert_string_equal(handed_admin_path(out, sizeof out, "/run/weir-x", 7), "/run/weir-x/gateway-7.sock");
    memset(folder, 'x', sizeof folder);
    folder[99 - strlen("/gateway-63.sock")] = '\0';
    assert_non_null(handed_admin_path(out, sizeof out, folder, 63));
    strcat(folder, "x");
    assert_null(handed_admin_path(out, sizeof out, folder, 63));
    assert_null(handed_admin_path(out, 10, "/run/weir-x", 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),       cmocka_unit_test(room_that_is_too_small_is_said),
        cmocka_unit_test(each_argument_is_needed),       cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(the_path_of_a_socket_is_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
