/* SPDX-License-Identifier: MIT */
/* Applications over reloads, under seeds: what is left alone, what is replaced, what goes. */
#include "apps_world.h"

#define SEEDS 8

static void run_with_seeds(int (*fn)(void *arg))
{
    for (uint64_t seed = seed_first(); seed <= seed_last(SEEDS); seed++)
        run_simulated(seed, fn, NULL);
}

static int64_t waits(int64_t ms)
{
    assert_int_equal(weir_sleep(weir_ms(ms)), 0);
    return ms;
}

/* --- what is left alone --- */

static int runs_alike(void *arg)
{
    struct world *w = world_open();

    (void)arg;
    world_configure(w, "processes: 2");
    world_wait_ready(w, 2);
    world_configure(
        w, "processes: 2, concurrency: 7, queue: 3, stop: 1s, ready: /up, requests: 10, memory: 1GiB");
    waits(2000);
    assert_int_equal(w->last, 2);
    assert_int_equal(atomic_load(&world_block(w)->concurrency), 7);
    world_configure(w, "processes: 4");
    world_wait_ready(w, 4);
    assert_int_equal(w->last, 4);
    world_configure(w, "processes: 1");
    waits(2000);
    assert_int_equal(world_count(w, APP_PROCESS_READY), 1);
    assert_true(w->processes[1].ended.ns == 0 || w->processes[2].ended.ns == 0);
    assert_int_equal(world_alive(w), 1);
    world_configure(w, "processes: 3");
    world_wait_ready(w, 3);
    assert_int_equal(w->last, 6);
    world_close(w);
    return 0;
}

static void what_runs_alike_is_left_alone(void **state)
{
    (void)state;
    run_with_seeds(runs_alike);
}

/* --- what changes --- */

/* Changes the application so many times, at once or with pauses, under load: no request is broken or refused,
 * and the number of processes that are ready never falls. */
static int changes(void *arg)
{
    struct world *w = world_open();
    char keys[96];

    (void)arg;
    world_configure(w, "processes: 3, concurrency: 4");
    world_wait_ready(w, 3);
    world_begin_load(w, 6, 30);
    for (int i = 0; i < 10; i++) {
        const uint64_t steps = weir_random_below(60);
        (void)snprintf(keys, sizeof keys, "processes: 3, concurrency: 4, env: {N: %d}", i);
        world_configure(w, keys);
        for (uint64_t step = 0; step < steps; step++) {
            assert_true(world_count(w, APP_PROCESS_READY) >= 3);
            waits(2);
        }
    }
    waits(5000);
    world_end_load(w);
    assert_int_equal(world_count(w, APP_PROCESS_READY), 3);
    assert_int_equal(world_alive(w), 3);
    assert_true(w->last >= 6);
    assert_int_equal(w->broken, 0);
    assert_int_equal(w->refused, 0);
    world_close(w);
    return 0;
}

static void a_change_breaks_no_request(void **state)
{
    (void)state;
    run_with_seeds(changes);
}

/* Successors that do not get ready leave those that run as they are, and are tried again. */
static int does_not_work(void *arg)
{
    struct world *w = world_open();
    char line[APP_LINE_BYTES];

    (void)arg;
    world_configure(w, "processes: 2, concurrency: 4");
    world_wait_ready(w, 2);
    world_begin_load(w, 4, 10);
    w->behaviour = (struct behaviour){.starts_ms = -1, .dies_ms = 10, .exits_with = 3, .line = "bad"};
    world_configure(w, "processes: 2, concurrency: 4, env: {A: b}");
    waits(60000);
    assert_in_range(w->last, 10, 60);
    assert_true(w->processes[1].ended.ns == 0 && w->processes[2].ended.ns == 0);
    assert_false(app_block_is_broken(world_block(w), line));
    w->behaviour = (struct behaviour){.starts_ms = 10};
    waits(30000);
    assert_true(w->processes[1].ended.ns != 0 && w->processes[2].ended.ns != 0);
    world_end_load(w);
    assert_int_equal(world_count(w, APP_PROCESS_READY), 2);
    assert_int_equal(w->broken, 0);
    assert_int_equal(w->refused, 0);
    world_close(w);
    return 0;
}

static void a_change_that_does_not_work_harms_nobody(void **state)
{
    (void)state;
    run_with_seeds(does_not_work);
}

/* What is broken is tried with the new configuration at once. */
static int mended(void *arg)
{
    struct world *w = world_open();

    (void)arg;
    w->behaviour = (struct behaviour){.starts_ms = -1, .dies_ms = 10, .exits_with = 3};
    world_configure(w, "processes: 1");
    waits(60000);
    w->behaviour = (struct behaviour){.starts_ms = 10};
    world_configure(w, "processes: 1, env: {A: b}");
    waits(100);
    assert_int_equal(world_count(w, APP_PROCESS_READY), 1);
    world_close(w);
    return 0;
}

static void what_is_broken_is_tried_at_once(void **state)
{
    (void)state;
    run_with_seeds(mended);
}

/* A reload does not wait for successors of the reload before it. */
static int hangs_while_starting(void *arg)
{
    struct world *w = world_open();

    (void)arg;
    world_configure(w, "processes: 2, concurrency: 4");
    world_wait_ready(w, 2);
    w->behaviour.starts_ms = -1;
    world_configure(w, "processes: 2, concurrency: 4, env: {A: b}, ready: {within: 1h}");
    waits(5000);
    w->behaviour.starts_ms = 10;
    world_configure(w, "processes: 2, concurrency: 4, env: {A: c}, ready: {within: 1h}");
    waits(3000);
    assert_int_equal(world_count(w, APP_PROCESS_READY), 2);
    assert_int_equal(world_alive(w), 2);
    assert_true(w->processes[1].ended.ns != 0 && w->processes[2].ended.ns != 0);
    world_close(w);
    return 0;
}

