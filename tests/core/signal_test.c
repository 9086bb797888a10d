/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/signal.h"
#include "support/run.h"
#include "support/torture.h"

static const int both[] = {SIGUSR1, SIGUSR2};

static int send_signal(void *arg)
{
    int err = weir_yield();

    return err < 0 ? err : kill(getpid(), *(const int *)arg);
}

static int catches(void *arg)
{
    weir_signals signals;
    weir_scope scope;

    (void)arg;

    assert_int_equal(weir_signals_open(&signals, both, 2), 0);
    for (int i = 0; i < 2; i++) {
        weir_scope_open(&scope, weir_never(), 0);
        weir_spawn(&scope, "sender", send_signal, (void *)(uintptr_t)&both[i]);
        assert_int_equal(weir_signals_wait(&signals), both[i]);
        assert_int_equal(weir_scope_close(&scope), 0);
    }
    /* what came before the wait counts, several of one count once */
    assert_int_equal(raise(SIGUSR2), 0);
    assert_int_equal(raise(SIGUSR2), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(weir_signals_wait(&signals) + weir_signals_wait(&signals), SIGUSR1 + SIGUSR2);
    weir_scope_open(&scope, weir_after_ms(2), 0);
    assert_int_equal(weir_signals_wait(&signals), -WEIR_EDEADLINE);
    (void)weir_scope_close(&scope);
    /* the same turn brings a cancel and a signal: the signal is not lost */
    weir_scope_open(&scope, weir_never(), 0);
    weir_scope_cancel(&scope);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(weir_signals_wait(&signals), -WEIR_ECANCELED);
    (void)weir_scope_close(&scope);
    assert_int_equal(weir_signals_wait(&signals), SIGUSR1);
    weir_signals_close(&signals);
    return 0;
}

static void signals_are_something_to_wait_for(void **state)
{
    (void)state;
    run_everywhere(catches, NULL);
}

static int refuses(void *arg)
{
    static const int impossible[] = {0, -1, 65, SIGKILL, SIGSTOP, SIGSEGV};
    weir_signals a, b;

    (void)arg;

    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        const int numbers[] = {SIGUSR1, impossible[i]};
        assert_int_equal(weir_signals_open(&a, numbers, 2), -EINVAL);
    }
    assert_int_equal(weir_signals_open(&a, both, 1), 0); /* the refusals left nothing caught */
    assert_int_equal(weir_signals_open(&b, both, 2), -EBUSY);
    assert_int_equal(weir_signals_open(&b, &both[1], 1), 0);
    weir_signals_close(&b);
    weir_signals_close(&a);
    return 0;
}

static void a_signal_is_caught_once_at_a_time(void **state)
{
    (void)state;
    run_simulated(1, refuses, NULL);
}

/* --- by a thread --- */

static int are_caught(void *arg)
{
    weir_signals signals;

    (void)arg;

    assert_int_equal(weir_signals_open(&signals, both, 2), -EBUSY);
    return 0;
}

static void a_thread_hears_signals_too(void **state)
{
    static const int impossible[] = {SIGUSR1, SIGKILL};

    (void)state;

    assert_int_equal(weir__thread_signals_begin(impossible, 2), -EINVAL);
    assert_int_equal(weir__thread_signals_begin(both, 2), 0);
    assert_int_equal(weir__thread_signals_begin(&both[1], 1), -EBUSY);
    run_simulated(1, are_caught, NULL);
    assert_int_equal(weir__thread_signals_wait(0), 0);
    for (int i = 0; i < 3; i++) /* each counts, also the same one */
        assert_int_equal(raise(SIGUSR2), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(weir__thread_signals_wait(INT64_MAX), SIGUSR1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(weir__thread_signals_wait(INT64_MAX), SIGUSR2);
    assert_int_equal(weir__thread_signals_wait(weir__clock_monotonic_ns() + 1000000), 0);
    weir__thread_signals_end();
    assert_int_equal(weir__thread_signals_begin(both, 2), 0); /* what came before is forgotten */
    assert_int_equal(weir__thread_signals_wait(0), 0);
    weir__thread_signals_end();
}

static volatile sig_atomic_t came;

static void old_handler(int number)
{
    came = number;
}

static int catch_and_close(void *arg)
{
    weir_signals signals;
    weir_scope scope;

    (void)arg;

    assert_int_equal(weir_signals_open(&signals, both, 2), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    weir_signals_close(&signals);
    assert_int_equal(weir_signals_open(&signals, both, 2), 0);
    weir_scope_open(&scope, weir_after_ms(1), 0);
    assert_int_equal(weir_signals_wait(&signals), -WEIR_EDEADLINE); /* that of before is forgotten */
    (void)weir_scope_close(&scope);
    weir_signals_close(&signals);
    return 0;
}

static void closing_restores_what_was_before(void **state)
{
    struct sigaction action = {.sa_handler = old_handler}, before;

    (void)state;

    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    run_everywhere(catch_and_close, NULL);
    assert_int_equal(came, 0);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(came, SIGUSR1);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

/* --- torture: cancelled while the signal may be coming in --- */

static int victim(void *arg)
{
    weir_signals *signals = arg;
    weir_scope scope;
    int got;

    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "sender", send_signal, (void *)(uintptr_t)&both[0]);
    got = weir_signals_wait(signals);
    if (got < 0)
        weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    return got;
}

static int world(struct torture *t)
{
    weir_signals signals;
    int result;

    assert_int_equal(weir_signals_open(&signals, both, 2), 0);
    result = torture_victim(t, victim, &signals);
    weir_signals_close(&signals);
    return result;
}

static void signals_stand_torture(void **state)
{
    (void)state;
    assert_true(torture(world, NULL) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_are_something_to_wait_for),
        cmocka_unit_test(a_signal_is_caught_once_at_a_time),
        cmocka_unit_test(a_thread_hears_signals_too),
        cmocka_unit_test(closing_restores_what_was_before),
        cmocka_unit_test(signals_stand_torture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
