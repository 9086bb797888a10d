/* SPDX-License-Identifier: MIT */
/* Admission to a pool, refusals with their reasons, and the order of jobs: in virtual time, to the
 * nanosecond. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pool/pool.h"
#include "support/run.h"

enum { MS = 1000000 };

struct caller {
    weir_pool *pool;
    int takes_ms;
    weir_offload_options options;
    weir_job_report report;
    int result, deadline_ms; /* 0: none */
    int64_t ended_ns;
    const char *name;
};

static int job(weir_job *self, void *arg)
{
    const struct caller *c = arg;

    assert_true(weir_job_takes(self, weir_ms(c->takes_ms)));
    return 1;
}

static int call(void *arg)
{
    struct caller *c = arg;
    weir_scope scope;

    c->options.report = &c->report;
    weir_scope_open(&scope, c->deadline_ms > 0 ? weir_after_ms(c->deadline_ms) : weir_never(), WEIR_COLLECT);
    c->result = weir_offload_with(c->pool, "job", job, c, &c->options);
    (void)weir_scope_close(&scope);
    c->ended_ns = weir_now().ns;
    return 0;
}

/* Starts a caller and lets it get as far as it does at once. */
static void go(weir_scope *scope, struct caller *c)
{
    c->result = 77; /* not back yet */
    assert_int_equal(weir_spawn(scope, "caller", call, c), 0);
    assert_int_equal(weir_yield(), 0);
}

/* The pool knows what its jobs take once it has run some. */
static void teach(weir_pool *pool, int takes_ms, int share)
{
    for (int i = 0; i < 20; i++) {
        struct caller c = {.pool = pool, .takes_ms = takes_ms, .options.share = share};
        (void)call(&c);
        assert_int_equal(c.result, 1);
    }
}

static weir_pool *open_pool(int workers, int queue, int wait_ms)
{
    const weir_pool_options options = {
        .name = "p", .workers = workers, .queue = queue, .wait = weir_ms(wait_ms)};
    weir_pool *pool;

    assert_int_equal(weir_pool_open(&options, &pool), 0);
    return pool;
}

static weir_pool_stats look(weir_pool *pool)
{
    weir_pool_stats stats;

    weir_pool_stats_get(pool, &stats, NULL, NULL);
    return stats;
}

/* --- refused because it would wait too long --- */

static int expected(void *arg)
{
    weir_pool *pool = open_pool(1, 64, 250);
    struct caller c[6] = {0};
    weir_scope scope;
    int refused = 0;

    (void)arg;
    teach(pool, 60, 0);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 6; i++) {
        c[i] = (struct caller){.pool = pool, .takes_ms = 60};
        go(&scope, &c[i]);
    }
    for (int i = 0; i < 6; i++)
        refused += c[i].result == -WEIR_EBUSY;
    assert_int_equal(refused, 1); /* one runs; four wait 60, 120, 180 and 240 ms; the next would wait 300 */
    assert_int_equal(c[5].result, -WEIR_EBUSY);
    assert_int_equal(c[5].report.fate, WEIR_JOB_REFUSED);
    assert_in_range(c[5].report.expected.ns, 299 * MS, 301 * MS);
    assert_int_equal(look(pool).refused[WEIR_REFUSED_WAIT], 1);
    assert_int_equal(look(pool).queued, 4);
    assert_int_equal(look(pool).running, 1);
    (void)weir_scope_close(&scope);
    for (int i = 0; i < 5; i++)
        assert_int_equal(c[i].result, 1);
    assert_in_range(c[4].report.queued.ns, 238 * MS, 242 * MS);
    assert_int_equal(c[4].report.ran.ns, 60 * MS);
    assert_int_equal(look(pool).dropped, 0);
    weir_pool_close(pool);
    return 0;
}

static void what_would_wait_too_long_is_refused_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++)
        run_simulated(seed, expected, NULL);
}

/* --- refused because the caller's deadline would pass --- */

