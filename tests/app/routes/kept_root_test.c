/* SPDX-License-Identifier: MIT */
/* The root of a route while its folder is removed, made anew, renamed, and looked at by several tasks. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "routes/kept_root.h"
#include "support/run.h"

enum { TASKS = 20 };

struct frame {
    char above[32], path[64], other[64];
    struct kept_root root;
    int (*test)(struct frame *frame);
};

static void put(const char *folder, const char *name)
{
    char path[128];
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
}

static bool has(const struct frame *frame, const char *name)
{
    return faccessat(frame->root.fd, name, F_OK, 0) == 0;
}

static void unlink_in(const char *folder, const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)unlink(path);
}

static void remove_folder(const char *folder)
{
    unlink_in(folder, "old");
    unlink_in(folder, "new");
    (void)rmdir(folder);
}

static void pass(int ms)
{
    assert_int_equal(weir_sleep(weir_ms(ms)), 0);
}

static int descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

static int frame_main(void *arg)
{
    struct frame *frame = arg;
    int result;

    assert_int_equal(kept_root_open(&frame->root, frame->path), 0);
    result = frame->test(frame);
    kept_root_close(&frame->root);
    return result;
}

static void run(int (*test)(struct frame *frame))
{
    for (uint64_t seed = seed_first(); seed <= seed_last(3); seed++) {
        struct frame frame = {.above = "/tmp/weir-XXXXXX", .test = test};

        assert_non_null(mkdtemp(frame.above));
        (void)snprintf(frame.path, sizeof frame.path, "%s/root", frame.above);
        (void)snprintf(frame.other, sizeof frame.other, "%s/other", frame.above);
        assert_int_equal(mkdir(frame.path, 0700), 0);
        put(frame.path, "old");
        run_simulated(seed, frame_main, &frame);
        (void)unlink(frame.path);
        remove_folder(frame.path);
        remove_folder(frame.other);
        assert_int_equal(rmdir(frame.above), 0);
    }
}

/* --- cases --- */

static int made_anew(struct frame *frame)
{
    const int fd = frame->root.fd;
    int before;

    assert_false(kept_root_is_renewed(&frame->root)); /* it is there */
    pass(KEPT_ROOT_LOOK_MS);
    remove_folder(frame->path);
    assert_false(kept_root_is_renewed(&frame->root)); /* it is not */
    assert_true(frame->root.gone);
    before = descriptors();
    assert_int_equal(mkdir(frame->path, 0700), 0);
    put(frame->path, "new");
    pass(KEPT_ROOT_LOOK_MS / 2);
    assert_false(kept_root_is_renewed(&frame->root)); /* not so soon */
    pass(KEPT_ROOT_LOOK_MS / 2);
    assert_true(kept_root_is_renewed(&frame->root));
    assert_false(frame->root.gone);
    assert_int_equal(frame->root.fd, fd); /* which jobs may be using */
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_true(has(frame, "new"));
    assert_int_equal(descriptors(), before);
    pass(KEPT_ROOT_LOOK_MS);
    assert_false(kept_root_is_renewed(&frame->root)); /* it is there */
    return 0;
}

static void a_folder_that_was_removed_is_found_again(void **state)
{
    (void)state;
    run(made_anew);
}

static int moved(struct frame *frame)
{
    assert_int_equal(rename(frame->path, frame->other), 0);
    assert_int_equal(mkdir(frame->path, 0700), 0);
    put(frame->path, "new");
    assert_false(kept_root_is_renewed(&frame->root));
    assert_true(has(frame, "old"));
    remove_folder(frame->other); /* then its name decides */
    pass(KEPT_ROOT_LOOK_MS);
    assert_true(kept_root_is_renewed(&frame->root));
    assert_true(has(frame, "new"));
    return 0;
}

static void a_folder_that_was_moved_stays_until_it_is_removed(void **state)
{
    (void)state;
    run(moved);
}

static int no_folder(struct frame *frame)
{
    remove_folder(frame->path);
    put(frame->above, "root");
    assert_false(kept_root_is_renewed(&frame->root));
    assert_true(frame->root.gone);
    assert_int_equal(unlink(frame->path), 0);
    assert_int_equal(symlink("/proc/self/none", frame->path), 0);
    pass(KEPT_ROOT_LOOK_MS);
    assert_false(kept_root_is_renewed(&frame->root));
    return 0;
}

static void what_is_no_folder_does_not_take_its_place(void **state)
{
    (void)state;
    run(no_folder);
}

static int ask(void *arg)
{
    struct frame *frame = arg;

    for (int i = 0; i < 40; i++) {
        (void)kept_root_is_renewed(&frame->root);
        pass(100);
    }
    return 0;
}

static int several(struct frame *frame)
{
    const int before = descriptors();
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(weir_spawn(&scope, "asker", ask, frame), 0);
    for (int i = 0; i < 2; i++) {
        pass(700);
        remove_folder(frame->path);
        pass(700);
        assert_int_equal(mkdir(frame->path, 0700), 0);
        put(frame->path, "new");
    }
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_true(has(frame, "new"));
    assert_int_equal(descriptors(), before);
    return 0;
}

static void many_tasks_look_as_one(void **state)
{
    (void)state;
    run(several);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_that_was_removed_is_found_again),
        cmocka_unit_test(a_folder_that_was_moved_stays_until_it_is_removed),
        cmocka_unit_test(what_is_no_folder_does_not_take_its_place),
        cmocka_unit_test(many_tasks_look_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
