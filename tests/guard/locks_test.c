/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <threads.h>
#include <time.h>

#include "guard/sins.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spinlock;
static mtx_t c11_mutex;

static struct timespec in_a_minute(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    t.tv_sec += 60;
    return t;
}

static void wait_a_little(void)
{
    assert_int_equal(weir_sleep(weir_us(10)), 0);
}

/* Takes the lock, and yields the loop with it held. Outside a task nothing is yielded. */
#define HOLDS(name, take, release)                                                                           \
    static void name(void)                                                                                   \
    {                                                                                                        \
        assert_int_equal(take, 0);                                                                           \
        if (weir_in_task())                                                                                  \
            wait_a_little();                                                                                 \
        assert_int_equal(release, 0);                                                                        \
    }                                                                                                        \
    static void name##_shortly(void)                                                                         \
    {                                                                                                        \
        assert_int_equal(take, 0);                                                                           \
        assert_int_equal(release, 0);                                                                        \
        wait_a_little();                                                                                     \
    }

static int lock_in_time(void)
{
    const struct timespec until = in_a_minute(CLOCK_REALTIME);

    return pthread_mutex_timedlock(&mutex, &until);
}

static int lock_by_clock(void)
{
    const struct timespec until = in_a_minute(CLOCK_MONOTONIC);

    return pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &until);
}

static int read_in_time(void)
{
    const struct timespec until = in_a_minute(CLOCK_REALTIME);

    return pthread_rwlock_timedrdlock(&rwlock, &until);
}

static int read_by_clock(void)
{
    const struct timespec until = in_a_minute(CLOCK_MONOTONIC);

    return pthread_rwlock_clockrdlock(&rwlock, CLOCK_MONOTONIC, &until);
}

static int write_in_time(void)
{
    const struct timespec until = in_a_minute(CLOCK_REALTIME);

    return pthread_rwlock_timedwrlock(&rwlock, &until);
}

static int write_by_clock(void)
{
    const struct timespec until = in_a_minute(CLOCK_MONOTONIC);

    return pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &until);
}

static int c11_in_time(void)
{
    const struct timespec until = in_a_minute(CLOCK_REALTIME);

    return mtx_timedlock(&c11_mutex, &until);
}

HOLDS(holds, pthread_mutex_lock(&mutex), pthread_mutex_unlock(&mutex))
HOLDS(holds_tried, pthread_mutex_trylock(&mutex), pthread_mutex_unlock(&mutex))
HOLDS(holds_in_time, lock_in_time(), pthread_mutex_unlock(&mutex))
HOLDS(holds_by_clock, lock_by_clock(), pthread_mutex_unlock(&mutex))
HOLDS(holds_to_read, pthread_rwlock_rdlock(&rwlock), pthread_rwlock_unlock(&rwlock))
HOLDS(holds_to_read_tried, pthread_rwlock_tryrdlock(&rwlock), pthread_rwlock_unlock(&rwlock))
HOLDS(holds_to_read_in_time, read_in_time(), pthread_rwlock_unlock(&rwlock))
HOLDS(holds_to_read_by_clock, read_by_clock(), pthread_rwlock_unlock(&rwlock))
HOLDS(holds_to_write, pthread_rwlock_wrlock(&rwlock), pthread_rwlock_unlock(&rwlock))
HOLDS(holds_to_write_tried, pthread_rwlock_trywrlock(&rwlock), pthread_rwlock_unlock(&rwlock))
HOLDS(holds_to_write_in_time, write_in_time(), pthread_rwlock_unlock(&rwlock))
HOLDS(holds_to_write_by_clock, write_by_clock(), pthread_rwlock_unlock(&rwlock))
HOLDS(spins, pthread_spin_lock(&spinlock), pthread_spin_unlock(&spinlock))
HOLDS(spins_tried, pthread_spin_trylock(&spinlock), pthread_spin_unlock(&spinlock))
HOLDS(holds_as_c11, mtx_lock(&c11_mutex), mtx_unlock(&c11_mutex))
HOLDS(holds_as_c11_tried, mtx_trylock(&c11_mutex), mtx_unlock(&c11_mutex))
HOLDS(holds_as_c11_in_time, c11_in_time(), mtx_unlock(&c11_mutex))

struct lock_sin {
    const char *call;
    void (*commit)(void);
    void (*innocent)(void);
};

struct search {
    const char *call;
    uint64_t count;
    int found;
};

static int look_at(void *arg, const weir_guard_finding *finding)
{
    struct search *search = arg;

    if (strcmp(finding->function, search->call) != 0)
        return 0;
    assert_non_null(strstr(finding->hint, "weir_mutex"));
    assert_string_equal(finding->task, "main");
    assert_string_equal(finding->waited, "sleeping");
    assert_true(is_of_this_program(&finding->place));
    assert_string_equal(finding->place.file, "locks_test.c");
    assert_true(finding->stack_depth >= 2);
    search->count += finding->count;
    search->found++;
    return 0;
}

static void expect(const char *call, uint64_t before, uint64_t count)
{
    struct search search = {.call = call};

    if (caught() - before != count)
        fail_msg("%s: %d are caught, not %d", call, (int)(caught() - before), (int)count);
    assert_int_equal(weir_guard_each(look_at, &search), 0);
    assert_int_equal(search.count, count);
    assert_int_equal(search.found, count > 0 ? 1 : 0);
}

