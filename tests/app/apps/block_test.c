/* SPDX-License-Identifier: MIT */
/* The block of an application in shared memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "apps/block.h"

static void a_block_is_that_of_all_members(void **state)
{
    struct app_block *mine, *theirs, *other;
    weir_shared *a, *b;
    int fd;

    (void)state;
    assert_int_equal(weir_shared_make(1 << 20, &fd), 0);
    assert_int_equal(weir_shared_open(fd, 0, &a), 0);
    assert_int_equal(weir_shared_open(fd, 1, &b), 0);
    assert_int_equal(app_block_open(a, "shop", &mine), 0);
    assert_int_equal(app_block_open(b, "shop", &theirs), 0);
    assert_int_equal(app_block_open(b, "other", &other), 0);
    assert_int_equal(atomic_load(&theirs->concurrency), 0);
    atomic_store(&mine->concurrency, 7);
    assert_int_equal(atomic_load(&theirs->concurrency), 7);
    assert_int_equal(atomic_load(&other->concurrency), 0);
    assert_true(weir_shared_count_try(a, &mine->in_flight[127], 1));
    assert_false(weir_shared_count_try(b, &theirs->in_flight[127], 1));
    assert_true(weir_shared_count_try(b, &theirs->in_flight[126], 1));
    assert_int_equal(weir_shared_count_sum(a, &mine->waiting), 0);
    weir_shared_close(a);
    weir_shared_close(b);
    close(fd);
}

static void socket_paths_are_short(void **state)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyz012345";
    char path[APP_SOCKET_BYTES], folder[APP_SOCKET_BYTES + 1];

    (void)state;
    assert_string_equal(app_socket_path(path, "/run/weir", "shop", 7), "/run/weir/shop.7/s");
    assert_string_equal(app_socket_path(path, "/run/weir", name, UINT32_MAX),
                        "/run/weir/abcdefghijklmnopqrstuvwxyz012345.4294967295/s");
    for (size_t n = 1; n <= APP_SOCKET_BYTES; n++) {
        const char *out;
        memset(folder, 'f', n);
        folder[n] = '\0';
        out = app_socket_path(path, folder, name, 1234567);
        assert_int_equal(out != NULL, n < APP_SOCKET_BYTES - sizeof "/.1234567/s" + 1);
        if (out == NULL)
            continue;
        assert_true(strlen(path) < APP_SOCKET_BYTES);
        assert_string_equal(strrchr(path, '.'), ".1234567/s");
        assert_memory_equal(path, folder, n);
        assert_int_equal(path[n], '/');
    }
}

static void what_is_broken_says_its_last_line(void **state)
{
    struct app_block *block;
    char line[APP_LINE_BYTES], much[2 * APP_LINE_BYTES];
    weir_shared *shared;
    int fd;

    (void)state;
    assert_int_equal(weir_shared_make(1 << 20, &fd), 0);
    assert_int_equal(weir_shared_open(fd, 0, &shared), 0);
    assert_int_equal(app_block_open(shared, "shop", &block), 0);
    assert_false(app_block_is_broken(block, line));
    for (int i = 0; i < 3; i++) {
        app_block_break(block, "no module named shop");
        assert_true(app_block_is_broken(block, line));
        assert_string_equal(line, "no module named shop");
        app_block_break(block, "");
        assert_true(app_block_is_broken(block, line));
        assert_string_equal(line, "");
    }
    memset(much, 'x', sizeof much);
    much[sizeof much - 1] = '\0';
    app_block_break(block, much);
    assert_true(app_block_is_broken(block, line));
    assert_int_equal(strlen(line), APP_LINE_BYTES - 1);
    app_block_break(block, NULL);
    assert_false(app_block_is_broken(block, line));
    weir_shared_close(shared);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_that_of_all_members),
        cmocka_unit_test(socket_paths_are_short),
        cmocka_unit_test(what_is_broken_says_its_last_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
