/* SPDX-License-Identifier: MIT */
/* The supervision of applications, under seeds: what starts, dies, hangs, grows and is replaced. */
#include "apps_world.h"

#define SEEDS 8

static void run_with_seeds(int (*fn)(void *arg))
{
    for (uint64_t seed = seed_first(); seed <= seed_last(SEEDS); seed++)
        run_simulated(seed, fn, NULL);
}

static weir_duration from(weir_instant a, weir_instant b)
{
    return weir_between(a, b);
}

/* --- the ordinary life --- */

static int lives(void *arg)
{
    struct world *w = world_open();

    (void)arg;
    world_configure(w, "processes: 3, concurrency: 2");
    world_wait_ready(w, 3);
    assert_int_equal(w->last, 3);
    assert_int_equal(atomic_load(&world_block(w)->concurrency), 2);
    world_begin_load(w, 10, 20);
    assert_int_equal(weir_sleep(weir_seconds(100)), 0);
    world_end_load(w);
    assert_int_equal(w->last, 3);
    assert_true(w->answered > 1000);
    assert_int_equal(w->broken, 0);
    world_close(w);
    return 0;
}

static void processes_get_ready_and_stay(void **state)
{
    (void)state;
    run_with_seeds(lives);
}

/* How many have begun, and are not ready to accept. */
static size_t starting(const struct world *w)
{
    size_t n = 0;

    for (uint32_t i = 1; i <= w->last; i++)
        n += w->processes[i].began.ns != 0 && w->processes[i].accepted.ns == 0 &&
             w->processes[i].ended.ns == 0;
    return n;
}

/* Many at once would hold each other up. */
static int starts_few_at_a_time(void *arg)
{
    struct world *w = world_open();
    size_t most = 0;

    (void)arg;
    w->behaviour.starts_ms = 500;
    world_configure(w, "processes: 12");
    while (world_count(w, APP_PROCESS_READY) < 12) {
        most = starting(w) > most ? starting(w) : most;
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    }
    assert_int_equal(most, 2);
    assert_int_equal(w->last, 12);
    w->behaviour.starts_ms = -1; /* those that come now hang, beside those that run */
    world_configure(w, "processes: 12, env: {A: b}, ready: {within: 1s}");
    while (w->last < 14)
        assert_int_equal(weir_sleep(weir_ms(10)), 0);
    assert_true(world_count(w, APP_PROCESS_READY) >= 11);
    w->behaviour.starts_ms = 20;
    world_configure(w, "processes: 12, env: {A: c}");
    while (world_count(w, APP_PROCESS_READY) < 12 || world_alive(w) > 12)
        assert_int_equal(weir_sleep(weir_ms(10)), 0);
    world_close(w);
    return 0;
}

static void few_start_at_a_time(void **state)
{
    (void)state;
    run_simulated(1, starts_few_at_a_time, NULL);
}

static int stops(void *arg)
{
    struct world *w = world_open();

    (void)arg;
    w->behaviour.stops_ms = 3000;
    world_configure(w, "processes: 2, stop: 5s");
    world_wait_ready(w, 2);
    apps_stop(w->apps);
    for (uint32_t i = 1; i <= 2; i++) {
        assert_true(w->processes[i].ended.ns != 0 && w->processes[i].asked.ns != 0);
        assert_false(w->processes[i].killed);
    }
    world_close(w);
    return 0;
}

static void a_stop_lets_them_end(void **state)
{
    (void)state;
    run_with_seeds(stops);
}

/* --- readiness --- */

static int waits_for_readiness(void *arg)
{
    struct world *w = world_open();

    (void)arg;
    w->behaviour = (struct behaviour){.starts_ms = 50, .status = 503};
    world_configure(w, "processes: 1, ready: {path: /up, within: 20s}");
    assert_int_equal(weir_sleep(weir_seconds(10)), 0);
    assert_int_equal(world_count(w, APP_PROCESS_STARTING), 1);
    w->processes[1].behaviour.status = 302;
    world_wait_ready(w, 1);
    assert_int_equal(w->last, 1);
    world_close(w);
    return 0;
}

static void a_process_is_ready_when_its_path_says_so(void **state)
{
    (void)state;
    run_with_seeds(waits_for_readiness);
}

static int never_ready(void *arg)
{
    struct world *w = world_open();

    (void)arg;
    w->behaviour.starts_ms = -1;
    world_configure(w, "processes: 1, ready: {within: 2s}");
    assert_int_equal(weir_sleep(weir_seconds(30)), 0);
    assert_true(w->last >= 4);
    for (uint32_t i = 1; i < w->last; i++) {
        assert_true(from(w->processes[i].began, w->processes[i].asked).ns >= weir_ms(1900).ns);
        assert_false(w->processes[i].killed);
        assert_true(w->processes[i + 1].began.ns > w->processes[i].ended.ns);
    }
    assert_true(atomic_load(&world_block(w)->broken) != 0);
    w->behaviour.starts_ms = 10;
    world_wait_ready(w, 1);
    assert_int_equal(atomic_load(&world_block(w)->broken), 0);
    world_close(w);
    return 0;
}

