/* SPDX-License-Identifier: MIT */
/* Token buckets: against an exact model, with clocks that jump, in a table that is full, and by several
 * processes of which some are killed. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "edge/keyed_hash.h"
#include "edge/rate_table.h"
#include "support/run.h"

enum { START_S = 1000000, KEYS = 200, THREADS = 4, CHILDREN = 4 };

static const uint64_t seed[2] = {11, 13};
static const int64_t second_ns = 1000000000;

static struct rate_table *table_new(void)
{
    const size_t bytes = rate_table_bytes(true);
    struct rate_table *table = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(table, MAP_FAILED);
    return table;
}

static void table_free(struct rate_table *table)
{
    assert_int_equal(munmap(table, rate_table_bytes(true)), 0);
}

static uint64_t hash_of(uint64_t key)
{
    return keyed_hash(seed, &key, sizeof key);
}

/* --- the model: a bucket of tokens, in fractions, which is full at first --- */

struct bucket {
    double tokens;
    int64_t at_ns;
};

struct model {
    double per_ns, burst;
    struct bucket of[KEYS];
};

static double tokens_of(struct model *m, size_t key, int64_t now_ns)
{
    struct bucket *b = &m->of[key];

    if (now_ns > b->at_ns) { /* a clock that is behind another's adds nothing */
        b->tokens += (double)(now_ns - b->at_ns) * m->per_ns;
        b->at_ns = now_ns;
    }
    if (b->tokens > m->burst)
        b->tokens = m->burst;
    return b->tokens;
}

/* Compares one request with the model, unless the model is within a unit of changing its mind. */
static void compare(struct model *m, struct rate_table *table, const struct rate_limit *limit, size_t key,
                    int64_t now_ns)
{
    const double tokens = tokens_of(m, key, now_ns);
    const struct rate_verdict v = rate_table_take(table, limit, hash_of(key), now_ns);

    assert_false(v.shared);
    if (tokens > 1.004)
        assert_true(v.accepted);
    if (tokens < 0.996)
        assert_false(v.accepted);
    if (!v.accepted) { /* the wait is right: within a unit, and a nanosecond */
        const double wait = (1 - tokens) / m->per_ns;
        assert_true((double)v.wait_ns > wait - 0.004 / m->per_ns - 2);
        assert_true((double)v.wait_ns < wait + 0.004 / m->per_ns + 2);
        return;
    }
    m->of[key].tokens -= 1;
    assert_true((double)v.left < m->of[key].tokens + 0.004);
    assert_true((double)v.left > m->of[key].tokens - 1.004);
}

static void a_table_accepts_what_a_model_does(void **state)
{
    (void)state;
    for (uint64_t s = seed_first(); s <= seed_last(40); s++) {
        struct weir__random random;
        struct rate_table *table = table_new();
        struct model m;
        struct rate_limit limit;
        int64_t now_ns = START_S * second_ns;
        uint64_t requests, per_ns, burst;

        weir__random_seed(&random, s);
        requests = 1 + weir__random_below(&random, 1000);
        per_ns = 1000000 + weir__random_below(&random, 86400 * (uint64_t)second_ns);
        burst = 1 + weir__random_below(&random, 30);
        limit = rate_limit_of(requests, per_ns, burst);
        m = (struct model){.per_ns = (double)requests / (double)per_ns, .burst = (double)burst};
        for (size_t i = 0; i < KEYS; i++)
            m.of[i] = (struct bucket){(double)burst, now_ns};
        for (int i = 0; i < 5000; i++) {
            const uint64_t each_ns = per_ns / requests + 1;
            switch (weir__random_below(&random, 8)) {
            case 0: /* on, so that some buckets fill */
                now_ns += (int64_t)weir__random_below(&random, 2 * each_ns);
                break;
            case 1: /* so far that all buckets are full */
                if (weir__random_below(&random, 20) == 0)
                    now_ns += (int64_t)(weir__random_below(&random, 1u << 10) * each_ns);
                break;
            default:
                break;
            }
            compare(&m, table, &limit, weir__random_below(&random, KEYS), now_ns);
        }
        table_free(table);
    }
}

