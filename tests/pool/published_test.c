/* SPDX-License-Identifier: MIT */
/* Published state: what is read is whole, and is there as long as it is read. */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "pool/pool.h"
#include "support/run.h"
#include "support/torture.h"

enum { WORDS = 64, DEAD = -1 };

/* All words of a version are the same number; of a freed one they are DEAD, should it still be there. */
struct table {
    long word[WORDS];
};

static weir_published published;
static atomic_int alive;

static struct table *make_table(long n)
{
    struct table *t = malloc(sizeof *t);

    assert_non_null(t);
    for (int i = 0; i < WORDS; i++)
        t->word[i] = n;
    atomic_fetch_add(&alive, 1);
    return t;
}

static void free_table(void *value)
{
    struct table *t = value;

    for (int i = 0; i < WORDS; i++)
        t->word[i] = DEAD;
    atomic_fetch_sub(&alive, 1);
    free(t);
}

/* Which version it is; it must be one, and whole. */
static long check_table(const struct table *t)
{
    for (int i = 0; i < WORDS; i++)
        assert_int_equal(t->word[i], t->word[0]);
    assert_true(t->word[0] >= 0);
    return t->word[0];
}

static void on_loops(int loops, int (*fn)(void *), void *arg)
{
    static const enum weir_io real[] = {WEIR_IO_EPOLL, WEIR_IO_URING};

    for (int i = 0; i < 2; i++) {
        weir_options options = {.io = real[i], .loops = loops};
        if (io_is_here(real[i]))
            assert_int_equal(weir_run(&options, fn, arg), 0);
    }
}

static void nap(void)
{
    struct timespec t = {.tv_nsec = 100000};

    nanosleep(&t, NULL);
}

/* --- the plain case --- */

static int plain(void *arg)
{
    void *before;

    (void)arg;
    assert_int_equal(weir_published_init(&published, make_table(0), free_table), 0);
    assert_int_equal(check_table(weir_published_get(&published)), 0);
    assert_int_equal(weir_published_set(&published, make_table(1)), 0);
    assert_int_equal(check_table(weir_published_get(&published)), 1);
    assert_int_equal(alive, 1);
    assert_int_equal(weir_published_replace(&published, make_table(2), &before), 0);
    assert_int_equal(check_table(before), 1);
    free_table(before);
    weir_published_free(&published);
    assert_int_equal(alive, 0);
    return 0;
}

static void the_next_version_takes_the_place_of_the_one_before(void **state)
{
    (void)state;
    run_everywhere(plain, NULL);
    on_loops(3, plain, NULL);
}

/* --- a holder, and a job, keep the version they have --- */

struct keep {
    atomic_int has, may_go;
    bool was_set;
};

static int set_next(void *arg)
{
    struct keep *k = arg;

    assert_int_equal(weir_published_set(&published, make_table(1)), 0);
    k->was_set = true;
    return 0;
}

static int holding(void *arg)
{
    struct keep k = {0};
    weir_published_held held;
    weir_scope scope;
    const struct table *t;

    (void)arg;
    assert_int_equal(weir_published_init(&published, make_table(0), free_table), 0);
    t = weir_published_hold(&published, &held);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "set", set_next, &k), 0);
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    assert_int_equal(check_table(weir_published_get(&published)), 1); /* all others have the next */
    assert_int_equal(check_table(t), 0);
    assert_false(k.was_set);
    assert_int_equal(alive, 2);
    weir_published_release(&held);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_true(k.was_set);
    assert_int_equal(alive, 1);
    weir_published_free(&published);
    return 0;
}

static void who_holds_a_version_has_it_across_waits(void **state)
{
    (void)state;
    run_everywhere(holding, NULL);
    on_loops(2, holding, NULL);
}

static int read_for_long(weir_job *job, void *arg)
{
    struct keep *k = arg;
    const struct table *t = weir_published_get(&published);

    (void)job;
    atomic_store(&k->has, 1);
    while (atomic_load(&k->may_go) == 0) {
        assert_int_equal(check_table(t), 0);
        nap();
    }
    assert_int_equal(check_table(t), 0);
    return (int)check_table(weir_published_get(&published));
}

static int offload_reader(void *arg)
{
    const weir_offload_options patient = {.when_full = WEIR_WAIT};

    assert_int_equal(weir_offload_with(weir_pool_compute(), "read", read_for_long, arg, &patient), 1);
    return 0;
}

