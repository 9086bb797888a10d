/* SPDX-License-Identifier: MIT */
/* The budget of second attempts: what fills it, its cap, and those that use it at the same time. */
#include "support/run.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "http/client/attempts/budget.h"

static const int64_t SECOND_NS = 1000000000, MS_NS = 1000000, START_NS = INT64_C(1000) * 1000000000;
static const struct weir__budget_settings five = {.extra = 0.05};

static void firsts(struct weir__budget *b, int count, int64_t now_ns)
{
    for (int i = 0; i < count; i++)
        weir__budget_first(b, &five, now_ns);
}

/* Pays for as many as it has, at most so many. */
static int pay(struct weir__budget *b, int most, int64_t now_ns)
{
    int paid = 0;

    while (paid < most && weir__budget_pay(b, &five, now_ns))
        paid++;
    return paid;
}

static void near(double is, double wanted)
{
    assert_true(is > wanted - 0.01 && is < wanted + 0.01);
}

static void it_begins_with_one(void **state)
{
    struct weir__budget b = {0};

    (void)state;
    near(weir__budget_left(&b, &five, START_NS), 1);
    near(weir__budget_level(&b, &five, START_NS), 1);
    assert_int_equal(pay(&b, 10, START_NS), 1);
    near(weir__budget_left(&b, &five, START_NS), 0);
    near(weir__budget_level(&b, &five, START_NS), 0);
}

static void twenty_first_attempts_add_one_of_five_percent(void **state)
{
    struct weir__budget b = {0};

    (void)state;
    assert_int_equal(pay(&b, 1, START_NS), 1);
    firsts(&b, 19, START_NS);
    assert_int_equal(pay(&b, 1, START_NS), 0);
    firsts(&b, 2, START_NS); /* amounts are rounded down */
    assert_int_equal(pay(&b, 2, START_NS), 1);
    firsts(&b, 2001, START_NS);
    assert_int_equal(pay(&b, 200, START_NS), 100);
}

static void a_second_adds_one_of_itself(void **state)
{
    struct weir__budget b = {0};
    int64_t now_ns = START_NS;

    (void)state;
    assert_int_equal(pay(&b, 1, now_ns), 1);
    for (int i = 0; i < 100; i++) { /* a first attempt a second: five in the whole */
        firsts(&b, 1, now_ns += SECOND_NS + MS_NS);
        assert_int_equal(pay(&b, 2, now_ns), 1);
    }
}

static void never_both(void **state)
{
    struct weir__budget b = {0};
    int64_t now_ns = START_NS;
    int paid = pay(&b, 1, now_ns);

    (void)state;
    for (int i = 0; i < 1000; i++) { /* as much by time as by first attempts */
        firsts(&b, 1, now_ns += 50 * MS_NS);
        paid += pay(&b, 1, now_ns);
    }
    assert_in_range(paid, 49, 51);
}

static void the_larger_one_alone_counts_when_they_come_one_after_the_other(void **state)
{
    struct weir__budget b = {0};
    int64_t now_ns = START_NS;
    int paid = pay(&b, 1, now_ns);

    (void)state;
    firsts(&b, 200, now_ns); /* ten */
    for (int i = 0; i < 9; i++)
        paid += pay(&b, 20, now_ns += SECOND_NS); /* within what the first attempts have added */
    assert_int_equal(paid, 11);
}

static void after_a_quiet_night_first_attempts_count_at_once(void **state)
{
    struct weir__budget b = {0};
    int64_t now_ns = START_NS;
    int paid = 0;

    (void)state;
    for (int i = 0; i < 8 * 3600; i++) {
        firsts(&b, 1, now_ns += SECOND_NS);
        (void)pay(&b, 1, now_ns);
    }
    for (int i = 0; i < 1000; i++)
        firsts(&b, 1, now_ns += MS_NS);
    paid = pay(&b, 100, now_ns);
    assert_in_range(paid, 48, 51);
}

static void after_a_busy_day_seconds_count_soon(void **state)
{
    struct weir__budget b = {0};
    int64_t now_ns = START_NS;
    int paid = 0;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        firsts(&b, 1, now_ns += MS_NS);
        (void)pay(&b, 1, now_ns);
    }
    for (int i = 0; i < 20; i++) {
        firsts(&b, 1, now_ns += SECOND_NS);
        (void)pay(&b, 1, now_ns);
    }
    for (int i = 0; i < 20; i++) {
        firsts(&b, 1, now_ns += SECOND_NS);
        paid += pay(&b, 1, now_ns);
    }
    assert_in_range(paid, 19, 21);
}

