/* SPDX-License-Identifier: MIT */
/* What others see of a loop: that it sleeps, is busy, is late, and has tasks. */
#include "support/run.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static weir_loop_stats *look(void)
{
    static weir_loop_stats stats;

    assert_int_equal(weir_loop_stats_get(weir_runtime_here(), weir_loop_index(), &stats), 0);
    return &stats;
}

static double lag_ms(const weir_loop_stats *stats, double share)
{
    return (double)weir_meter_quantile(&stats->lag, share).ns / 1e6;
}

/* --- in virtual time all is exact --- */

static int sleeps(void *arg)
{
    weir_loop_stats *stats;

    (void)arg;
    for (int i = 0; i < 100; i++)
        assert_int_equal(weir_sleep(weir_ms(100)), 0);
    stats = look();
    assert_in_range(stats->up.ns, INT64_C(10000000000), INT64_C(10010000000)); /* timers have a grain */
    assert_int_equal(stats->slept.ns, stats->up.ns);
    assert_true(lag_ms(stats, 1) == 0);
    assert_in_range(weir_meter_count(&stats->lag), 9900, 10100);
    return 0;
}

static void a_loop_without_work_sleeps_and_is_never_late(void **state)
{
    (void)state;
    run_simulated(1, sleeps, NULL);
}

static int wait_for_ever(void *arg)
{
    (void)arg;
    return weir_sleep_until(weir_never());
}

static int has_tasks(void *arg)
{
    uint64_t started;
    weir_scope scope;

    (void)arg;
    assert_int_equal(weir_yield(), 0);
    assert_int_equal(look()->tasks, 1);
    started = look()->started;
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 10; i++)
        assert_int_equal(weir_spawn(&scope, "one", wait_for_ever, NULL), 0);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    assert_int_equal(look()->tasks, 11);
    assert_int_equal(look()->started, started + 10);
    assert_true(look()->ready <= 1); /* which is this one */
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    assert_int_equal(look()->tasks, 1);
    return 0;
}

static void its_tasks_are_counted(void **state)
{
    (void)state;
    run_everywhere(has_tasks, NULL);
}

/* --- real time --- */

static void hold(int64_t ms)
{
    weir_instant end = weir_after_ms(ms);

    while (weir_now().ns < end.ns)
        ;
}

/* Sleeps and holds the loop by turns. How long a sleep takes is up to the machine, but what was held was not
 * slept, and what came meanwhile was late. */
static int is_held(void *arg)
{
    enum { HELD_MS = 40, TIMES = 5 };
    weir_duration awake;
    weir_loop_stats *stats;
    int64_t count, late;

    (void)arg;
    for (int i = 0; i < TIMES; i++) {
        hold(HELD_MS);
        assert_int_equal(weir_sleep(weir_ms(20)), 0);
    }
    stats = look();
    awake.ns = stats->up.ns - stats->slept.ns;
    assert_true(awake.ns >= TIMES * HELD_MS * INT64_C(1000000));
    assert_true(stats->slept.ns >= TIMES * 19 * INT64_C(1000000));
    assert_true(stats->cpu.ns > 0 && stats->cpu.ns <= stats->up.ns);
    assert_true(lag_ms(stats, 1) >= HELD_MS * 0.95);
    /* all of that time was taken: what was held, late */
    count = (int64_t)weir_meter_count(&stats->lag);
    assert_true(count * 997000 < stats->up.ns + 2000000);
    late = count - (int64_t)weir_meter_count_upto(&stats->lag, weir_ms(1));
    assert_true(late >= TIMES * (HELD_MS - 3));
    return 0;
}

static void a_loop_that_is_held_is_late(void **state)
{
    (void)state;
    if (io_is_here(WEIR_IO_EPOLL)) {
        const weir_options options = {.io = WEIR_IO_EPOLL};
        assert_int_equal(weir_run(&options, is_held, NULL), 0);
    }
    if (io_is_here(WEIR_IO_URING)) {
        const weir_options options = {.io = WEIR_IO_URING};
        assert_int_equal(weir_run(&options, is_held, NULL), 0);
    }
}

/* --- other threads, other loops --- */

struct watcher {
    weir_runtime *runtime;
    atomic_bool asleep_long_enough, enough;
    int64_t slept_ns;
};

/* A sleep counts while it goes on. */
static void *watch(void *arg)
{
    struct watcher *w = arg;
    weir_loop_stats *stats = malloc(sizeof *stats);

    while (!atomic_load(&w->enough)) {
        if (weir_loop_stats_get(w->runtime, 1, stats) < 0 || stats->slept.ns < w->slept_ns)
            abort();
        w->slept_ns = stats->slept.ns;
        if (w->slept_ns > 20 * INT64_C(1000000))
            atomic_store(&w->asleep_long_enough, true);
    }
    free(stats);
    return NULL;
}

/* Loop 1 has nothing to do but sleep, and nothing wakes it; this one turns. */
static int is_watched(void *arg)
{
    struct watcher w = {.runtime = weir_runtime_here()};
    static weir_loop_stats stats;
    pthread_t thread;

    (void)arg;
    assert_int_equal(weir_loop_stats_get(w.runtime, -1, &stats), -EINVAL);
    assert_int_equal(weir_loop_stats_get(w.runtime, 2, &stats), -EINVAL);
    assert_int_equal(pthread_create(&thread, NULL, watch, &w), 0);
    while (!atomic_load(&w.asleep_long_enough))
        assert_int_equal(weir_yield(), 0);
    atomic_store(&w.enough, true);
    pthread_join(thread, NULL);
    return 0;
}

static void any_thread_may_look_at_any_moment(void **state)
{
    const weir_options options = {.loops = 2};

    (void)state;
    assert_int_equal(weir_run(&options, is_watched, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_without_work_sleeps_and_is_never_late),
        cmocka_unit_test(its_tasks_are_counted),
        cmocka_unit_test(a_loop_that_is_held_is_late),
        cmocka_unit_test(any_thread_may_look_at_any_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