/* Whatever the clocks of several loops do within a second, of the true time at most burst + rate * t pass. */
static void clocks_that_jump_add_nothing(void **state)
{
    (void)state;
    for (uint64_t s = seed_first(); s <= seed_last(20); s++) {
        struct weir__random random;
        struct rate_table *table = table_new();
        const struct rate_limit limit = rate_limit_of(100, (uint64_t)second_ns, 50);
        const int64_t start_ns = START_S * second_ns;
        int64_t now_ns = start_ns, accepted = 0;

        weir__random_seed(&random, s);
        for (int i = 0; i < 20000; i++) {
            const int64_t behind_ns = (int64_t)weir__random_below(&random, (uint64_t)second_ns / 2);
            now_ns += (int64_t)weir__random_below(&random, 4000000);
            accepted +=
                rate_table_take(table, &limit, hash_of(1), i % 3 == 0 ? now_ns - behind_ns : now_ns).accepted;
            assert_true(accepted <= 51 + (now_ns - start_ns) / 10000000);
        }
        table_free(table);
    }
}

/* As after a restore of the machine: nobody waits for the clock to come back. */
static void a_clock_that_went_back_far_begins_anew(void **state)
{
    const struct rate_limit limit = rate_limit_of(1, (uint64_t)second_ns, 1);
    struct rate_table *table = table_new();

    (void)state;
    assert_true(rate_table_take(table, &limit, hash_of(1), START_S * second_ns).accepted);
    assert_false(rate_table_take(table, &limit, hash_of(1), START_S * second_ns).accepted);
    assert_true(rate_table_take(table, &limit, hash_of(1), second_ns).accepted);
    table_free(table);
}

/* --- extremes --- */

static void the_fastest_and_the_slowest_rate_are_exact(void **state)
{
    const struct rate_limit fast = rate_limit_of(RATE_PER_SECOND_MAX, (uint64_t)second_ns, RATE_BURST_MAX),
                            slow = rate_limit_of(1, 86400 * (uint64_t)second_ns, 1);
    const int64_t start_ns = INT64_MAX / 2;
    struct rate_table *table = table_new();
    struct rate_verdict v;

    (void)state;
    for (int i = 0; i < RATE_BURST_MAX; i++)
        assert_true(rate_table_take(table, &fast, hash_of(1), start_ns).accepted);
    v = rate_table_take(table, &fast, hash_of(1), start_ns);
    assert_false(v.accepted);
    assert_in_range(v.wait_ns, 996, 1004); /* a unit is 2 ns */
    assert_true(rate_table_take(table, &fast, hash_of(1), start_ns + 1004).accepted);
    assert_false(rate_table_take(table, &fast, hash_of(1), start_ns + 1006).accepted);
    table_free(table);
    table = table_new();
    assert_true(rate_table_take(table, &slow, hash_of(1), START_S * second_ns).accepted);
    assert_false(rate_table_take(table, &slow, hash_of(1), (START_S + 86200) * second_ns).accepted);
    assert_true(rate_table_take(table, &slow, hash_of(1), (START_S + 86400) * second_ns).accepted);
    table_free(table);
}

/* Times return after 2^40 units; at a million a second that is 36 minutes. */
static void a_bucket_owes_nothing_when_its_time_returns(void **state)
{
    const struct rate_limit limit = rate_limit_of(RATE_PER_SECOND_MAX, (uint64_t)second_ns, 1);
    const int64_t returns_ns = INT64_C(1) << 31; /* in requests */
    int64_t now_ns = START_S * second_ns;
    struct rate_table *table = table_new();

    (void)state;
    for (uint64_t key = 0; key < 1000; key++)
        assert_true(rate_table_take(table, &limit, hash_of(key), now_ns).accepted);
    for (int i = 1; i < 40; i++) /* others come meanwhile */
        (void)rate_table_take(table, &limit, hash_of(5000), now_ns + i * (returns_ns * 1000 / 40));
    now_ns += returns_ns * 1000;
    for (uint64_t key = 0; key < 1000; key++)
        assert_true(rate_table_take(table, &limit, hash_of(key), now_ns).accepted);
    table_free(table);
}