static int late(void *arg)
{
    weir_pool *pool = open_pool(1, 64, 10000);
    struct caller first = {.pool = pool, .takes_ms = 60}, second = first, third = first;
    weir_scope scope;

    (void)arg;
    teach(pool, 60, 0);
    second.deadline_ms = 115;
    third.deadline_ms = 125;
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    go(&scope, &first);
    go(&scope, &second);
    assert_int_equal(second.result, -WEIR_ELATE); /* it would begin in 60, and take 60 */
    assert_int_equal(second.report.fate, WEIR_JOB_REFUSED);
    assert_int_equal(look(pool).refused[WEIR_REFUSED_DEADLINE], 1);
    go(&scope, &third);
    assert_int_equal(third.result, 77);
    (void)weir_scope_close(&scope);
    assert_int_equal(third.result, 1);
    second.deadline_ms = 1; /* with a worker free it is tried in any case */
    (void)call(&second);
    assert_int_equal(second.result, 1);
    weir_pool_close(pool);
    return 0;
}

static void what_would_begin_after_its_deadline_is_refused_by_its_own_name(void **state)
{
    (void)state;
    run_simulated(1, late, NULL);
}

/* --- dropped, because it turned out otherwise --- */

static int dropped(void *arg)
{
    weir_pool *pool = open_pool(1, 64, 250);
    struct caller long_one = {.pool = pool, .takes_ms = 1000}, waits = {.pool = pool, .takes_ms = 1},
                  hurries = waits;
    int64_t start_ns;
    weir_scope scope;

    (void)arg;
    teach(pool, 10, 0); /* so the estimate is short, although the next job is long */
    hurries.deadline_ms = 100;
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    start_ns = weir_now().ns;
    go(&scope, &long_one);
    go(&scope, &waits);
    go(&scope, &hurries);
    (void)weir_scope_close(&scope);
    assert_int_equal(long_one.result, 1);
    assert_int_equal(waits.result, -WEIR_EBUSY);
    assert_int_equal(waits.report.fate, WEIR_JOB_DROPPED);
    assert_in_range(waits.ended_ns - start_ns, 250 * MS, 251 * MS); /* not when the long one was over */
    assert_int_equal(hurries.result, -WEIR_EDEADLINE);
    assert_int_equal(hurries.report.fate, WEIR_JOB_DROPPED);
    assert_in_range(hurries.ended_ns - start_ns, 100 * MS, 101 * MS);
    assert_in_range(hurries.report.queued.ns, 99 * MS, 101 * MS);
    assert_int_equal(look(pool).dropped, 2);
    assert_int_equal(look(pool).ran, 21);
    weir_pool_close(pool);
    return 0;
}

static void what_can_not_begin_in_time_after_all_is_dropped_then(void **state)
{
    (void)state;
    run_simulated(1, dropped, NULL);
}

/* --- waiting --- */

static int waiting(void *arg)
{
    weir_pool *pool = open_pool(1, 1, 50);
    struct caller runs = {.pool = pool, .takes_ms = 100}, until = runs, waits = runs, refused = runs;
    int64_t start_ns;
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    start_ns = weir_now().ns;
    until.options = (weir_offload_options){.when_full = WEIR_WAIT_UNTIL, .until = weir_after_ms(80)};
    waits.options.when_full = WEIR_WAIT;
    go(&scope, &runs);
    go(&scope, &until);
    go(&scope, &waits);
    go(&scope, &refused);
    assert_int_equal(refused.result, -WEIR_EBUSY);
    (void)weir_scope_close(&scope);
    assert_int_equal(runs.result, 1);
    assert_int_equal(until.result, -WEIR_EBUSY);
    assert_in_range(until.ended_ns - start_ns, 80 * MS, 81 * MS);
    assert_int_equal(waits.result, 1);
    assert_in_range(waits.report.queued.ns, 100 * MS, 101 * MS);
    assert_int_equal(look(pool).queued, 0);
    weir_pool_close(pool);
    return 0;
}

static void who_waits_does_so_beyond_the_limits_of_the_pool(void **state)
{
    (void)state;
    run_simulated(1, waiting, NULL);
}

/* --- the order --- */