static void it_keeps_what_ten_seconds_add(void **state)
{
    struct weir__budget b = {0};
    int64_t now_ns = START_NS;

    (void)state;
    for (int i = 0; i < 60000; i++) /* 50 a second */
        firsts(&b, 1, now_ns += MS_NS);
    near(weir__budget_level(&b, &five, now_ns), 1);
    assert_in_range(pay(&b, 1000, now_ns), 495, 505);
    for (int i = 0; i < 60000; i++)
        firsts(&b, 1, now_ns += MS_NS);
    for (int i = 0; i < 60; i++) /* the present traffic is less */
        firsts(&b, 10, now_ns += SECOND_NS / 2);
    assert_in_range(pay(&b, 1000, now_ns), 9, 11);
}

static void it_keeps_at_least_one(void **state)
{
    struct weir__budget b = {0};
    int64_t now_ns = START_NS;

    (void)state;
    for (int i = 0; i < 100; i++)
        firsts(&b, 1, now_ns += 10 * SECOND_NS);
    near(weir__budget_left(&b, &five, now_ns), 1);
    assert_int_equal(pay(&b, 10, now_ns + 3600 * SECOND_NS), 1);
}

static void its_level_is_of_its_cap(void **state)
{
    struct weir__budget b = {0};
    int64_t now_ns = START_NS;

    (void)state;
    for (int i = 0; i < 60000; i++)
        firsts(&b, 1, now_ns += MS_NS);
    assert_int_equal(pay(&b, 250, now_ns), 250);
    assert_true(weir__budget_level(&b, &five, now_ns) > 0.48);
    assert_true(weir__budget_level(&b, &five, now_ns) < 0.52);
}

static void without_extra_there_is_none(void **state)
{
    static const struct weir__budget_settings none;
    struct weir__budget b = {0};

    (void)state;
    weir__budget_first(&b, &none, START_NS);
    assert_false(weir__budget_pay(&b, &none, START_NS));
    assert_true(weir__budget_left(&b, &none, START_NS) == 0);
}

static void great_numbers_are_kept_within_bounds(void **state)
{
    static const struct weir__budget_settings all = {.extra = 1};
    struct weir__budget b = {0};
    int64_t now_ns = START_NS;

    (void)state;
    for (int i = 0; i < 3000000; i++)
        weir__budget_first(&b, &all, now_ns += 1000);
    assert_true(weir__budget_left(&b, &all, now_ns) >= 99999);
    assert_true(weir__budget_left(&b, &all, now_ns) <= 100001);
    assert_true(weir__budget_pay(&b, &all, now_ns));
}

/* --- clocks --- */

static void a_clock_that_jumps_ahead_fills_it_no_further_than_its_cap(void **state)
{
    struct weir__budget b = {0};
    int64_t now_ns = START_NS;

    (void)state;
    for (int i = 0; i < 10000; i++)
        firsts(&b, 1, now_ns += MS_NS);
    (void)pay(&b, 1000, now_ns);
    now_ns += INT64_C(1) << 60;
    assert_int_equal(pay(&b, 1000, now_ns), 1);
    firsts(&b, 401, now_ns);
    assert_in_range(pay(&b, 1000, now_ns), 19, 20);
}

static void a_clock_that_jumps_back_adds_nothing(void **state)
{
    struct weir__budget b = {0};
    int64_t now_ns = START_NS;

    (void)state;
    (void)pay(&b, 1, now_ns);
    now_ns -= 900 * SECOND_NS;
    firsts(&b, 1, now_ns);
    assert_int_equal(pay(&b, 10, now_ns), 0);
    now_ns += SECOND_NS + MS_NS;
    firsts(&b, 1, now_ns);
    assert_int_equal(pay(&b, 10, now_ns), 1);
}

/* Loops know the time as of their slice: one that is late must not have time added twice. */
static void a_loop_that_is_late_adds_no_time(void **state)
{
    struct weir__budget b = {0};
    int64_t now_ns = START_NS;
    int paid = pay(&b, 1, now_ns);

    (void)state;
    for (int i = 0; i < 1000; i++) {
        firsts(&b, 1, now_ns += 100 * MS_NS);
        firsts(&b, 1, now_ns - 3 * SECOND_NS);
        paid += pay(&b, 1, now_ns - 3 * SECOND_NS);
        paid += pay(&b, 1, now_ns);
    }
    assert_in_range(paid, 99, 102);
}

/* --- 10^6 events, of which none may break the rule --- */

/* What may have been paid for, at most. Either lead is forgotten beyond what the bucket keeps, so what the
 * rule promises holds for each stretch in which the same one is ahead. */