static void a_rate_without_keys_is_one_bucket(void **state)
{
    const struct rate_limit limit = rate_limit_of(10, (uint64_t)second_ns, 3);
    struct rate_table *table = aligned_alloc(64, rate_table_bytes(false));
    int accepted = 0;

    (void)state;
    assert_non_null(table);
    memset(table, 0, rate_table_bytes(false));
    for (int i = 0; i < 10; i++)
        accepted += rate_table_take_common(table, &limit, START_S * second_ns).accepted;
    assert_int_equal(accepted, 3);
    assert_true(rate_table_take_common(table, &limit, START_S * second_ns + 100000000).accepted);
    assert_false(rate_table_take_common(table, &limit, START_S * second_ns + 100000000).accepted);
    free(table);
}

/* --- a full table: networks (/64) of an IPv6 /32, each a key --- */

/* Fills a table with keys of the attacker, each of which sends one request. Returns: how many had a place. */
static size_t flood(struct rate_table *table, const struct rate_limit *limit, size_t count, int64_t now_ns)
{
    size_t placed = 0;

    for (uint64_t i = 0; i < count; i++)
        placed += !rate_table_take(table, limit, hash_of(UINT64_C(0x20010db800000000) + i), now_ns).shared;
    return placed;
}

static void nobody_over_its_rate_is_forgotten(void **state)
{
    const struct rate_limit limit = rate_limit_of(1, 60 * (uint64_t)second_ns, 2);
    const int64_t now_ns = START_S * second_ns;
    struct rate_table *table = table_new();
    size_t placed;
    int accepted = 0;

    (void)state;
    for (uint64_t key = 0; key < KEYS; key++)
        for (int i = 0; i < 2; i++)
            assert_true(rate_table_take(table, &limit, hash_of(key), now_ns).accepted);
    placed = flood(table, &limit, 4 * RATE_ENTRIES, now_ns);
    assert_in_range(placed, RATE_ENTRIES * 95 / 100, RATE_ENTRIES);
    for (uint64_t key = 0; key < KEYS; key++) {
        const struct rate_verdict v = rate_table_take(table, &limit, hash_of(key), now_ns);
        assert_false(v.accepted);
        assert_false(v.shared);
        assert_in_range(v.wait_ns, 59 * second_ns, 61 * second_ns);
    }
    for (uint64_t key = 0; key < 100; key++) { /* newcomers share one bucket, which the flood has emptied */
        const struct rate_verdict v = rate_table_take(table, &limit, hash_of(1000000 + key), now_ns);
        assert_true(v.shared);
        accepted += v.accepted;
    }
    assert_int_equal(accepted, 0);
    for (uint64_t key = 0; key < 100; key++) /* what owes nothing any more goes first */
        assert_false(rate_table_take(table, &limit, hash_of(2000000 + key), now_ns + 61 * second_ns).shared);
    for (uint64_t key = 0; key < KEYS; key++) /* these have one of two back */
        accepted += rate_table_take(table, &limit, hash_of(key), now_ns + 61 * second_ns).accepted +
                    rate_table_take(table, &limit, hash_of(key), now_ns + 61 * second_ns).accepted;
    assert_int_equal(accepted, KEYS);
    table_free(table);
}

/* Told at first, and then once a minute of the clock that all processes have. */
static void that_keys_share_is_told_once_a_minute(void **state)
{
    const struct rate_limit limit = rate_limit_of(1, 60 * (uint64_t)second_ns, 2);
    const int64_t now_ns = START_S * second_ns;
    struct rate_table *table = table_new();
    const size_t placed = flood(table, &limit, 1000, now_ns);

    (void)state;
    assert_int_equal(rate_table_taken(table, &limit, now_ns), placed);
    assert_int_equal(rate_table_taken(table, &limit, now_ns + 61 * second_ns), 0);
    assert_true(rate_table_tells_shared(table, now_ns));
    assert_false(rate_table_tells_shared(table, now_ns));
    assert_false(rate_table_tells_shared(table, now_ns + 60 * second_ns - 1));
    assert_true(rate_table_tells_shared(table, now_ns + 60 * second_ns));
    assert_false(rate_table_tells_shared(table, now_ns + 61 * second_ns));
    assert_true(rate_table_tells_shared(table, now_ns)); /* the clock went back */
    table_free(table);
    table = table_new();
    assert_true(rate_table_tells_shared(table, 0));
    assert_false(rate_table_tells_shared(table, 2));
    table_free(table);
}

