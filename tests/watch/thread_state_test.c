/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "watch/thread_state.h"

static void what_the_kernel_says_is_understood(void **state)
{
    struct weir__thread_state w;

    (void)state;
    assert_int_equal(weir__thread_state_read_syscall("running\n").status, WEIR__THREAD_RUNS);
    w = weir__thread_state_read_syscall(
        "230 0x0 0x1 0x7ffd2 0x0 0xffffffffffffffff 0x6 0x7ffd77777770 0x7f0000000123\n");
    assert_int_equal(w.status, WEIR__THREAD_SLEEPS);
    assert_int_equal(w.call, 230);
    assert_int_equal(w.arg[1], 1);
    assert_true(w.arg[4] == UINT64_MAX);
    assert_int_equal(w.arg[5], 6);
    assert_int_equal(w.sp, 0x7ffd77777770);
    assert_int_equal(w.pc, 0x7f0000000123);
    w = weir__thread_state_read_syscall("-1 0x7ffd77777770 0x7f0000000123\n");
    assert_int_equal(w.status, WEIR__THREAD_SLEEPS);
    assert_int_equal(w.call, WEIR__CALL_NONE);
    assert_int_equal(w.sp, 0x7ffd77777770);
    assert_int_equal(weir__thread_state_read_stat("12 (a) b) S 1 2 3").status, WEIR__THREAD_SLEEPS);
    assert_int_equal(weir__thread_state_read_stat("12 (R) D 1 2 3").status, WEIR__THREAD_SLEEPS);
    assert_int_equal(weir__thread_state_read_stat("12 (x) R 1 2 3").status, WEIR__THREAD_RUNS);
    assert_int_equal(weir__thread_state_read_stat("12 (x) R 1 2 3").call, WEIR__CALL_UNKNOWN);
}

static void what_is_not_understood_is_not_known(void **state)
{
    static const char *const texts[] = {"",   "x",    "1", "1 2", "1 2 3 4", "1 0x0 0x1 0x2 0x3 0x4 0x5 0x6",
                                        "-1", "- - -"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(weir__thread_state_read_syscall(texts[i]).status, WEIR__THREAD_UNKNOWN);
    assert_int_equal(weir__thread_state_read_stat("").status, WEIR__THREAD_UNKNOWN);
    assert_int_equal(weir__thread_state_read_stat("12 (x)").status, WEIR__THREAD_UNKNOWN);
    assert_int_equal(weir__thread_state_read_stat("12 (x) Z 1").status, WEIR__THREAD_UNKNOWN);
}

struct other {
    int pipe[2];
    atomic_int tid;
    atomic_bool go_on;
};

static void *reads(void *arg)
{
    struct other *o = arg;
    char byte;

    atomic_store(&o->tid, (int)gettid());
    while (!atomic_load(&o->go_on))
        ;
    return (void *)(intptr_t)read(o->pipe[0], &byte, 1);
}

static void another_thread_is_seen(void **state)
{
    struct other o = {.go_on = false};
    struct weir__thread_state_files files;
    struct weir__thread_state w, again;
    pthread_t thread;
    void *got;

    (void)state;
    assert_int_equal(pipe(o.pipe), 0);
    assert_int_equal(pthread_create(&thread, NULL, reads, &o), 0);
    while (atomic_load(&o.tid) == 0)
        sched_yield();
    weir__thread_state_open(&files, atomic_load(&o.tid));
    do
        w = weir__thread_state_look(&files);
    while (w.status != WEIR__THREAD_RUNS);
    atomic_store(&o.go_on, true);
    do
        w = weir__thread_state_look(&files);
    while (w.status != WEIR__THREAD_SLEEPS);
    if (w.call != WEIR__CALL_UNKNOWN) { /* the file may be read */
        assert_int_equal(w.call, SYS_read);
        assert_int_equal(w.arg[0], o.pipe[0]);
    }
    again = weir__thread_state_look(&files);
    assert_true(weir__thread_state_is_same(&w, &again));
    close(files.syscall); /* as if it were forbidden */
    files.syscall = -1;
    again = weir__thread_state_look(&files);
    assert_int_equal(again.status, WEIR__THREAD_SLEEPS);
    assert_int_equal(again.call, WEIR__CALL_UNKNOWN);
    assert_int_equal(write(o.pipe[1], "x", 1), 1);
    assert_int_equal(pthread_join(thread, &got), 0);
    assert_int_equal((intptr_t)got, 1);
    weir__thread_state_close(&files);
    close(o.pipe[0]);
    close(o.pipe[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_kernel_says_is_understood),
        cmocka_unit_test(what_is_not_understood_is_not_known),
        cmocka_unit_test(another_thread_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
