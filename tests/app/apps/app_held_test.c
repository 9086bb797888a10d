/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/app_held.h"

enum { MS = 1000000 };

/* --- the files of a thread --- */

static enum proc_doing of_call(long call, unsigned long first, unsigned long second)
{
    char text[128];

    (void)snprintf(text, sizeof text, "%ld 0x%lx 0x%lx 0x0 0x0 0x0 0x0 0x7ffd 0x7f00\n", call, first, second);
    return proc_doing_of_syscall(text);
}

static void calls_tell_what_a_thread_does(void **state)
{
    (void)state;
    assert_int_equal(proc_doing_of_syscall("running\n"), PROC_RUNS);
    assert_int_equal(proc_doing_of_syscall("-1 0x7ffd 0x7f00\n"), PROC_BLOCKED);
    assert_int_equal(proc_doing_of_syscall(""), PROC_UNKNOWN);
    assert_int_equal(proc_doing_of_syscall("x\n"), PROC_UNKNOWN);
    assert_int_equal(of_call(SYS_read, 5, 0), PROC_BLOCKED);
    assert_int_equal(of_call(SYS_clock_nanosleep, 0, 0), PROC_BLOCKED);
    assert_int_equal(of_call(SYS_epoll_pwait, 5, 0), PROC_AWAITS);
    assert_int_equal(of_call(SYS_wait4, 0, 0), PROC_AWAITS);
    assert_int_equal(of_call(SYS_futex, 0, 0), PROC_LOCKED);
    assert_int_equal(of_call(SYS_ppoll, 0x7ffd, 1), PROC_BLOCKED);
    assert_int_equal(of_call(SYS_ppoll, 0x7ffd, 2), PROC_AWAITS);
    assert_int_equal(of_call(SYS_pselect6, 0, 0), PROC_BLOCKED);
    assert_int_equal(of_call(SYS_pselect6, 9, 0), PROC_AWAITS);
    assert_int_equal(proc_doing_of_stat("7 (a) b) R 1 2\n"), PROC_RUNS);
    assert_int_equal(proc_doing_of_stat("7 (R) D 1 2\n"), PROC_BLOCKED);
    assert_int_equal(proc_doing_of_stat("7 (R) T 1 2\n"), PROC_STOPPED);
    assert_int_equal(proc_doing_of_stat("7 (R) S 1 2\n"), PROC_UNKNOWN);
    assert_int_equal(proc_doing_of_stat("7 R"), PROC_UNKNOWN);
}

/* --- the verdict --- */

struct given {
    pid_t pid, tid;
    enum proc_doing before, now;
    int cpu_ms, delay_ms; /* of the 100 ms between the two */
};

static struct app_held_by verdict(const struct given *given, size_t count, int places)
{
    static struct proc_family before, now;

    before.count = now.count = 0;
    before.at_ns = 0;
    now.at_ns = (int64_t)100 * MS;
    for (size_t i = 0; i < count; i++) {
        before.threads[before.count++] = (struct proc_thread){given[i].pid, given[i].tid, given[i].before,
                                                              (int64_t)500 * MS, (int64_t)70 * MS};
        now.threads[now.count++] = (struct proc_thread){given[i].pid, given[i].tid, given[i].now,
                                                        (int64_t)(500 + given[i].cpu_ms) * MS,
                                                        (int64_t)(70 + given[i].delay_ms) * MS};
    }
    return app_held_of(&before, &now, places);
}

#define VERDICT(places, ...)                                                                                 \
    verdict((const struct given[]){__VA_ARGS__},                                                             \
            sizeof((const struct given[]){__VA_ARGS__}) / sizeof(struct given), places)

static void whoever_uses_a_cpu_nearly_all_the_time_computes(void **state)
{
    struct app_held_by by =
        VERDICT(1, {7, 7, PROC_AWAITS, PROC_AWAITS, 1, 0}, {8, 8, PROC_RUNS, PROC_RUNS, 95, 4});

    (void)state;
    assert_int_equal(by.how, APP_COMPUTING);
    assert_int_equal(by.pid, 8);
    /* threads that share a lock of the interpreter share the time */
    by = VERDICT(4, {7, 7, PROC_AWAITS, PROC_AWAITS, 0, 0}, {7, 9, PROC_LOCKED, PROC_RUNS, 50, 0},
                 {7, 10, PROC_RUNS, PROC_LOCKED, 45, 0});
    assert_int_equal(by.how, APP_COMPUTING);
    assert_int_equal(by.tid, 9);
    /* processes do not */
    assert_int_equal(VERDICT(1, {7, 7, PROC_RUNS, PROC_RUNS, 50, 0}, {8, 8, PROC_RUNS, PROC_RUNS, 50, 0}).how,
                     APP_NOT_HELD);
    assert_int_equal(VERDICT(1, {7, 7, PROC_RUNS, PROC_RUNS, 30, 65}).how, APP_STARVED);
}