static int in_order(void *arg)
{
    weir_pool *pool = open_pool(1, 64, 10000);
    struct caller c[20] = {0};
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 20; i++) {
        c[i] = (struct caller){.pool = pool, .takes_ms = 5};
        go(&scope, &c[i]);
    }
    (void)weir_scope_close(&scope);
    for (int i = 1; i < 20; i++)
        assert_true(c[i].ended_ns > c[i - 1].ended_ns);
    weir_pool_close(pool);
    return 0;
}

static void who_came_first_begins_first(void **state)
{
    (void)state;
    run_simulated(1, in_order, NULL);
}

/* --- shares --- */

static const weir_pool_share shares[] = {{.name = "/a", .percent = 30}, {.name = "/b", .percent = 20}};

static weir_pool *open_shared(int workers, int queue, int wait_ms)
{
    const weir_pool_options options = {.name = "p",
                                       .workers = workers,
                                       .queue = queue,
                                       .wait = weir_ms(wait_ms),
                                       .shares = shares,
                                       .share_count = 2};
    weir_pool *pool;

    assert_int_equal(weir_pool_open(&options, &pool), 0);
    return pool;
}

static int places(void *arg)
{
    weir_pool *pool = open_shared(1, 19, 100000);
    struct caller flood[30], own[30];
    int taken = 0;
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 30; i++) {
        flood[i] = (struct caller){.pool = pool, .takes_ms = 5};
        go(&scope, &flood[i]);
        taken += flood[i].result == 77;
    }
    assert_int_equal(taken, 10); /* 20 places, of which 6 and 4 are others' */
    for (int i = 0; i < 30; i++) {
        own[i] = (struct caller){.pool = pool, .takes_ms = 5, .options.share = 1};
        go(&scope, &own[i]);
        assert_int_equal(own[i].result, i < 6 ? 77 : -WEIR_EBUSY);
    }
    (void)weir_scope_close(&scope);
    assert_int_equal(look(pool).refused[WEIR_REFUSED_FULL], 20 + 24);
    taken = 0;
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 30; i++) {
        own[i] = (struct caller){.pool = pool, .takes_ms = 5, .options.share = 2};
        go(&scope, &own[i]);
        taken += own[i].result == 77;
    }
    assert_int_equal(taken, 14); /* the share's own places, and all that belong to no share */
    (void)weir_scope_close(&scope);
    for (int i = 0; i < 3; i++)
        assert_int_equal(atomic_load(&pool->shares[i].places), 0);
    assert_int_equal(atomic_load(&pool->common), 0);
    weir_pool_close(pool);
    return 0;
}

static void a_flood_leaves_the_places_of_others(void **state)
{
    (void)state;
    run_simulated(1, places, NULL);
}

/* Every share has more work than the workers have time: the time is divided by the shares. */
static int turns(void *arg)
{
    weir_pool *pool = open_shared(2, 1000, 1000000);
    static struct caller c[3][200];
    int64_t start_ns;
    int done[3] = {0};
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    start_ns = weir_now().ns;
    for (int i = 0; i < 200; i++)
        for (int s = 0; s < 3; s++) { /* jobs of /a take three times as long */
            c[s][i] = (struct caller){
                .pool = pool, .takes_ms = s == 1 ? 15 : 5, .options = {.share = s, .when_full = WEIR_WAIT}};
            go(&scope, &c[s][i]);
        }
    (void)weir_scope_close(&scope);
    for (int s = 0; s < 3; s++)
        for (int i = 0; i < 200; i++)
            done[s] += c[s][i].ended_ns - start_ns < weir_ms(800).ns;
    /* 1600 ms of work: half for those without a share, 30 and 20 in a hundred for the others. */
    assert_in_range(done[0] * 5, 800 - 40, 800 + 40);
    assert_in_range(done[1] * 15, 480 - 40, 480 + 40);
    assert_in_range(done[2] * 5, 320 - 40, 320 + 40);
    weir_pool_close(pool);
    return 0;
}

static void the_workers_time_is_divided_by_share(void **state)
{
    (void)state;
    run_simulated(1, turns, NULL);
}

