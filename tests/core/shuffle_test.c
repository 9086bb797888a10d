/* SPDX-License-Identifier: MIT */
/* The seed of a simulation decides the order of what may happen in any order. */
#include <stdio.h>
#include <string.h>

#include "support/run.h"

enum { TASKS = 8, SEEDS = 40 };

struct world {
    weir_event event;
    weir_instant at;
    char order[3][TASKS + 1]; /* of spawned tasks, of the waiters of an event, of timers of one instant */
};

struct one {
    struct world *world;
    char name;
};

static void note(char *order, char name)
{
    order[strlen(order)] = name;
}

static int live(void *arg)
{
    const struct one *one = arg;
    struct world *w = one->world;

    note(w->order[0], one->name);
    assert_int_equal(weir_event_wait(&w->event), 0);
    note(w->order[1], one->name);
    assert_int_equal(weir_sleep_until(w->at), 0);
    note(w->order[2], one->name);
    return 0;
}

static int watch_order(void *arg)
{
    struct world *w = arg;
    struct one ones[TASKS];
    weir_scope scope;

    weir_event_init(&w->event);
    w->at = weir_after_ms(10);
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < TASKS; i++) {
        ones[i] = (struct one){w, (char)('a' + i)};
        assert_int_equal(weir_spawn(&scope, "one", live, &ones[i]), 0);
    }
    assert_int_equal(weir_yield(), 0);
    assert_int_equal(strlen(w->order[0]), TASKS); /* a yield lets all run that were ready */
    weir_event_set(&w->event);
    return weir_scope_close(&scope);
}

static void run_with(uint64_t seed, struct world *w)
{
    weir_options options = {.io = WEIR_IO_SIM, .seed = seed};

    memset(w, 0, sizeof *w);
    assert_int_equal(weir_run(&options, watch_order, w), 0);
}

static void another_seed_is_another_order(void **state)
{
    static struct world worlds[SEEDS];
    int different[3] = {0};
    struct world again;

    (void)state;
    for (int i = 0; i < SEEDS; i++) {
        run_with((uint64_t)i + 1, &worlds[i]);
        run_with((uint64_t)i + 1, &again);
        for (int k = 0; k < 3; k++) {
            assert_string_equal(again.order[k], worlds[i].order[k]);
            assert_int_equal(strlen(again.order[k]), TASKS);
            different[k] += i > 0 && strcmp(worlds[i].order[k], worlds[i - 1].order[k]) != 0;
        }
    }
    for (int k = 0; k < 3; k++) {
        assert_string_equal(worlds[0].order[k], "abcdefgh"); /* seed 1 is the order of real loops */
        assert_true(different[k] >= SEEDS - 3);
    }
}

/* Of two timers of one instant, a deadline and a sleep, either may be first. */
static int race(void *arg)
{
    weir_scope scope;
    weir_instant at = weir_after_ms(5);

    (void)arg;
    weir_scope_open(&scope, at, 0);
    *(int *)arg = weir_sleep_until(at);
    (void)weir_scope_close(&scope);
    return 0;
}

static void either_of_two_timers_comes_first(void **state)
{
    int slept = 0, cancelled = 0, result;

    (void)state;
    for (uint64_t seed = 2; seed < 40; seed++) {
        weir_options options = {.io = WEIR_IO_SIM, .seed = seed};
        assert_int_equal(weir_run(&options, race, &result), 0);
        slept += result == 0;
        cancelled += result == -WEIR_EDEADLINE;
    }
    assert_true(slept > 5 && cancelled > 5);
}

/* --- what a yield promises --- */

static int count_up(void *arg)
{
    ++*(int *)arg;
    return 0;
}

static int yield_and_see(void *arg)
{
    weir_scope scope;
    int ran = 0;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 1; i <= 200; i++) {
        assert_int_equal(weir_spawn(&scope, "counts", count_up, &ran), 0);
        assert_int_equal(weir_spawn(&scope, "counts", count_up, &ran), 0);
        assert_int_equal(weir_yield(), 0);
        assert_int_equal(ran, 2 * i);
    }
    for (int i = 0; i < 300; i++)
        assert_int_equal(weir_spawn(&scope, "counts", count_up, &ran), 0);
    assert_int_equal(weir_yield(), 0);
    assert_int_equal(ran, 700);
    return weir_scope_close(&scope);
}

static void a_yield_lets_all_run_that_were_ready(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(20); seed++)
        run_simulated(seed, yield_and_see, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_seed_is_another_order),
        cmocka_unit_test(either_of_two_timers_comes_first),
        cmocka_unit_test(a_yield_lets_all_run_that_were_ready),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