static void keep_the_rule(double rate, double want, uint64_t seed)
{
    struct weir__budget b = {0};
    struct weir__random random;
    int64_t now_ns = START_NS;
    int64_t count = 0, paid = 0;

    weir__random_seed(&random, seed);
    for (int i = 0; i < 100000; i++) {
        now_ns += (int64_t)(weir__random_double(&random) * 2 / rate * 1e9);
        if (weir__random_below(&random, 1000) == 0)
            now_ns += 500 * MS_NS;
        weir__budget_first(&b, &five, now_ns);
        count++;
        if (weir__random_double(&random) < want)
            paid += weir__budget_pay(&b, &five, now_ns);
        assert_true((double)paid <= 1 + fmax(0.05 * (double)count, (double)(now_ns - START_NS) / 1e9) + 1e-6);
    }
    if (want > 0.5 && rate > 20) /* nor is it stingy */
        assert_true((double)paid > 0.9 * fmax(0.05 * (double)count, (double)(now_ns - START_NS) / 1e9));
}

static void a_million_events_keep_the_rule(void **state)
{
    static const double rates[] = {0.5, 5, 100, 1000, 20000};

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(2); seed++)
        for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
            keep_the_rule(rates[i], i % 2 == 0 ? 1 : 0.3, seed + i);
}

/* --- several at the same time --- */

enum { THREADS = 4, EVENTS = 250000 };

struct crowd {
    struct weir__budget budget;
    _Atomic int64_t now_ns, paid, firsts;
};

static void *join_in(void *arg)
{
    struct crowd *c = arg;
    struct weir__random random;

    weir__random_seed(&random, (uint64_t)atomic_fetch_add(&c->now_ns, 1));
    for (int i = 0; i < EVENTS; i++) {
        const int64_t now_ns = atomic_fetch_add(&c->now_ns, (int64_t)weir__random_below(&random, 200000));
        atomic_fetch_add(&c->firsts, 1);
        weir__budget_first(&c->budget, &five, now_ns);
        if (weir__budget_pay(&c->budget, &five, now_ns))
            atomic_fetch_add(&c->paid, 1);
    }
    return NULL;
}

static void threads_that_share_it_keep_the_rule(void **state)
{
    struct crowd c = {.now_ns = START_NS};
    pthread_t threads[THREADS];
    double most;

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, join_in, &c), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    most = fmax(0.05 * (double)c.firsts, (double)(c.now_ns - START_NS) / 1e9);
    assert_true((double)c.paid <= 1 + most);
    assert_true((double)c.paid >= most * 0.98);
}

static void join_until_killed(struct crowd *c)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        (void)join_in(c);
}

/* In a process that is killed at any of its instructions. */
static void processes_that_are_killed_leave_a_budget_that_works(void **state)
{
    struct crowd *c = mmap(NULL, sizeof *c, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int64_t now_ns;

    (void)state;
    assert_ptr_not_equal(c, MAP_FAILED);
    atomic_store(&c->now_ns, START_NS);
    for (int round = 0; round < 10; round++) {
        const int64_t before = atomic_load(&c->firsts);
        pid_t children[2];
        for (int i = 0; i < 2; i++) {
            children[i] = fork();
            if (children[i] == 0)
                join_until_killed(c);
        }
        while (atomic_load(&c->firsts) - before < 2000)
            (void)usleep(100);
        for (int i = 0; i < 2; i++) {
            (void)kill(children[i], SIGKILL);
            (void)waitpid(children[i], NULL, 0);
        }
    }
    assert_true((double)c->paid <= 1 + fmax(0.05 * (double)c->firsts, (double)(c->now_ns - START_NS) / 1e9));
    now_ns = atomic_load(&c->now_ns) + SECOND_NS;
    (void)pay(&c->budget, 1 << 20, now_ns);
    firsts(&c->budget, 201, now_ns);
    assert_in_range(pay(&c->budget, 100, now_ns), 9, 11);
    (void)munmap(c, sizeof *c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_with_one),
        cmocka_unit_test(twenty_first_attempts_add_one_of_five_percent),
        cmocka_unit_test(a_second_adds_one_of_itself),
        cmocka_unit_test(never_both),
        cmocka_unit_test(the_larger_one_alone_counts_when_they_come_one_after_the_other),
        cmocka_unit_test(after_a_quiet_night_first_attempts_count_at_once),
        cmocka_unit_test(after_a_busy_day_seconds_count_soon),
        cmocka_unit_test(it_keeps_what_ten_seconds_add),
        cmocka_unit_test(it_keeps_at_least_one),
        cmocka_unit_test(its_level_is_of_its_cap),
        cmocka_unit_test(without_extra_there_is_none),
        cmocka_unit_test(great_numbers_are_kept_within_bounds),
        cmocka_unit_test(a_clock_that_jumps_ahead_fills_it_no_further_than_its_cap),
        cmocka_unit_test(a_clock_that_jumps_back_adds_nothing),
        cmocka_unit_test(a_loop_that_is_late_adds_no_time),
        cmocka_unit_test(a_million_events_keep_the_rule),
        cmocka_unit_test(threads_that_share_it_keep_the_rule),
        cmocka_unit_test(processes_that_are_killed_leave_a_budget_that_works),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
