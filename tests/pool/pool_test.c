/* SPDX-License-Identifier: MIT */
/* Offloading: what runs, what is refused and how one is told. On real threads and in virtual time. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "core/loop.h"
#include "pool/job.h"
#include "pool/pool.h"
#include "core/runtime.h"
#include "support/run.h"
#include "support/torture.h"

/* --- a job that holds its worker until it is told --- */

struct gate {
    atomic_int entered, open;
    weir_scope scope;
    int result;
};

static void nap(void)
{
    struct timespec t = {.tv_nsec = 100000};

    nanosleep(&t, NULL);
}

static int pass_gate(weir_job *job, void *arg)
{
    struct gate *g = arg;

    weir_job_takes(job, weir_ms(5));
    atomic_fetch_add(&g->entered, 1);
    if (job->pool->sim == NULL)
        while (atomic_load(&g->open) == 0)
            nap();
    return 7;
}

static int add_one(weir_job *job, void *arg)
{
    (void)job;
    return ++*(int *)arg;
}

/* A busy machine may take longer to begin than a pool waits by itself. */
static const weir_offload_options patient = {.when_full = WEIR_WAIT};

static int plain(void *arg)
{
    int n = 41;

    (void)arg;
    assert_int_equal(weir_offload_with(weir_pool_compute(), "add", add_one, &n, &patient), 42);
    assert_int_equal(n, 42);
    assert_int_equal(weir_offload_with(weir_pool_blocking(), "add", add_one, &n, &patient), 43);
    return 0;
}

static void a_job_runs_and_its_result_comes_back(void **state)
{
    (void)state;
    run_everywhere(plain, NULL);
}

/* --- what a job may use of a CPU --- */

struct working {
    bool sleeps;
    int64_t used_ns;
};

