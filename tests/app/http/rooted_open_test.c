/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/rooted_open.h"
#include "support/child.h"
#include "support/forbid.h"

static void paths_are_decoded_strictly(void **state)
{
    static const char *const table[][2] = {
        {"a.jpg", "a.jpg"},    {"a/b.jpg", "a/b.jpg"},
        {"a//b", "a/b"},       {"/a", "a"},
        {"a%20b", "a b"},      {"%e4%C3%A4", "\xe4\xc3\xa4"},
        {"a.", "a."},          {"a..b", "a..b"},
        {"a/", NULL},          {"", NULL},
        {"/", NULL},           {".a", NULL},
        {"a/.b", NULL},        {"..", NULL},
        {"a/../b", NULL},      {"%2e%2e/a", NULL},
        {"a/%2ehidden", NULL}, {"a%2fb", NULL},
        {"a%2Fb", NULL},       {"%00", NULL},
        {"a%", NULL},          {"a%4", NULL},
        {"a%4g", NULL},        {"a%zz", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int err;
        char *out = malloc(strlen(table[i][0]) + 1); /* exactly the room of the contract */
        assert_non_null(out);
        err = rooted_open_path(weir_bytes_of(table[i][0]), NULL, out);
        if ((err == 0) != (table[i][1] != NULL))
            fail_msg("'%s': %d", table[i][0], err);
        if (err == 0)
            assert_string_equal(out, table[i][1]);
        free(out);
    }
}

static void dot_files_may_be_named(void **state)
{
    static const char *const names[] = {".well-known", ".x", NULL};
    char out[40];

    (void)state;
    assert_int_equal(rooted_open_path(weir_bytes_of(".well-known/a"), names, out), 0);
    assert_string_equal(out, ".well-known/a");
    assert_int_equal(rooted_open_path(weir_bytes_of("a/%2ex"), names, out), 0);
    assert_string_equal(out, "a/.x");
    assert_int_equal(rooted_open_path(weir_bytes_of(".well-known"), NULL, out), -ENOENT);
    assert_int_equal(rooted_open_path(weir_bytes_of(".well-known2"), names, out), -ENOENT);
    assert_int_equal(rooted_open_path(weir_bytes_of(".Well-Known"), names, out), -ENOENT);
    assert_int_equal(rooted_open_path(weir_bytes_of(".well-known/.git"), names, out), -ENOENT);
    assert_int_equal(rooted_open_path(weir_bytes_of(".x/.."), names, out), -ENOENT);
    assert_int_equal(rooted_open_path(weir_bytes_of(".x/%00"), names, out), -ENOENT);
}

static void write_file(const char *directory, const char *name)
{
    char path[200];
    int fd;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "12345", 5), 5);
    close(fd);
}

static void link_to(const char *target, const char *directory, const char *name)
{
    char path[200];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_int_equal(symlink(target, path), 0);
}

static void open_all(void)
{
    static const char *const taken[] = {"file",        "inside",      "sub/deep",    "sub/back",    "chain",
                                        "folder/deep", "sub/../file", "folder/back", "./sub/./deep"};
    static const char *const refused[] = {"out",
                                          "absolute",
                                          "up/secret",
                                          "../secret",
                                          "/etc/passwd",
                                          "nothing",
                                          "file/x",
                                          "loop",
                                          "pipe",
                                          "sub/far",
                                          "all/etc/passwd",
                                          "dangling",
                                          "sub/../../secret",
                                          "folder/far",
                                          "",
                                          "file/",
                                          "file/.",
                                          "file/..",
                                          "absolute inside",
                                          "returning",
                                          "sub/returning"},
                             *const folders[] = {".", "sub", "sub/", "folder", "sub/..", "sub/."};
    char base[] = "/tmp/beneath-XXXXXX", root[64], command[100];
    int fd;
    struct stat about;

    assert_non_null(mkdtemp(base));
    snprintf(root, sizeof root, "%s/root", base);
    assert_int_equal(mkdir(root, 0700), 0);
    write_file(base, "secret");
    write_file(root, "file");
    link_to("file", root, "inside");
    link_to("../secret", root, "out");
    link_to("/etc/passwd", root, "absolute");
    link_to("..", root, "up");
    link_to("loop", root, "loop");
    snprintf(command, sizeof command, "%s/sub", root);
    assert_int_equal(mkdir(command, 0700), 0);
    write_file(command, "deep");
    link_to("../file", command, "back");
    link_to("../../secret", command, "far");
    link_to("sub/../sub/back", root, "chain");
    link_to("sub/", root, "folder");
    link_to("/", root, "all");
    link_to("nothing", root, "dangling");
    snprintf(command, sizeof command, "%s/file", root);
    link_to(command, root, "absolute inside");
    link_to("../root/file", root, "returning");
    snprintf(command, sizeof command, "%s/sub", root);
    link_to("../../root/file", command, "returning");
    snprintf(command, sizeof command, "%s/pipe", root);
    assert_int_equal(mkfifo(command, 0600), 0);

    fd = rooted_open_root(root);
    assert_true(fd >= 0);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (rooted_open(fd, refused[i], &about) != -ENOENT)
            fail_msg("%s was not refused", refused[i]);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (rooted_open(fd, folders[i], &about) != -EISDIR)
            fail_msg("%s is not told to be a folder", folders[i]);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        int file = rooted_open(fd, taken[i], &about);
        if (file < 0)
            fail_msg("%s: %d", taken[i], file);
        assert_int_equal(about.st_size, 5);
        close(file);
    }
    close(fd);
    assert_int_equal(rooted_open_root("/nonexistent"), -ENOENT);
    snprintf(command, sizeof command, "%s/file", root);
    assert_int_equal(rooted_open_root(command), -ENOTDIR);
    snprintf(command, sizeof command, "rm -r %s", base);
    assert_int_equal(system(command), 0);
}

static void nothing_outside_is_opened(void **state)
{
    (void)state;
    open_all();
}

/* In a process of its own, since the system call stays forbidden. */
static int open_without_the_call(void *arg)
{
    const int *error = arg;
    int root;

    if (forbid_call(SYS_openat2, *error) < 0)
        return 77;
    root = rooted_open_root("/");
    assert_true(root >= 0 && !rooted_open_is_one_call(root));
    close(root);
    open_all();
    return 0;
}

static void the_same_is_opened_where_a_filter_refuses_the_call(void **state)
{
    int errors[] = {ENOSYS, EPERM, EACCES}, root = rooted_open_root("/");
    bool native;

    (void)state;
    assert_true(root >= 0);
    native = rooted_open_is_one_call(root);
    close(root);
    for (int i = 0; i < 3 && native; i++) {
        char said[1000];
        int status = run_in_child(open_without_the_call, &errors[i], said, sizeof said);
        if (status == 77 << 8)
            skip();
        if (status != 0)
            fail_msg("%s: %s", strerror(errors[i]), said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dot_files_may_be_named),
        cmocka_unit_test(paths_are_decoded_strictly),
        cmocka_unit_test(nothing_outside_is_opened),
        cmocka_unit_test(the_same_is_opened_where_a_filter_refuses_the_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