static void a_process_that_never_gets_ready_is_ended(void **state)
{
    (void)state;
    run_with_seeds(never_ready);
}

/* --- deaths --- */

static int dies_at_once(void *arg)
{
    static const int64_t waits_ms[] = {100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000};
    struct world *w = world_open();
    char line[APP_LINE_BYTES];

    (void)arg;
    w->behaviour =
        (struct behaviour){.starts_ms = -1, .dies_ms = 1, .exits_with = 1, .line = "No module named shop"};
    world_configure(w, "processes: 1");
    while (w->last < 3 || w->processes[3].ended.ns == 0) {
        assert_false(app_block_is_broken(world_block(w), line));
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    }
    assert_int_equal(weir_sleep(weir_ms(50)), 0);
    assert_true(app_block_is_broken(world_block(w), line));
    assert_string_equal(line, "No module named shop");
    assert_int_equal(weir_sleep(weir_seconds(45)), 0);
    for (uint32_t i = 1; i < w->last; i++) {
        const int64_t waited = from(w->processes[i].ended, w->processes[i + 1].began).ns;
        const size_t n = i - 1 < 8 ? i - 1 : 8;
        assert_in_range(waited, weir_ms(waits_ms[n]).ns, weir_ms(waits_ms[n] + 50).ns);
    }
    assert_in_range(w->last, 9, 13);
    w->behaviour = (struct behaviour){.starts_ms = 10};
    world_wait_ready(w, 1);
    assert_false(app_block_is_broken(world_block(w), line));
    world_close(w);
    return 0;
}

static void what_dies_at_once_is_broken_and_tried_again(void **state)
{
    (void)state;
    run_with_seeds(dies_at_once);
}

/* A process that dies after it was ready is started again; the others do not notice. After a quiet minute
 * that is done at once. */
static int dies_later(void *arg)
{
    struct world *w = world_open();

    (void)arg;
    world_configure(w, "processes: 3");
    world_wait_ready(w, 3);
    for (int i = 0; i < 5; i++) {
        w->processes[w->last].behaviour.dies_ms = 0;
        w->behaviour.dies_ms = i < 4 ? 70000 : 0;
        if (i == 0)
            world_configure(w, "processes: 4");
        world_wait_ready(w, i == 0 ? 4 : 3);
        world_wait_ready(w, 4);
    }
    assert_int_equal(w->last, 8);
    for (uint32_t i = 1; i <= 3; i++)
        assert_true(w->processes[i].ended.ns == 0);
    for (uint32_t i = 4; i < 8; i++)
        assert_in_range(from(w->processes[i].ended, w->processes[i + 1].began).ns, weir_ms(100).ns,
                        weir_ms(150).ns);
    assert_int_equal(atomic_load(&world_block(w)->broken), 0);
    world_close(w);
    return 0;
}

static void what_dies_is_started_again(void **state)
{
    (void)state;
    run_with_seeds(dies_later);
}

static int ignores_stop(void *arg)
{
    struct world *w = world_open();

    (void)arg;
    w->behaviour.ignores_stop = true;
    world_configure(w, "processes: 1, stop: 3s");
    world_wait_ready(w, 1);
    apps_stop(w->apps);
    assert_true(w->processes[1].killed);
    assert_in_range(from(w->processes[1].asked, w->processes[1].ended).ns, weir_ms(2900).ns,
                    weir_ms(3100).ns);
    world_close(w);
    return 0;
}

static void what_ignores_its_signal_is_killed(void **state)
{
    (void)state;
    run_with_seeds(ignores_stop);
}

/* --- replacement --- */

static int recycles(void *arg)
{
    struct world *w = world_open();
    size_t least = 3, most = 0;

    (void)arg;
    world_configure(w, "processes: 3, concurrency: 4, requests: 200");
    world_wait_ready(w, 3);
    world_begin_load(w, 8, 10);
    for (int i = 0; i < 3000; i++) {
        const size_t ready = world_count(w, APP_PROCESS_READY), alive = world_alive(w);
        least = ready < least ? ready : least;
        most = alive > most ? alive : most;
        assert_int_equal(weir_sleep(weir_ms(10)), 0);
    }
    world_end_load(w);
    assert_true(w->last >= 9);
    assert_int_equal(least, 3);
    assert_in_range(most, 4, 6);
    assert_true(w->answered >= (w->last - 3) * 180);
    assert_int_equal(w->broken, 0);
    assert_int_equal(w->refused, 0);
    world_close(w);
    return 0;
}

static void recycling_by_requests_breaks_none(void **state)
{
    (void)state;
    run_with_seeds(recycles);
}

static int ages(void *arg)
{
    struct world *w = world_open();
    weir_instant first;
    bool apart = false;

    (void)arg;
    world_configure(w, "processes: 4, age: 1h");
    world_wait_ready(w, 4);
    assert_int_equal(weir_sleep(weir_seconds(3600 * 53 / 60)), 0);
    assert_int_equal(w->last, 4);
    assert_int_equal(weir_sleep(weir_seconds(3600 * 14 / 60)), 0);
    assert_int_equal(w->last, 8);
    first = w->processes[5].began;
    for (uint32_t i = 1; i <= 4; i++) {
        const int64_t age = from(w->processes[i].began, w->processes[i].asked).ns;
        assert_in_range(age, weir_seconds(3600 * 9 / 10).ns, weir_seconds(3600 * 11 / 10 + 2).ns);
        apart = apart || llabs(from(first, w->processes[4 + i].began).ns) > weir_seconds(10).ns;
    }
    assert_true(apart);
    world_close(w);
    return 0;
}