static void a_reload_does_not_wait_for_the_one_before(void **state)
{
    (void)state;
    run_with_seeds(hangs_while_starting);
}

/* A long request keeps its process, until `stop` has passed. */
static int long_request(void *arg)
{
    struct world *w = world_open();
    size_t entry = 0;
    uint32_t serial = 0;

    (void)arg;
    world_configure(w, "processes: 1, stop: 10s");
    world_wait_ready(w, 1);
    assert_true(world_take(w, world_block(w), &entry, &serial));
    world_configure(w, "processes: 1, stop: 10s, env: {A: b}");
    waits(9000);
    assert_int_equal(world_count(w, APP_PROCESS_READY), 1);
    assert_int_equal(world_count(w, APP_PROCESS_LEAVING), 1);
    assert_int_equal(w->processes[serial].asked.ns, 0);
    waits(2000);
    assert_true(w->processes[serial].ended.ns != 0);
    /* The entry is not used again before the place is given back. */
    assert_int_equal(atomic_load(&world_block(w)->processes[entry].state), APP_PROCESS_NONE);
    world_configure(w, "processes: 64, stop: 10s, env: {A: b}");
    world_wait_ready(w, 64);
    assert_int_equal(atomic_load(&world_block(w)->processes[entry].state), APP_PROCESS_NONE);
    weir_shared_count_add(w->gateway, &world_block(w)->in_flight[entry], -1);
    world_close(w);
    return 0;
}

static void a_long_request_keeps_its_process(void **state)
{
    (void)state;
    run_with_seeds(long_request);
}

/* --- what goes --- */

static int goes(void *arg)
{
    struct world *w = world_open();

    (void)arg;
    world_configure(w, "processes: 3");
    world_wait_ready(w, 3);
    world_configure(w, ""); /* an older generation of gateway processes is still served */
    waits(5000);
    assert_int_equal(world_count(w, APP_PROCESS_READY), 3);
    apps_keep(w->apps, &w->config);
    waits(5000);
    assert_int_equal(world_count(w, APP_PROCESS_NONE), APP_PROCESSES_MAX);
    assert_int_equal(world_alive(w), 0);
    world_configure(w, "processes: 2");
    world_wait_ready(w, 2);
    assert_int_equal(w->last, 5);
    /* It comes back while it goes. */
    w->behaviour.stops_ms = 3000;
    w->processes[4].behaviour.stops_ms = 3000;
    world_configure(w, "");
    apps_keep(w->apps, &w->config);
    waits((int64_t)weir_random_below(200));
    world_configure(w, "processes: 2");
    world_wait_ready(w, 2);
    apps_keep(w->apps, &w->config);
    waits(5000);
    assert_int_equal(world_alive(w), 2);
    world_close(w);
    return 0;
}

static void what_the_configuration_drops_ends(void **state)
{
    (void)state;
    run_with_seeds(goes);
}

/* --- before a configuration is in force --- */

static int added(void *arg)
{
    struct world *w = world_open();

    (void)arg;
    w->behaviour.starts_ms = 500;
    world_configure(w, "");
    assert_true(apps_serve(w->apps, &w->config));
    world_configure(w, "processes: 2");
    assert_false(apps_serve(w->apps, &w->config));
    apps_add(w->apps, &w->config);
    while (!apps_serve(w->apps, &w->config))
        waits(1);
    assert_true(world_count(w, APP_PROCESS_READY) >= 1);
    world_wait_ready(w, 2);
    assert_int_equal(w->last, 2);
    world_close(w);
    return 0;
}

static void an_application_serves_with_its_first_process(void **state)
{
    (void)state;
    run_with_seeds(added);
}

/* --- status --- */

static int status(void *arg)
{
    struct world *w = world_open();
    struct text_out out;

    (void)arg;
    text_out_init(&out, 1 << 16);
    apps_status(w->apps, &out);
    assert_int_equal(out.text.len, 2);
    weir_buffer_clear(&out.text);
    world_configure(w, "processes: 2");
    world_wait_ready(w, 2);
    apps_status(w->apps, &out);
    assert_int_equal(out.err, 0);
    assert_int_equal(weir_buffer_append(&out.text, "", 1), 0);
    assert_non_null(
        strstr((char *)out.text.data, "[{\"name\":\"shop\",\"state\":\"ready\",\"last_line\":null,"));
    assert_non_null(strstr((char *)out.text.data, "\"wanted\":2,\"starts\":2,\"deaths\":0,\"waiting\":0,"));
    assert_non_null(strstr((char *)out.text.data, "{\"number\":2,\"pid\":"));
    weir_buffer_free(&out.text);
    world_close(w);
    return 0;
}

static void the_status_names_each_process(void **state)
{
    (void)state;
    run_simulated(1, status, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_runs_alike_is_left_alone),
        cmocka_unit_test(a_change_breaks_no_request),
        cmocka_unit_test(a_change_that_does_not_work_harms_nobody),
        cmocka_unit_test(what_is_broken_is_tried_at_once),
        cmocka_unit_test(a_reload_does_not_wait_for_the_one_before),
        cmocka_unit_test(a_long_request_keeps_its_process),
        cmocka_unit_test(what_the_configuration_drops_ends),
        cmocka_unit_test(an_application_serves_with_its_first_process),
        cmocka_unit_test(the_status_names_each_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
