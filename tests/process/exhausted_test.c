/* SPDX-License-Identifier: MIT */
/* Without descriptors, memory or threads a start fails with the right error, or the process runs; nothing is
 * left of it, and the next start succeeds. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/process_rig.h"
#include "support/fault.h"

/* Runs a process to its end. Returns: 0; < 0: it did not start. */
static int run_one(void)
{
    struct said said = {{0}, 0, 0};
    const char *argv[4];
    weir_process_options options = sh(argv, "echo out; echo err >&2; exit 3", &said);
    weir_process *process;
    weir_process_end end = {.status = -1};
    weir_scope scope;
    siginfo_t child;
    int err;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    err = weir_process_start(&scope, &options, &process);
    if (err == 0)
        assert_int_equal(weir_process_wait(process, &end), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    if (err == 0) {
        assert_int_equal(end.status, 3);
        assert_int_equal(said.lines, 2);
    }
    assert_int_equal(waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT), -1);
    assert_int_equal(errno, ECHILD);
    return err;
}

/* --- descriptors --- */

static int count_open(void)
{
    int count = 0;

    for (int fd = 0; fd < 1000; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static int runs_out_of_descriptors(void *arg)
{
    struct rlimit usual, few;
    int before, lowest, failed = 0;

    (void)arg;
    assert_int_equal(run_one(), 0); /* what is opened once is open from now on */
    before = count_open();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    for (int room = 0;; room++) {
        int err;

        lowest = dup(0);
        close(lowest);
        few = usual;
        few.rlim_cur = (rlim_t)(lowest + room);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        err = run_one();
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
        assert_int_equal(count_open(), before);
        if (err == 0)
            break;
        assert_int_equal(err, -EMFILE);
        failed++;
    }
    assert_true(failed >= 4); /* two pipes, and one for the process itself */
    return 0;
}

static void without_descriptors_a_start_fails(void **state)
{
    (void)state;
    run_really(runs_out_of_descriptors, NULL);
}

/* --- memory and threads --- */

static int withholds(void *arg)
{
    int failed = 0;

    (void)arg;
    for (long n = 1;; n++) {
        int err;

        fault_at(n);
        err = run_one();
        if (!fault_end()) {
            assert_int_equal(err, 0);
            break;
        }
        if (err != 0 && err != -ENOMEM && err != -EAGAIN)
            fail_msg("request %ld withheld: %s", n, weir_error_text(err));
        failed += err < 0;
        assert_int_equal(run_one(), 0);
    }
    assert_true(failed >= 4);
    return 0;
}

/* Each first start of a runtime makes its thread. */
static int withholds_at_first(void *arg)
{
    int err;

    fault_at(*(long *)arg);
    err = run_one();
    if (!fault_end())
        *(long *)arg = 0;
    if (err != 0 && err != -ENOMEM && err != -EAGAIN)
        fail_msg("request %ld withheld: %s", *(long *)arg, weir_error_text(err));
    assert_int_equal(run_one(), 0);
    return 0;
}

static void without_memory_or_thread_a_start_fails(void **state)
{
    weir_options options = {.io = WEIR_IO_EPOLL, .stall_after = weir_ms(-1)};

    (void)state;
    run_really(withholds, NULL);
    for (long n = 1; n > 0; n = n > 0 ? n + 1 : 0)
        assert_int_equal(weir_run(&options, withholds_at_first, &n), 0);
}

/* --- polling --- */

static atomic_bool polls_fail;
static atomic_int failed_polls;

/* NOLINTBEGIN: these names are the linker's */
int __real_epoll_ctl(int epfd, int command, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epfd, int command, int fd, struct epoll_event *event);
/* NOLINTEND */

int __wrap_epoll_ctl(int epfd, int command, int fd, struct epoll_event *event)
{
    if (!atomic_load(&polls_fail) || command == EPOLL_CTL_DEL)
        return __real_epoll_ctl(epfd, command, fd, event);
    (void)atomic_fetch_add(&failed_polls, 1);
    errno = ENOMEM;
    return -1;
}

/* What a process says is read all the same, also more than a pipe holds; without trying all the time. */
static int cannot_poll(void *arg)
{
    struct said said = {{0}, 0, 0};
    const char *argv[4];
    weir_process_options options =
        sh(argv, "head -c 200000 /dev/zero | tr '\\0' x; sleep 0.3; echo end", &said);
    weir_instant began = weir_now();
    weir_process *process;
    weir_process_end end;
    weir_scope scope;
    int64_t ms;

    (void)arg;
    atomic_store(&failed_polls, 0);
    atomic_store(&polls_fail, true);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    assert_int_equal(weir_process_wait(process, &end), 0);
    ms = (weir_now().ns - began.ns) / 1000000;
    assert_int_equal(weir_scope_close(&scope), 0);
    atomic_store(&polls_fail, false);
    assert_int_equal(end.status, 0);
    assert_int_equal(said.bytes, 200000 + strlen("end"));
    assert_true(atomic_load(&failed_polls) > 0);
    assert_true(atomic_load(&failed_polls) < 100 + ms); /* three descriptors, each looked at every 10 ms */
    return 0;
}

static void without_polling_lines_are_read(void **state)
{
    weir_options options = {.io = WEIR_IO_EPOLL};

    (void)state;
    assert_int_equal(weir_run(&options, cannot_poll, NULL), 0);
}

/* --- tasks --- */

static int sleep_for_ever(void *arg)
{
    (void)arg;
    return weir_sleep_until(weir_never());
}

static int has_no_tasks(void *arg)
{
    weir_scope others;
    int room = 0;

    (void)arg;
    assert_int_equal(run_one(), 0);
    weir_scope_open(&others, weir_never(), WEIR_COLLECT);
    while (weir_spawn(&others, "other", sleep_for_ever, NULL) == 0)
        room++;
    assert_true(room > 0);
    assert_int_equal(run_one(), -ENOMEM); /* the process was started, and is undone */
    weir_scope_cancel(&others);
    (void)weir_scope_close(&others);
    weir_scope_open(&others, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < room - 1; i++)
        (void)weir_spawn(&others, "other", sleep_for_ever, NULL);
    assert_int_equal(run_one(), -ENOMEM); /* one task of two */
    weir_scope_cancel(&others);
    (void)weir_scope_close(&others);
    assert_int_equal(run_one(), 0);
    return 0;
}

static void without_tasks_a_start_fails(void **state)
{
    static const enum weir_io both[] = {WEIR_IO_URING, WEIR_IO_EPOLL};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        weir_options options = {.io = both[i], .tasks_max = 8};

        if (io_is_here(both[i]))
            assert_int_equal(weir_run(&options, has_no_tasks, NULL), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_descriptors_a_start_fails),
        cmocka_unit_test(without_memory_or_thread_a_start_fails),
        cmocka_unit_test(without_polling_lines_are_read),
        cmocka_unit_test(without_tasks_a_start_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