static void an_event_loop_that_waits_is_not_held(void **state)
{
    (void)state;
    assert_int_equal(VERDICT(8, {7, 7, PROC_AWAITS, PROC_AWAITS, 2, 0}).how, APP_NOT_HELD);
    assert_int_equal(VERDICT(1, {7, 7, PROC_LOCKED, PROC_LOCKED, 0, 0}).how, APP_NOT_HELD);
    assert_int_equal(VERDICT(1, {7, 7, PROC_UNKNOWN, PROC_UNKNOWN, 0, 0}).how,
                     APP_NOT_HELD); /* another user's */
    assert_int_equal(VERDICT(1, {7, 7, PROC_AWAITS, PROC_BLOCKED, 0, 0}).how,
                     APP_NOT_HELD); /* has just begun */
}

static void a_main_thread_that_sleeps_in_a_call_is_blocked(void **state)
{
    struct app_held_by by = VERDICT(8, {7, 7, PROC_BLOCKED, PROC_BLOCKED, 3, 1});

    (void)state;
    assert_int_equal(by.how, APP_BLOCKED);
    assert_int_equal(by.tid, 7);
    /* another process computes: that is worse */
    assert_int_equal(
        VERDICT(8, {7, 7, PROC_BLOCKED, PROC_BLOCKED, 3, 1}, {8, 8, PROC_RUNS, PROC_RUNS, 99, 0}).pid, 8);
}

static void a_process_that_a_signal_has_stopped_is_not_blocked(void **state)
{
    (void)state;
    assert_int_equal(VERDICT(8, {7, 7, PROC_STOPPED, PROC_STOPPED, 0, 0}).how, APP_STOPPED);
    assert_string_equal(app_held_name(APP_STOPPED), "stopped");
    assert_int_equal(VERDICT(8, {7, 7, PROC_AWAITS, PROC_STOPPED, 0, 0}).how, APP_NOT_HELD);
}

static void threads_are_blocked_when_all_places_are(void **state)
{
    (void)state;
    assert_int_equal(VERDICT(3, {7, 7, PROC_AWAITS, PROC_AWAITS, 0, 0},
                             {7, 8, PROC_BLOCKED, PROC_BLOCKED, 0, 0},
                             {7, 9, PROC_BLOCKED, PROC_BLOCKED, 0, 0})
                         .how,
                     APP_NOT_HELD);
    assert_int_equal(VERDICT(2, {7, 7, PROC_AWAITS, PROC_AWAITS, 0, 0},
                             {7, 8, PROC_BLOCKED, PROC_BLOCKED, 0, 0},
                             {7, 9, PROC_BLOCKED, PROC_BLOCKED, 0, 0})
                         .how,
                     APP_BLOCKED);
}

static void nothing_is_held_where_nothing_is_known(void **state)
{
    static struct proc_family before, now;

    (void)state;
    before.count = now.count = 0;
    now.at_ns = MS;
    assert_int_equal(app_held_of(&before, &now, 1).how, APP_NOT_HELD);
}

/* --- real processes --- */

static pid_t shell(const char *script)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        setpgid(0, 0);
        execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
    }
    (void)setpgid(pid, pid);
    return pid;
}

/* Looks until the verdict on a child of the process is there, as long as it takes: the shell itself may be
 * held before it has a child. */
static struct app_held_by wait_for(pid_t pid, enum app_held how, enum app_held or)
{
    static struct proc_family families[2];
    struct app_held_by by;
    int i = 0;

    proc_family_read(pid, &families[0]);
    do {
        usleep(20000);
        i = 1 - i;
        proc_family_read(pid, &families[i]);
        by = app_held_of(&families[1 - i], &families[i], 1);
    } while ((by.how != how && by.how != or) || by.pid == pid);
    return by;
}

static void end(pid_t pid)
{
    kill(-pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void real_processes_are_seen_with_their_children(void **state)
{
    pid_t pid = shell("(while :; do :; done) & wait");
    struct app_held_by by = wait_for(pid, APP_COMPUTING, APP_STARVED);

    (void)state;
    assert_int_not_equal(by.pid, pid);
    assert_true(by.pid > 0);
    end(pid);
    pid = shell("sleep 1000 & wait");
    by = wait_for(pid, APP_BLOCKED, APP_BLOCKED);
    assert_int_not_equal(by.pid, pid);
    end(pid);
}

static void a_process_that_has_gone_is_an_empty_family(void **state)
{
    static struct proc_family family;
    pid_t pid = shell("exit 0");

    (void)state;
    waitpid(pid, NULL, 0);
    proc_family_read(pid, &family);
    assert_int_equal(family.count, 0);
}

static void this_program_itself_is_left_out(void **state)
{
    static struct proc_family family;

    (void)state;
    proc_family_read(getpid(), &family);
    assert_int_equal(family.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_tell_what_a_thread_does),
        cmocka_unit_test(whoever_uses_a_cpu_nearly_all_the_time_computes),
        cmocka_unit_test(an_event_loop_that_waits_is_not_held),
        cmocka_unit_test(a_main_thread_that_sleeps_in_a_call_is_blocked),
        cmocka_unit_test(a_process_that_a_signal_has_stopped_is_not_blocked),
        cmocka_unit_test(threads_are_blocked_when_all_places_are),
        cmocka_unit_test(nothing_is_held_where_nothing_is_known),
        cmocka_unit_test(real_processes_are_seen_with_their_children),
        cmocka_unit_test(a_process_that_has_gone_is_an_empty_family),
        cmocka_unit_test(this_program_itself_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