static void age_is_spread(void **state)
{
    (void)state;
    run_with_seeds(ages);
}

/* One that grows too large is replaced. When all do, that goes on, ever more slowly. */
static int grows(void *arg)
{
    struct world *w = world_open();

    (void)arg;
    world_configure(w, "processes: 1, memory: 100MiB");
    w->behaviour.memory_mib = 101;
    world_begin_load(w, 1, 5);
    assert_int_equal(weir_sleep(weir_seconds(60)), 0);
    assert_in_range(w->last, 5, 15);
    w->behaviour.memory_mib = 100;
    assert_int_equal(weir_sleep(weir_seconds(20)), 0);
    assert_in_range(w->last, 6, 16);
    assert_int_equal(weir_sleep(weir_seconds(100)), 0);
    assert_in_range(w->last, 6, 16);
    assert_int_equal(w->processes[w->last].behaviour.memory_mib, 100);
    world_end_load(w);
    assert_int_equal(w->broken, 0);
    world_close(w);
    return 0;
}

static void what_takes_too_much_memory_is_replaced(void **state)
{
    (void)state;
    run_with_seeds(grows);
}

/* A process that answers nothing is replaced. */
static int hangs(void *arg)
{
    struct world *w = world_open();
    struct app_process *p;

    (void)arg;
    world_configure(w, "processes: 1, stop: 1s");
    world_wait_ready(w, 1);
    p = &world_block(w)->processes[0];
    atomic_store(&p->requests, 100);
    atomic_store(&p->failures, 20);
    assert_int_equal(weir_sleep(weir_seconds(3)), 0);
    atomic_store(&p->requests, 104);
    atomic_store(&p->failures, 24);
    assert_int_equal(weir_sleep(weir_seconds(3)), 0);
    assert_int_equal(w->last, 1);
    atomic_store(&p->requests, 105);
    atomic_store(&p->failures, 25);
    assert_int_equal(weir_sleep(weir_seconds(3)), 0);
    assert_int_equal(w->last, 2);
    assert_true(w->processes[1].asked.ns > w->processes[2].accepted.ns);
    world_close(w);
    return 0;
}

static void what_answers_nothing_is_replaced(void **state)
{
    (void)state;
    run_with_seeds(hangs);
}

/* --- a sudden end --- */

/* The scope is cancelled at some moment, while much happens: nothing is left, and nothing waits for ever. */
static int ends_suddenly(void *arg)
{
    struct world *w = world_open();
    const int64_t lasts_ms = (int64_t)weir_random_below(4000);

    (void)arg;
    w->behaviour = (struct behaviour){.starts_ms = (int64_t)weir_random_below(100),
                                      .ignores_stop = weir_random_below(2) == 0,
                                      .dies_ms = (int64_t)weir_random_below(1000),
                                      .stops_ms = (int64_t)weir_random_below(1000)};
    world_configure(w, "processes: 5, concurrency: 2, requests: 20, stop: 2s");
    world_begin_load(w, 5, 20);
    assert_int_equal(weir_sleep(weir_ms(lasts_ms)), 0);
    w->behaviour.starts_ms = -1;
    world_configure(w, "processes: 3, concurrency: 2, env: {A: b}, stop: 2s");
    assert_int_equal(weir_sleep(weir_ms((int64_t)weir_random_below(1000))), 0);
    weir_scope_cancel(&w->scope);
    (void)weir_scope_close(&w->load);
    (void)weir_scope_close(&w->scope);
    assert_int_equal(world_alive(w), 0);
    weir_scope_open(&w->scope, weir_never(), 0);
    weir_scope_open(&w->load, weir_never(), 0);
    world_close(w);
    return 0;
}

static void a_sudden_end_leaves_nothing(void **state)
{
    (void)state;
    run_with_seeds(ends_suddenly);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_get_ready_and_stay),
        cmocka_unit_test(few_start_at_a_time),
        cmocka_unit_test(a_stop_lets_them_end),
        cmocka_unit_test(a_process_is_ready_when_its_path_says_so),
        cmocka_unit_test(a_process_that_never_gets_ready_is_ended),
        cmocka_unit_test(what_dies_at_once_is_broken_and_tried_again),
        cmocka_unit_test(what_dies_is_started_again),
        cmocka_unit_test(what_ignores_its_signal_is_killed),
        cmocka_unit_test(recycling_by_requests_breaks_none),
        cmocka_unit_test(age_is_spread),
        cmocka_unit_test(what_takes_too_much_memory_is_replaced),
        cmocka_unit_test(what_answers_nothing_is_replaced),
        cmocka_unit_test(a_sudden_end_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