static void waiting_with_a_lock_is_caught(void **state)
{
    static const struct lock_sin sins[] = {
        {"pthread_mutex_lock", holds, holds_shortly},
        {"pthread_mutex_trylock", holds_tried, holds_tried_shortly},
        {"pthread_mutex_timedlock", holds_in_time, holds_in_time_shortly},
        {"pthread_mutex_clocklock", holds_by_clock, holds_by_clock_shortly},
        {"pthread_rwlock_rdlock", holds_to_read, holds_to_read_shortly},
        {"pthread_rwlock_tryrdlock", holds_to_read_tried, holds_to_read_tried_shortly},
        {"pthread_rwlock_timedrdlock", holds_to_read_in_time, holds_to_read_in_time_shortly},
        {"pthread_rwlock_clockrdlock", holds_to_read_by_clock, holds_to_read_by_clock_shortly},
        {"pthread_rwlock_wrlock", holds_to_write, holds_to_write_shortly},
        {"pthread_rwlock_trywrlock", holds_to_write_tried, holds_to_write_tried_shortly},
        {"pthread_rwlock_timedwrlock", holds_to_write_in_time, holds_to_write_in_time_shortly},
        {"pthread_rwlock_clockwrlock", holds_to_write_by_clock, holds_to_write_by_clock_shortly},
        {"pthread_spin_lock", spins, spins_shortly},
        {"pthread_spin_trylock", spins_tried, spins_tried_shortly},
        {"mtx_lock", holds_as_c11, holds_as_c11_shortly},
        {"mtx_trylock", holds_as_c11_tried, holds_as_c11_tried_shortly},
        {"mtx_timedlock", holds_as_c11_in_time, holds_as_c11_in_time_shortly},
    };

    (void)state;

    need_guard();
    assert_int_equal(pthread_spin_init(&spinlock, 0), 0);
    assert_int_equal(mtx_init(&c11_mutex, mtx_timed), 0);
    for (size_t i = 0; i < sizeof sins / sizeof sins[0]; i++) {
        uint64_t before = caught();
        sins[i].commit();
        in_task(sins[i].innocent);
        expect(sins[i].call, before, 0);
        in_task(sins[i].commit);
        expect(sins[i].call, before, 1);
        in_task(sins[i].commit);
        expect(sins[i].call, before, 2);
    }
}

/* --- who holds what --- */

static void fail_to_take(void)
{
    assert_int_equal(pthread_mutex_trylock(&mutex), EBUSY);
    wait_a_little();
}

static void a_lock_that_was_not_had_is_not_held(void **state)
{
    uint64_t before;

    (void)state;

    need_guard();
    before = caught();
    assert_int_equal(pthread_mutex_lock(&mutex), 0);
    in_task(fail_to_take);
    assert_int_equal(pthread_mutex_unlock(&mutex), 0);
    assert_int_equal(caught(), before);
}

static void yield_with_lock(void)
{
    assert_int_equal(pthread_mutex_lock(&mutex), 0);
    assert_int_equal(weir_yield(), 0);
    assert_int_equal(pthread_mutex_unlock(&mutex), 0);
}

/* Other tasks run, and may want the lock. */
static void yielding_counts_as_waiting(void **state)
{
    uint64_t before;

    (void)state;

    need_guard();
    before = caught();
    in_task(yield_with_lock);
    assert_int_equal(caught(), before + 1);
}

static void holds_two_out_of_order(void)
{
    uint64_t before = caught();

    assert_int_equal(pthread_mutex_lock(&mutex), 0);
    assert_int_equal(pthread_rwlock_rdlock(&rwlock), 0);
    assert_int_equal(pthread_rwlock_rdlock(&rwlock), 0);
    assert_int_equal(pthread_mutex_unlock(&mutex), 0); /* not the one taken last */
    assert_int_equal(pthread_rwlock_unlock(&rwlock), 0);
    wait_a_little();
    assert_int_equal(caught(), before + 1);
    assert_int_equal(pthread_rwlock_unlock(&rwlock), 0);
    wait_a_little();
    assert_int_equal(caught(), before + 1);
}

static void each_lock_is_known_by_itself(void **state)
{
    (void)state;
    need_guard();
    in_task(holds_two_out_of_order);
}

static int take_and_end(void *arg)
{
    (void)arg;
    return -pthread_mutex_lock(&mutex);
}

static int release_and_wait(void *arg)
{
    (void)arg;
    assert_int_equal(pthread_mutex_unlock(&mutex), 0);
    return weir_sleep(weir_us(10));
}

/* One task takes the lock and ends, another releases it. A task that waits afterwards holds no lock. */
static void hand_over(void)
{
    uint64_t before = caught();
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "taker", take_and_end, NULL);
    weir_spawn(&scope, "releaser", release_and_wait, NULL);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(caught(), before + 1); /* the task ended with the lock held */
}

static void a_lock_may_be_released_by_another_task(void **state)
{
    (void)state;
    need_guard();
    in_task(hand_over);
}

static void hold_more_than_are_known(void)
{
    enum { LOCKS = 100 };
    static pthread_mutex_t many[LOCKS];
    uint64_t before = caught();

    for (int i = 0; i < LOCKS; i++) {
        pthread_mutex_init(&many[i], NULL);
        assert_int_equal(pthread_mutex_lock(&many[i]), 0);
    }
    wait_a_little();
    for (int i = LOCKS; i-- > 0;)
        assert_int_equal(pthread_mutex_unlock(&many[i]), 0);
    assert_true(caught() > before);
    before = caught();
    wait_a_little();
    assert_int_equal(caught(), before);
}

static void there_is_an_end_to_what_is_known(void **state)
{
    (void)state;
    need_guard();
    in_task(hold_more_than_are_known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_with_a_lock_is_caught),
        cmocka_unit_test(a_lock_that_was_not_had_is_not_held),
        cmocka_unit_test(yielding_counts_as_waiting),
        cmocka_unit_test(each_lock_is_known_by_itself),
        cmocka_unit_test(a_lock_may_be_released_by_another_task),
        cmocka_unit_test(there_is_an_end_to_what_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
