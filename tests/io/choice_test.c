/* SPDX-License-Identifier: MIT */
/* The choice of the backend by the environment and by what the machine allows; and when a wake makes a system
 * call. What a kernel forbids is tested in a child process with a seccomp filter. */
#include "io/seam_rig.h"

#include <sys/wait.h>

#include "support/forbid.h"

static int open_named(enum weir__io_backend_type type, char *name, size_t room)
{
    struct weir__io_options o = {.backend = type};
    struct weir__io *io;
    int rc = weir__io_open(&o, &io);

    if (rc < 0)
        return rc;
    snprintf(name, room, "%s", weir__io_backend_name(io));
    weir__io_free(io);
    return 0;
}

static void test_the_environment_chooses(void **state)
{
    const char *best;
    char name[16];
    const char *const no_choice[] = {"", "auto"};
    const char *const wrong[] = {"uringg", "EPOLL", "sim", " epoll"};

    (void)state;
    assert_int_equal(setenv("WEIR_IO", "epoll", 1), 0);
    assert_int_equal(open_named(WEIR__IO_AUTO, name, sizeof name), 0);
    assert_string_equal(name, "epoll");
    assert_int_equal(open_named(WEIR__IO_SIM, name, sizeof name), 0); /* the option beats the environment */
    assert_string_equal(name, "sim");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(setenv("WEIR_IO", wrong[i], 1), 0);
        assert_int_equal(open_named(WEIR__IO_AUTO, name, sizeof name), -EINVAL);
        assert_int_equal(open_named(WEIR__IO_EPOLL, name, sizeof name), 0);
    }
    best = is_here(WEIR__IO_URING) ? "uring" : "epoll";
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(setenv("WEIR_IO", no_choice[i], 1), 0);
        assert_int_equal(open_named(WEIR__IO_AUTO, name, sizeof name), 0);
        assert_string_equal(name, best);
    }
    assert_int_equal(unsetenv("WEIR_IO"), 0);
}

enum { WENT_WELL = 0, NO_SECCOMP = 77 };

static int in_child(int (*fn)(int), int arg)
{
    int status;
    pid_t child;

    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(fn(arg));
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int without_uring(int error)
{
    char name[16];

    if (forbid_call(SYS_io_uring_setup, error) < 0)
        return NO_SECCOMP;
    if (open_named(WEIR__IO_URING, name, sizeof name) != -error)
        return 1;
    if (open_named(WEIR__IO_AUTO, name, sizeof name) != 0 || strcmp(name, "epoll") != 0)
        return 2;
    return WENT_WELL;
}

static void test_epoll_where_uring_is_forbidden(void **state)
{
    const int errors[] = {EPERM, ENOSYS};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        int status = in_child(without_uring, errors[i]);
        if (status == NO_SECCOMP)
            skip();
        assert_int_equal(status, WENT_WELL);
    }
}

/* Before Linux 5.11 epoll waits in milliseconds: a wait is rounded up, never down. */
static int without_pwait2(int unused)
{
    struct rig r;

    (void)unused;
    if (forbid_call(SYS_epoll_pwait2, ENOSYS) < 0)
        return NO_SECCOMP;
    open_rig(&r, WEIR__IO_EPOLL, 0);
    for (int i = 0; i < 3; i++) {
        int64_t until_ns = weir__io_now_ns(r.io) + 1100000;
        if (weir__io_turn(r.io, until_ns) != 0 || weir__io_now_ns(r.io) < until_ns)
            return 1;
    }
    weir__io_free(r.io);
    return WENT_WELL;
}

static void test_epoll_on_an_old_kernel(void **state)
{
    int status;

    (void)state;
    status = in_child(without_pwait2, 0);
    if (status == NO_SECCOMP)
        skip();
    assert_int_equal(status, WENT_WELL);
}

/* No loop sleeps, so a wake must not write; a write would end this process. */
static int wake_without_writing(int type)
{
    struct rig r;

    open_rig(&r, (enum weir__io_backend_type)type, 0);
    if (forbid_call(SYS_write, 0) < 0)
        return NO_SECCOMP;
    for (int i = 0; i < 100; i++) {
        weir__io_wake(r.io);
        weir__io_wake(r.io);
        if (i % 2 && weir__io_turn(r.io, INT64_MAX) != 0)
            return 1;
        (void)weir__io_turn(r.io, 0);
    }
    weir__io_free(r.io);
    return WENT_WELL;
}

static void test_a_wake_costs_no_system_call_unless_the_loop_sleeps(void **state)
{
    const enum weir__io_backend_type types[] = {WEIR__IO_EPOLL, WEIR__IO_URING};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        int status;
        if (!is_here(types[i]))
            continue;
        status = in_child(wake_without_writing, (int)types[i]);
        if (status == NO_SECCOMP)
            skip();
        assert_int_equal(status, WENT_WELL);
    }
}

static void test_nothing_is_left_when_opening_fails(void **state)
{
    int next;
    struct rlimit limit, few;
    char name[16];

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    next = dup(0);
    close(next);
    for (rlim_t room = 0; room < 2; room++) {
        const enum weir__io_backend_type types[] = {WEIR__IO_EPOLL, WEIR__IO_URING, WEIR__IO_AUTO};
        for (size_t i = 0; i < 3; i++) {
            int after, rc;
            few = limit;
            few.rlim_cur = (rlim_t)next + room;
            assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
            rc = open_named(types[i], name, sizeof name);
            assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
            assert_true(rc == -EMFILE || (types[i] == WEIR__IO_URING && !is_here(types[i])));
            after = dup(0);
            close(after);
            assert_int_equal(after, next);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_environment_chooses),
        cmocka_unit_test(test_epoll_where_uring_is_forbidden),
        cmocka_unit_test(test_epoll_on_an_old_kernel),
        cmocka_unit_test(test_a_wake_costs_no_system_call_unless_the_loop_sleeps),
        cmocka_unit_test(test_nothing_is_left_when_opening_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
