/* SPDX-License-Identifier: MIT */
/* Calls between loops. The real backends, two loops and more: what TSan is for. */
#include <errno.h>
#include <stdatomic.h>

#include "core/loop.h"
#include "support/run.h"
#include "support/torture.h"

enum { LOOPS = 2 };

static void on_loops(int (*fn)(void *), void *arg)
{
    static const enum weir_io real[] = {WEIR_IO_EPOLL, WEIR_IO_URING};

    for (int i = 0; i < 2; i++) {
        weir_options options = {.io = real[i], .loops = LOOPS};
        if (io_is_here(real[i]))
            assert_int_equal(weir_run(&options, fn, arg), 0);
    }
}

static int where_am_i(void *arg)
{
    *(int *)arg = weir_loop_index();
    return 11;
}

static int call_each(void *arg)
{
    int index = -1;

    (void)arg;

    for (int i = 0; i < weir_loop_count(); i++) {
        assert_int_equal(weir_loop_call(i, "where", where_am_i, &index), 11);
        assert_int_equal(index, i);
        assert_int_equal(weir_loop_index(), 0);
    }
    return 0;
}

static void a_call_runs_on_the_loop_it_names(void **state)
{
    (void)state;
    on_loops(call_each, NULL);
    run_simulated(1, call_each, NULL);
}

static int sleep_there(void *arg)
{
    int err = weir_sleep_until(weir_never());

    *(int *)arg = err;
    return err;
}

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int call_stuck(void *seen)
{
    return weir_loop_call(LOOPS - 1, "stuck", sleep_there, seen);
}

static int cancelled_call(void *arg)
{
    int seen = 0;
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_spawn(&scope, "caller", call_stuck, &seen), 0);
    assert_int_equal(weir_yield(), 0);
    /* Calls begin in the order they are made: when this one is back, the other is asleep. */
    assert_int_equal(weir_loop_call(LOOPS - 1, "nothing", nothing, NULL), 0);
    weir_scope_cancel(&scope);
    assert_int_equal(weir_loop_call(LOOPS - 1, "late", sleep_there, &seen), -WEIR_ECANCELED);
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECANCELED);
    assert_int_equal(seen, -WEIR_ECANCELED);
    return 0;
}

static void a_cancel_follows_the_call(void **state)
{
    (void)state;
    on_loops(cancelled_call, NULL);
}

/* Many calls at once, back and forth, some of them cancelled just as they end. */
static int back_and_forth(void *arg)
{
    int *depth = arg;
    int next = *depth - 1;

    if (next == 0)
        return weir_yield();
    return weir_loop_call((weir_loop_index() + 1) % weir_loop_count(), "back", back_and_forth, &next);
}

static int caller(void *arg)
{
    int depth = 1 + (int)weir_random_below(6);
    weir_scope scope;
    int err;

    weir_scope_open(&scope, weir_after(weir_us((int64_t)weir_random_below(2000))), 0);
    err = weir_loop_call((int)weir_random_below(LOOPS), "forth", back_and_forth, &depth);
    (void)weir_scope_close(&scope);
    atomic_fetch_add((atomic_int *)arg, 1);
    return err == -WEIR_EDEADLINE ? 0 : err;
}

static int storm(void *arg)
{
    atomic_int calls = 0;
    weir_scope scope;

    (void)arg;

    for (int round = 0; round < 10; round++) {
        weir_scope_open(&scope, weir_never(), 0);
        for (int i = 0; i < 30; i++)
            weir_spawn(&scope, "caller", caller, &calls);
        assert_int_equal(weir_scope_close(&scope), 0);
    }
    assert_int_equal(atomic_load(&calls), 300);
    return 0;
}

static void many_calls_cross(void **state)
{
    (void)state;
    on_loops(storm, NULL);
}

static int full(void *arg)
{
    int index;
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_loop_call(0, "too many", where_am_i, &index), -ENOMEM);
    assert_int_equal(weir_scope_close(&scope), 0);
    return 0;
}

static void no_room_there_is_an_error_here(void **state)
{
    weir_options options = {.io = WEIR_IO_SIM, .tasks_max = 1};

    (void)state;
    assert_int_equal(weir_run(&options, full, NULL), 0);
}

/* --- torture; on one loop, which calls itself: the messages are the same --- */

static int twice(void *arg)
{
    int err = weir_sleep(weir_us(50));

    *(int *)arg += 1;
    return err < 0 ? err : weir_sleep(weir_us(50));
}

static int victim(void *arg)
{
    int err = weir_loop_call(0, "twice", twice, arg);

    return err < 0 ? err : weir_loop_call(0, "twice", twice, arg);
}

static int world(struct torture *t)
{
    int ran = 0;
    int result = torture_victim(t, victim, &ran);

    assert_in_range(ran, 0, 2);
    return result;
}

static void calls_stand_torture(void **state)
{
    (void)state;
    assert_true(torture(world, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_runs_on_the_loop_it_names),
        cmocka_unit_test(a_cancel_follows_the_call),
        cmocka_unit_test(many_calls_cross),
        cmocka_unit_test(no_room_there_is_an_error_here),
        cmocka_unit_test(calls_stand_torture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