/* One that comes late does not get all it has missed. */
static int late_share(void *arg)
{
    weir_pool *pool = open_shared(1, 1000, 1000000);
    static struct caller flood[100], own[40];
    int before = 0;
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 100; i++) {
        flood[i] = (struct caller){.pool = pool, .takes_ms = 5, .options.when_full = WEIR_WAIT};
        go(&scope, &flood[i]);
    }
    assert_int_equal(weir_sleep(weir_ms(250)), 0);
    for (int i = 0; i < 40; i++) {
        own[i] =
            (struct caller){.pool = pool, .takes_ms = 5, .options = {.share = 1, .when_full = WEIR_WAIT}};
        go(&scope, &own[i]);
    }
    (void)weir_scope_close(&scope);
    for (int i = 0; i < 100; i++)
        before += flood[i].ended_ns < own[29].ended_ns;
    assert_in_range(before, 50 + 45, 100); /* 30 of /a in the time of 50 of the flood */
    assert_in_range(own[0].report.queued.ns, 0, 11 * MS);
    weir_pool_close(pool);
    return 0;
}

static void a_share_gets_its_part_from_now_on_and_not_of_the_past(void **state)
{
    (void)state;
    run_simulated(1, late_share, NULL);
}

/* --- the ins and outs of options --- */

static int options_checked(void *arg)
{
    static const weir_pool_share too_much[] = {{.name = "/a", .percent = 60}, {.name = "/b", .percent = 41}},
                                 nothing[] = {{.name = "/a", .percent = 0}};
    const weir_pool_options wrong[] = {
        {.name = NULL},
        {.name = ""},
        {.name = "a name that is longer than a name may be"},
        {.name = "compute"},
        {.name = "p", .work = (enum weir_pool_class)2},
        {.name = "p", .workers = 1025},
        {.name = "p", .workers = -1},
        {.name = "p", .queue = -2},
        {.name = "p", .queue = 1000001},
        {.name = "p", .wait = {-1}},
        {.name = "p", .shares = too_much, .share_count = 2},
        {.name = "p", .shares = nothing, .share_count = 1},
    };
    weir_pool *pool, *many[70];
    char name[16];
    int n = 0;
    struct caller c;

    (void)arg;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(weir_pool_open(&wrong[i], &pool), -EINVAL);
    assert_null(weir_pool_find("p"));
    assert_string_equal(weir_pool_name(weir_pool_compute()), "compute");
    assert_ptr_equal(weir_pool_find("blocking"), weir_pool_blocking());
    assert_int_equal(look(weir_pool_blocking()).workers_max, 32);
    assert_int_equal(look(weir_pool_compute()).workers_max, weir_cpu_count());
    assert_int_equal(look(weir_pool_compute()).queue_max, 64);
    assert_int_equal(look(weir_pool_compute()).wait_max.ns, 250 * MS);
    c = (struct caller){.pool = weir_pool_compute(), .options.share = 1};
    (void)call(&c);
    assert_int_equal(c.result, -EINVAL);
    for (; n < 70; n++) {
        (void)snprintf(name, sizeof name, "p%d", n);
        if (weir_pool_open(&(weir_pool_options){.name = name}, &many[n]) < 0)
            break;
    }
    assert_int_equal(n, 62);
    while (n > 0)
        weir_pool_close(many[--n]);
    return 0;
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    run_simulated(1, options_checked, NULL);
}

static int of_runtime(void *arg)
{
    (void)arg;
    assert_int_equal(look(weir_pool_compute()).workers_max, 3);
    assert_int_equal(look(weir_pool_compute()).work, WEIR_POOL_COMPUTE);
    assert_int_equal(look(weir_pool_blocking()).workers_max, 5);
    assert_int_equal(look(weir_pool_blocking()).work, WEIR_POOL_BLOCKING);
    assert_int_equal(look(weir_pool_find("images")).queue_max, 0);
    return 0;
}