/* Up to three quarters, practically each key has a place of its own. */
static void a_table_is_filled_evenly(void **state)
{
    const struct rate_limit limit = rate_limit_of(1, 60 * (uint64_t)second_ns, 2);
    struct rate_table *table = table_new();
    const size_t most = RATE_ENTRIES / 4 * 3;

    (void)state;
    assert_in_range(flood(table, &limit, most, START_S * second_ns), most - most / 10000, most);
    table_free(table);
}

/* --- several at once --- */

struct together {
    struct rate_table *table;
    struct rate_limit limit;
    uint64_t first_key;
    _Atomic long accepted;
};

static void *take_many(void *arg)
{
    struct together *t = arg;
    long accepted = 0;

    for (int i = 0; i < 20000; i++)
        accepted += rate_table_take(t->table, &t->limit, hash_of(t->first_key + (uint64_t)i % 10),
                                    START_S * second_ns)
                        .accepted;
    atomic_fetch_add(&t->accepted, accepted);
    return NULL;
}

static void threads_count_together(void **state)
{
    struct together t = {.table = table_new(), .limit = rate_limit_of(1, 60 * (uint64_t)second_ns, 100)};
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, &t), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(t.accepted, 1000);
    table_free(t.table);
}

/* Children count what they were granted in shared memory, before they ask again; some are killed. */
static void processes_count_together_also_when_some_are_killed(void **state)
{
    struct together *t = mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[CHILDREN];
    int status;

    (void)state;
    assert_ptr_not_equal(t, MAP_FAILED);
    t->table = table_new();
    t->limit = rate_limit_of(1, 86400 * (uint64_t)second_ns, 100000);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            for (;;) /* until it is killed, or nothing is left */
                if (rate_table_take(t->table, &t->limit, hash_of(1), START_S * second_ns).accepted)
                    atomic_fetch_add(&t->accepted, 1);
                else
                    _exit(0);
        }
    }
    while (atomic_load(&t->accepted) < 100)
        (void)sched_yield();
    for (int i = 0; i < CHILDREN / 2; i++)
        assert_int_equal(kill(children[i], SIGKILL), 0);
    for (int i = 0; i < CHILDREN; i++)
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
    /* each that was killed may have had one that it has not counted; the others had all the rest */
    assert_in_range(t->accepted, 100000 - CHILDREN / 2, 100000);
    assert_false(rate_table_take(t->table, &t->limit, hash_of(1), START_S * second_ns).accepted);
    assert_true(rate_table_take(t->table, &t->limit, hash_of(2), START_S * second_ns).accepted);
    table_free(t->table);
    assert_int_equal(munmap(t, sizeof *t), 0);
}

/* --- the seed --- */

static void all_have_the_seed_of_the_first(void **state)
{
    struct rate_table *table = table_new();
    uint64_t first[2], second[2];

    (void)state;
    rate_table_seed(table, (const uint64_t[2]){0, 7}, first);
    rate_table_seed(table, (const uint64_t[2]){5, 9}, second);
    assert_true(first[0] != 0 && first[1] != 0);
    assert_memory_equal(first, second, sizeof first);
    table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_accepts_what_a_model_does),
        cmocka_unit_test(clocks_that_jump_add_nothing),
        cmocka_unit_test(a_clock_that_went_back_far_begins_anew),
        cmocka_unit_test(the_fastest_and_the_slowest_rate_are_exact),
        cmocka_unit_test(a_bucket_owes_nothing_when_its_time_returns),
        cmocka_unit_test(a_rate_without_keys_is_one_bucket),
        cmocka_unit_test(nobody_over_its_rate_is_forgotten),
        cmocka_unit_test(that_keys_share_is_told_once_a_minute),
        cmocka_unit_test(a_table_is_filled_evenly),
        cmocka_unit_test(threads_count_together),
        cmocka_unit_test(processes_count_together_also_when_some_are_killed),
        cmocka_unit_test(all_have_the_seed_of_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