static int64_t read_ns(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Computes until it is told to end, or lets more than twice as long pass in sleep. */
static int work(weir_job *job, void *arg)
{
    struct working *w = arg;
    int64_t until_ns = read_ns(CLOCK_MONOTONIC) + 50000000, from_ns = read_ns(CLOCK_THREAD_CPUTIME_ID);
    int err = 0;

    while (err == 0 && !(w->sleeps && read_ns(CLOCK_MONOTONIC) > until_ns)) {
        err = weir_job_cancelled(job);
        if (w->sleeps)
            nap();
    }
    w->used_ns = read_ns(CLOCK_THREAD_CPUTIME_ID) - from_ns;
    return err;
}

static int work_on_range(weir_job *job, size_t begin, size_t end, void *arg)
{
    struct working own = {0};

    (void)begin, (void)end, (void)arg;
    return work(job, &own);
}

static int limited(void *arg)
{
    const weir_pool_options options = {.name = "limited", .workers = 2, .cpu = weir_ms(5)};
    weir_offload_options longer = patient;
    struct working w = {0}, sleeping = {.sleeps = true};
    weir_pool *pool;

    (void)arg;
    assert_int_equal(weir_pool_open(&options, &pool), 0);
    if (pool->sim != NULL) { /* nothing takes time of its own there */
        weir_pool_close(pool);
        return 0;
    }
    assert_int_equal(weir_offload_with(pool, "work", work, &w, &patient), -WEIR_ECPU);
    assert_in_range(w.used_ns, 5000000, INT64_MAX);
    longer.cpu = weir_ms(20);
    for (int i = 0; i < 3; i++) { /* each has its own */
        assert_int_equal(weir_offload_with(pool, "work", work, &w, &longer), -WEIR_ECPU);
        assert_in_range(w.used_ns, 20000000, INT64_MAX);
    }
    assert_int_equal(weir_offload_with(pool, "sleep", work, &sleeping, &longer), 0);
    assert_int_equal(weir_offload_each_with(pool, "ranges", work_on_range, 10, NULL, &patient), -WEIR_ECPU);
    longer.cpu = (weir_duration){INT64_MAX};
    assert_int_equal(weir_offload_with(pool, "sleep", work, &sleeping, &longer), 0);
    weir_pool_close(pool);
    return 0;
}

static void a_job_hears_that_it_has_used_its_share_of_the_cpu(void **state)
{
    (void)state;
    run_everywhere(limited, NULL);
}

/* --- many at once, from many tasks --- */

enum { CALLERS = 40, ROUNDS = 25 };

struct crowd {
    weir_pool *pool;
    int ran, refused;
};

static int one_of_many(void *arg)
{
    struct crowd *c = arg;
    int n = 0;

    for (int i = 0; i < ROUNDS; i++) {
        int err = weir_offload(c->pool, "add", add_one, &n);
        if (err == -WEIR_EBUSY)
            c->refused++;
        else if (err == n)
            c->ran++;
        else
            return -1;
    }
    return 0;
}

static int crowd(void *arg)
{
    const weir_pool_options options = {.name = "small", .workers = 2, .queue = 3, .wait = weir_seconds(60)};
    struct crowd c = {0};
    weir_pool_stats stats;
    weir_scope scope;

    (void)arg;
    assert_int_equal(weir_pool_open(&options, &c.pool), 0);
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(weir_spawn(&scope, "caller", one_of_many, &c), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    weir_pool_stats_get(c.pool, &stats, NULL, NULL);
    assert_int_equal(c.ran + c.refused, CALLERS * ROUNDS);
    assert_int_equal(stats.ran, c.ran);
    assert_int_equal(stats.refused[WEIR_REFUSED_FULL] + stats.refused[WEIR_REFUSED_WAIT] + stats.dropped,
                     c.refused);
    assert_int_equal(stats.queued + stats.running, 0);
    assert_true(c.ran > 0 && (c.pool->sim == NULL || c.refused > 0));
    weir_pool_close(c.pool);
    return 0;
}

static void what_was_sent_is_what_ran_and_what_was_refused(void **state)
{
    (void)state;
    run_everywhere(crowd, NULL);
}

/* --- full --- */

struct full {
    weir_pool *pool;
    struct gate gate;
    int results[8];
    int n;
};

static int hold(void *arg)
{
    struct full *f = arg;
    int err = weir_offload(f->pool, "hold", pass_gate, &f->gate);

    f->results[f->n++] = err;
    return 0;
}

static int full(void *arg)
{
    const weir_pool_options options = {.name = "one", .workers = 1, .queue = 2, .wait = weir_seconds(60)};
    struct full f = {0};
    weir_job_report report;
    weir_offload_options with = {.report = &report};
    weir_scope scope;

    (void)arg;
    assert_int_equal(weir_pool_open(&options, &f.pool), 0);
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(weir_spawn(&scope, "hold", hold, &f), 0);
    assert_int_equal(weir_yield(), 0);
    assert_int_equal(f.n, 2); /* one at work and two in the queue */
    assert_int_equal(f.results[0], -WEIR_EBUSY);
    assert_int_equal(f.results[1], -WEIR_EBUSY);
    assert_int_equal(weir_offload_with(f.pool, "hold", pass_gate, &f.gate, &with), -WEIR_EBUSY);
    assert_int_equal(report.fate, WEIR_JOB_REFUSED);
    atomic_store(&f.gate.open, 1);
    with.when_full = WEIR_WAIT;
    assert_int_equal(weir_offload_with(f.pool, "hold", pass_gate, &f.gate, &with), 7);
    assert_int_equal(report.fate, WEIR_JOB_RAN);
    assert_int_equal(weir_scope_close(&scope), 0);
    for (int i = 2; i < 5; i++)
        assert_int_equal(f.results[i], 7);
    weir_pool_close(f.pool);
    return 0;
}

static void a_full_pool_refuses_and_who_waits_gets_a_turn(void **state)
{
    (void)state;
    run_everywhere(full, NULL);
}

/* --- cancelling --- */

static int until_cancelled(weir_job *job, void *arg)
{
    struct gate *g = arg;
    int code;

    weir_job_takes(job, weir_ms(5));
    atomic_fetch_add(&g->entered, 1);
    if (job->pool->sim != NULL)
        return weir_job_cancelled(job);
    while ((code = weir_job_cancelled(job)) == 0)
        nap();
    return code;
}

static int running_victim(void *arg)
{
    struct full *f = arg;

    f->results[f->n++] = weir_offload(f->pool, "run", until_cancelled, &f->gate);
    return 0;
}

static int cancel_both(void *arg)
{
    const weir_pool_options options = {.name = "one", .workers = 1, .wait = weir_seconds(60)};
    struct full f = {0};
    weir_scope scope;

    (void)arg;
    assert_int_equal(weir_pool_open(&options, &f.pool), 0);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_spawn(&scope, "runs", running_victim, &f), 0);
    assert_int_equal(weir_yield(), 0);
    assert_int_equal(weir_spawn(&scope, "queued", running_victim, &f), 0);
    if (f.pool->sim == NULL)
        while (atomic_load(&f.gate.entered) == 0)
            assert_int_equal(weir_sleep(weir_us(100)), 0);
    else
        assert_int_equal(weir_yield(), 0);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    assert_int_equal(f.n, 2);
    assert_int_equal(f.results[0], -WEIR_ECANCELED);
    assert_int_equal(f.results[1], -WEIR_ECANCELED);
    assert_true(atomic_load(&f.gate.entered) <= 1); /* the queued one never ran */
    weir_pool_close(f.pool);
    return 0;
}

static void a_cancel_takes_out_what_is_queued_and_is_seen_by_what_runs(void **state)
{
    (void)state;
    run_everywhere(cancel_both, NULL);
}

/* --- each --- */

enum { COUNT = 10000 };

static int mark_each(weir_job *job, size_t begin, size_t end, void *arg)
{
    unsigned char *seen = arg;

    (void)job;
    for (size_t i = begin; i < end; i++)
        seen[i]++;
    return 0;
}

static int fail_at_5000(weir_job *job, size_t begin, size_t end, void *arg)
{
    (void)job, (void)arg;
    return begin <= 5000 && 5000 < end ? -EDOM : 0;
}

static int each(void *arg)
{
    static unsigned char seen[COUNT];
    weir_job_report report;
    const weir_offload_options with = {.when_full = WEIR_WAIT, .report = &report};

    (void)arg;
    memset(seen, 0, sizeof seen);
    assert_int_equal(weir_offload_each_with(weir_pool_compute(), "mark", mark_each, COUNT, seen, &with), 0);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(seen[i], 1);
    assert_int_equal(report.done, COUNT);
    assert_int_equal(weir_offload_each_with(weir_pool_compute(), "fail", fail_at_5000, COUNT, NULL, &patient),
                     -EDOM);
    assert_int_equal(weir_offload_each(weir_pool_compute(), "none", fail_at_5000, 0, NULL), 0);
    return 0;
}

static void each_index_is_worked_on_once(void **state)
{
    (void)state;
    run_everywhere(each, NULL);
}

/* --- jobs within jobs --- */

static int within(weir_job *job, void *arg)
{
    weir_pool *pool = arg;
    int n = 0;

    return weir_offload(pool != NULL ? pool : job->pool, "inner", add_one, &n);
}

static int nested(void *arg)
{
    const weir_pool_options one = {.name = "one", .workers = 1, .wait = weir_seconds(60)};
    const weir_pool_options two = {.name = "two", .workers = 2, .wait = weir_seconds(60)};
    weir_pool *small, *large;

    (void)arg;
    assert_int_equal(weir_pool_open(&one, &small), 0);
    assert_int_equal(weir_pool_open(&two, &large), 0);
    assert_int_equal(weir_offload(small, "outer", within, NULL), -WEIR_ENESTED);
    assert_int_equal(weir_offload(small, "outer", within, large), 1);
    assert_int_equal(weir_offload(large, "outer", within, NULL), 1);
    weir_pool_close(small);
    weir_pool_close(large);
    return 0;
}

static void a_job_within_a_job_is_refused_by_name_rather_than_stuck(void **state)
{
    (void)state;
    run_everywhere(nested, NULL);
}

/* --- closing --- */

static int close_it(void *arg)
{
    weir_pool_close(arg);
    return 0;
}

static int closing(void *arg)
{
    const weir_pool_options options = {.name = "one", .workers = 1, .wait = weir_seconds(60)};
    struct full f = {0};
    weir_scope scope;

    (void)arg;
    assert_int_equal(weir_pool_open(&options, &f.pool), 0);
    assert_ptr_equal(weir_pool_find("one"), f.pool);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 3; i++)
        assert_int_equal(weir_spawn(&scope, "hold", hold, &f), 0);
    assert_int_equal(weir_yield(), 0);
    if (f.pool->sim == NULL)
        while (atomic_load(&f.gate.entered) == 0)
            assert_int_equal(weir_sleep(weir_us(100)), 0);
    assert_int_equal(weir_spawn(&scope, "close", close_it, f.pool), 0);
    while (f.n < 2)
        assert_int_equal(weir_yield(), 0);
    atomic_store(&f.gate.open, 1);
    (void)weir_scope_close(&scope);
    assert_int_equal(f.n, 3);
    assert_int_equal(f.results[0], -WEIR_ECLOSED);
    assert_int_equal(f.results[1], -WEIR_ECLOSED);
    assert_int_equal(f.results[2], 7);
    assert_null(weir_pool_find("one"));
    return 0;
}