static void the_options_of_a_runtime_say_what_its_pools_are_like(void **state)
{
    const weir_pool_options pools[] = {{.name = "images", .queue = -1},
                                       {.name = "blocking", .workers = 5},
                                       {.name = "compute", .workers = 3}};
    const weir_pool_options twice[] = {{.name = "images"}, {.name = "images"}};
    weir_options options = {.io = WEIR_IO_SIM, .pools = pools, .pool_count = 3};

    (void)state;
    assert_int_equal(weir_run(&options, of_runtime, NULL), 0);
    options.pools = twice;
    options.pool_count = 2;
    assert_int_equal(weir_run(&options, of_runtime, NULL), -EINVAL);
}

/* --- without a pool, and progress --- */

static int count_to(weir_job *self, void *arg)
{
    for (int i = 1; i <= 10; i++)
        weir_job_progress(self, (uint64_t)i, 10);
    assert_int_equal(weir_job_cancelled(self), 0);
    assert_int_equal(weir_job_deadline(self).ns, *(int64_t *)arg);
    return 5;
}

static int add_range(weir_job *self, size_t begin, size_t end, void *arg)
{
    (void)self;
    for (size_t i = begin; i < end; i++)
        *(size_t *)arg += i;
    return 0;
}

static int in_place(void *arg)
{
    weir_progress progress = {0};
    weir_job_report report;
    weir_offload_options options = {.progress = &progress, .report = &report};
    uint64_t done, total;
    int64_t deadline_ns;
    size_t sum = 0;
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_after_ms(100), 0);
    deadline_ns = weir_deadline().ns;
    assert_int_equal(weir_offload_with(NULL, "count", count_to, &deadline_ns, &options), 5);
    assert_int_equal(report.fate, WEIR_JOB_RAN);
    progress = (weir_progress){0};
    assert_int_equal(weir_offload_with(weir_pool_compute(), "count", count_to, &deadline_ns, &options), 5);
    weir_progress_get(&progress, &done, &total);
    assert_true(done == 10 && total == 10);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(weir_offload_each(NULL, "add", add_range, 101, &sum), 0);
    assert_int_equal(sum, 5050);
    return 0;
}

static void without_a_pool_it_is_run_in_place(void **state)
{
    (void)state;
    run_everywhere(in_place, NULL);
}

/* --- the histograms --- */

static int histograms(void *arg)
{
    weir_pool *pool = open_pool(1, 64, 1000);
    weir_meter queued = {0}, ran = {0};
    weir_pool_stats stats;
    struct caller c[3];
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 3; i++) {
        c[i] = (struct caller){.pool = pool, .takes_ms = 10};
        go(&scope, &c[i]);
    }
    (void)weir_scope_close(&scope);
    weir_pool_stats_get(pool, &stats, &queued, &ran);
    assert_int_equal(weir_meter_count(&ran), 3);
    assert_int_equal(ran.sum_ns, 30 * MS);
    assert_int_equal(weir_meter_count(&queued), 3);
    assert_in_range(queued.sum_ns, 30 * MS, 31 * MS);
    assert_int_equal(stats.service.ns, 10 * MS);
    assert_int_equal(stats.expected.ns, 0);
    weir_pool_close(pool);
    return 0;
}

static void waits_and_runs_are_recorded(void **state)
{
    (void)state;
    run_simulated(1, histograms, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_would_wait_too_long_is_refused_at_once),
        cmocka_unit_test(what_would_begin_after_its_deadline_is_refused_by_its_own_name),
        cmocka_unit_test(what_can_not_begin_in_time_after_all_is_dropped_then),
        cmocka_unit_test(who_waits_does_so_beyond_the_limits_of_the_pool),
        cmocka_unit_test(who_came_first_begins_first),
        cmocka_unit_test(a_flood_leaves_the_places_of_others),
        cmocka_unit_test(the_workers_time_is_divided_by_share),
        cmocka_unit_test(a_share_gets_its_part_from_now_on_and_not_of_the_past),
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(the_options_of_a_runtime_say_what_its_pools_are_like),
        cmocka_unit_test(without_a_pool_it_is_run_in_place),
        cmocka_unit_test(waits_and_runs_are_recorded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
