/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <threads.h>
#include <time.h>

#include "guard/sins.h"

/* --- joins --- */

static void *end_at_once(void *arg)
{
    return arg;
}

static pthread_t thread(void)
{
    pthread_t made;

    assert_int_equal(pthread_create(&made, NULL, end_at_once, NULL), 0);
    return made;
}

static struct timespec in_a_minute(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    t.tv_sec += 60;
    return t;
}

static void joins(void)
{
    assert_int_equal(pthread_join(thread(), NULL), 0);
}

static void joins_now(void)
{
    pthread_t made = thread();
    int err;

    while ((err = pthread_tryjoin_np(made, NULL)) == EBUSY)
        (void)weir_sleep(weir_ms(1));
    assert_int_equal(err, 0);
}

static void joins_in_time(void)
{
    const struct timespec until = in_a_minute(CLOCK_REALTIME);

    assert_int_equal(pthread_timedjoin_np(thread(), NULL, &until), 0);
}

static void joins_by_clock(void)
{
    const struct timespec until = in_a_minute(CLOCK_MONOTONIC);

    assert_int_equal(pthread_clockjoin_np(thread(), NULL, CLOCK_MONOTONIC, &until), 0);
}

static int end_as_c11(void *arg)
{
    (void)arg;
    return 7;
}

static void joins_as_c11(void)
{
    thrd_t made;
    int result;

    assert_int_equal(thrd_create(&made, end_as_c11, NULL), thrd_success);
    assert_int_equal(thrd_join(made, &result), thrd_success);
    assert_int_equal(result, 7);
}

/* --- conditions: another thread tells again and again until it is heard --- */

struct news {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_bool heard;
};

static void *tell(void *arg)
{
    struct news *news = arg;

    while (!atomic_load(&news->heard)) {
        pthread_mutex_lock(&news->lock);
        pthread_cond_broadcast(&news->changed);
        pthread_mutex_unlock(&news->lock);
        sched_yield();
    }
    return NULL;
}

static void hear(int (*wait)(struct news *news))
{
    struct news news = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    pthread_t teller;
    int err;

    assert_int_equal(pthread_create(&teller, NULL, tell, &news), 0);
    pthread_mutex_lock(&news.lock);
    assert_int_equal(wait(&news), 0);
    pthread_mutex_unlock(&news.lock);
    atomic_store(&news.heard, true);
    while ((err = pthread_tryjoin_np(teller, NULL)) == EBUSY)
        sched_yield();
    assert_int_equal(err, 0);
}

static int wait_on(struct news *news)
{
    return pthread_cond_wait(&news->changed, &news->lock);
}

static int wait_on_in_time(struct news *news)
{
    const struct timespec until = in_a_minute(CLOCK_REALTIME);

    return pthread_cond_timedwait(&news->changed, &news->lock, &until);
}

static int wait_on_by_clock(struct news *news)
{
    const struct timespec until = in_a_minute(CLOCK_MONOTONIC);

    return pthread_cond_clockwait(&news->changed, &news->lock, CLOCK_MONOTONIC, &until);
}

static void waits(void)
{
    hear(wait_on);
}

static void waits_in_time(void)
{
    hear(wait_on_in_time);
}

static void waits_by_clock(void)
{
    hear(wait_on_by_clock);
}

/* The C11 names of a C library are the same objects. */
static int wait_as_c11(struct news *news)
{
    return cnd_wait((cnd_t *)(void *)&news->changed, (mtx_t *)(void *)&news->lock);
}

static void waits_as_c11(void)
{
    hear(wait_as_c11);
}

static void waits_as_c11_in_time(void)
{
    const struct timespec past = {1, 0};
    cnd_t cond;
    mtx_t lock;

    assert_int_equal(cnd_init(&cond), thrd_success);
    assert_int_equal(mtx_init(&lock, mtx_plain), thrd_success);
    assert_int_equal(mtx_lock(&lock), thrd_success);
    assert_int_equal(cnd_timedwait(&cond, &lock, &past), thrd_timedout);
    assert_int_equal(mtx_unlock(&lock), thrd_success);
    mtx_destroy(&lock);
    cnd_destroy(&cond);
}

/* --- semaphores and barriers --- */

static void take_with(int (*take)(sem_t *s))
{
    sem_t s;

    assert_int_equal(sem_init(&s, 0, 1), 0);
    assert_int_equal(take(&s), 0);
    sem_destroy(&s);
}

static int take_in_time(sem_t *s)
{
    return sem_timedwait(s, &(struct timespec){1, 0}); /* long past, but there is one */
}

static int take_by_clock(sem_t *s)
{
    return sem_clockwait(s, CLOCK_MONOTONIC, &(struct timespec){1, 0});
}

static void takes(void)
{
    take_with(sem_wait);
}

static void takes_now(void)
{
    take_with(sem_trywait);
}

static void takes_in_time(void)
{
    take_with(take_in_time);
}

static void takes_by_clock(void)
{
    take_with(take_by_clock);
}

static void meets(void)
{
    pthread_barrier_t barrier;

    assert_int_equal(pthread_barrier_init(&barrier, NULL, 1), 0);
    assert_int_equal(pthread_barrier_wait(&barrier), PTHREAD_BARRIER_SERIAL_THREAD);
    pthread_barrier_destroy(&barrier);
}

static void waiting_for_threads_is_caught(void **state)
{
    static const struct sin sins[] = {
        {"pthread_join", "weir_offload()", joins, joins_now},
        {"pthread_timedjoin_np", "weir_offload()", joins_in_time, NULL},
        {"pthread_clockjoin_np", "weir_offload()", joins_by_clock, NULL},
        {"thrd_join", "weir_offload()", joins_as_c11, NULL},
        {"pthread_cond_wait", "weir_event", waits, NULL},
        {"pthread_cond_timedwait", "weir_event", waits_in_time, NULL},
        {"pthread_cond_clockwait", "weir_event", waits_by_clock, NULL},
        {"cnd_wait", "weir_event", waits_as_c11, NULL},
        {"cnd_timedwait", "weir_event", waits_as_c11_in_time, NULL},
        {"sem_wait", "weir_semaphore", takes, takes_now},
        {"sem_timedwait", "weir_semaphore", takes_in_time, NULL},
        {"sem_clockwait", "weir_semaphore", takes_by_clock, NULL},
        {"pthread_barrier_wait", "weir_event", meets, NULL},
    };

    (void)state;

    need_guard();
    check_sins(sins, sizeof sins / sizeof sins[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_for_threads_is_caught),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