static int reading_job(void *arg)
{
    struct keep k = {0};
    weir_scope scope;

    (void)arg;
    assert_int_equal(weir_published_init(&published, make_table(0), free_table), 0);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "reader", offload_reader, &k), 0);
    while (atomic_load(&k.has) == 0)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    assert_int_equal(weir_spawn(&scope, "set", set_next, &k), 0);
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    assert_false(k.was_set);
    assert_int_equal(alive, 2);
    atomic_store(&k.may_go, 1);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_true(k.was_set);
    assert_int_equal(alive, 1);
    weir_published_free(&published);
    return 0;
}

static void a_job_that_reads_has_its_version_to_its_end(void **state)
{
    (void)state;
    on_loops(1, reading_job, NULL);
    on_loops(2, reading_job, NULL);
}

/* --- all at once --- */

enum { READERS = 4, READS = 300, SETS = 60 };

static int job_reads(weir_job *job, void *arg)
{
    long first = check_table(weir_published_get(&published));

    (void)job, (void)arg;
    sched_yield();
    assert_true(check_table(weir_published_get(&published)) >= first);
    return 0;
}

static int read_some(void *arg)
{
    const weir_offload_options patient = {.when_full = WEIR_WAIT};
    weir_published_held held;
    long last = 0, now;

    (void)arg;
    for (int i = 0; i < READS; i++) {
        now = check_table(weir_published_get(&published));
        assert_true(now >= last);
        last = now;
        if (i % 8 == 0)
            assert_int_equal(weir_offload_with(weir_pool_compute(), "read", job_reads, NULL, &patient), 0);
        if (i % 5 == 0) {
            const struct table *t = weir_published_hold(&published, &held);
            now = check_table(t);
            assert_int_equal(weir_yield(), 0);
            assert_int_equal(check_table(t), now);
            weir_published_release(&held);
        }
        assert_int_equal(weir_yield(), 0);
    }
    return 0;
}

static int readers_here(void *arg)
{
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < READERS; i++)
        weir_spawn(&scope, "reader", read_some, NULL);
    return weir_scope_close(&scope);
}

static int call_readers(void *arg)
{
    return weir_loop_call(*(int *)arg, "readers", readers_here, NULL);
}

static int set_many(void *arg)
{
    long *n = arg;

    for (int i = 0; i < SETS; i++)
        assert_int_equal(weir_published_set(&published, make_table(++*n)), 0);
    return 0;
}

static int storm(void *arg)
{
    static int index[8];
    long n = 0;
    weir_scope scope;

    (void)arg;
    assert_int_equal(weir_published_init(&published, make_table(0), free_table), 0);
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < weir_loop_count(); i++) {
        index[i] = i;
        weir_spawn(&scope, "readers", call_readers, &index[i]);
    }
    weir_spawn(&scope, "set", set_many, &n);
    weir_spawn(&scope, "set", set_many, &n);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(alive, 1);
    assert_int_equal(check_table(weir_published_get(&published)), n);
    weir_published_free(&published);
    assert_int_equal(alive, 0);
    return 0;
}

static void readers_on_loops_and_in_jobs_see_whole_versions(void **state)
{
    (void)state;
    on_loops(3, storm, NULL);
    run_simulated(7, storm, NULL);
}

/* --- cancelled --- */

static int publish_in_torture(void *arg)
{
    struct table *t = make_table(1);
    int err = weir_published_set(arg, t);

    if (err < 0) { /* not published, so ours */
        assert_int_equal(check_table(weir_published_get(arg)), 0);
        free_table(t);
    }
    return err;
}

static int world(struct torture *t)
{
    int result;

    assert_int_equal(weir_published_init(&published, make_table(0), free_table), 0);
    result = torture_victim(t, publish_in_torture, &published);
    assert_int_equal(alive, 1);
    weir_published_free(&published);
    assert_int_equal(alive, 0);
    return result;
}

static void publishing_can_be_cancelled_before_it_has_begun(void **state)
{
    (void)state;
    torture(world, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_version_takes_the_place_of_the_one_before),
        cmocka_unit_test(who_holds_a_version_has_it_across_waits),
        cmocka_unit_test(a_job_that_reads_has_its_version_to_its_end),
        cmocka_unit_test(readers_on_loops_and_in_jobs_see_whole_versions),
        cmocka_unit_test(publishing_can_be_cancelled_before_it_has_begun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