static void a_pool_that_closes_waits_for_what_runs(void **state)
{
    (void)state;
    run_everywhere(closing, NULL);
}

/* --- torture --- */

static int tortured_job(void *arg)
{
    int n = 0, err = weir_offload(arg, "add", add_one, &n);

    if (err > 0)
        assert_int_equal(n, 1);
    else if (err != -WEIR_ECANCELED || n != 0) /* it never ran, and says so */
        return -1;
    return err;
}

static int three_jobs(void *arg)
{
    weir_scope scope;
    int err;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 3; i++)
        weir_spawn(&scope, "caller", tortured_job, arg);
    err = tortured_job(arg);
    (void)weir_scope_close(&scope);
    return err;
}

static int world(struct torture *t)
{
    const weir_pool_options options = {.name = "one", .workers = 1, .wait = weir_seconds(60)};
    weir_pool *pool;
    weir_pool_stats stats;
    int result;

    assert_int_equal(weir_pool_open(&options, &pool), 0);
    result = torture_victim(t, three_jobs, pool);
    weir_pool_stats_get(pool, &stats, NULL, NULL);
    assert_int_equal(stats.ran + stats.cancelled, stats.taken);
    weir_pool_close(pool);
    return result;
}

static void an_offload_can_be_cancelled_at_every_wait(void **state)
{
    (void)state;
    torture(world, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_runs_and_its_result_comes_back),
        cmocka_unit_test(a_job_hears_that_it_has_used_its_share_of_the_cpu),
        cmocka_unit_test(what_was_sent_is_what_ran_and_what_was_refused),
        cmocka_unit_test(a_full_pool_refuses_and_who_waits_gets_a_turn),
        cmocka_unit_test(a_cancel_takes_out_what_is_queued_and_is_seen_by_what_runs),
        cmocka_unit_test(each_index_is_worked_on_once),
        cmocka_unit_test(a_job_within_a_job_is_refused_by_name_rather_than_stuck),
        cmocka_unit_test(a_pool_that_closes_waits_for_what_runs),
        cmocka_unit_test(an_offload_can_be_cancelled_at_every_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
