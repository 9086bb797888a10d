/* SPDX-License-Identifier: MIT */
/* Mistakes with pools, jobs and published state. */
#include <pthread.h>

#include "support/mistake.h"
#include "support/run.h"

static int do_nothing(weir_job *job, void *arg)
{
    (void)job;
    (void)arg;
    return 0;
}

static weir_pool *open_pool(void)
{
    const weir_pool_options options = {.name = "own", .workers = 1};
    weir_pool *pool = NULL;

    return weir_pool_open(&options, &pool) == 0 ? pool : NULL;
}

/* --- pools --- */

#ifndef __SANITIZE_ADDRESS__ /* which says so itself */
static int offload_to_closed(void *arg)
{
    weir_pool *pool = open_pool();

    weir_pool_close(pool);
    return weir_offload(pool, "late", do_nothing, arg);
}
#endif

static int close_twice(void *arg)
{
    weir_pool *pool = open_pool();

    (void)arg;
    weir_pool_close(pool);
    weir_pool_close(pool);
    return 0;
}

static int close_compute(void *arg)
{
    (void)arg;
    weir_pool_close(weir_pool_compute());
    return 0;
}

static void *offload_there(void *pool)
{
    (void)weir_offload(pool, "foreign", do_nothing, NULL);
    return NULL;
}

static void *find_there(void *arg)
{
    (void)weir_pool_compute();
    return arg;
}

static int on_thread(void *(*fn)(void *arg), void *arg)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, fn, arg) == 0)
        pthread_join(thread, NULL);
    return 0;
}

static int offload_of_a_thread(void *arg)
{
    (void)arg;
    return on_thread(offload_there, weir_pool_blocking());
}

static int find_of_a_thread(void *arg)
{
    return on_thread(find_there, arg);
}

static int open_in_job(weir_job *job, void *arg)
{
    (void)job;
    (void)arg;
    (void)open_pool();
    return 0;
}

static int open_of_a_job(void *arg)
{
    return weir_offload(weir_pool_blocking(), "opener", open_in_job, arg);
}

static void *run_kind_there(void *pool)
{
    const weir_job_input in = {.bytes = {"", 0}};
    weir_buffer out;

    weir_buffer_init(&out, 64);
    return weir_job_run(pool, "none", &in, &out, NULL) < 0 ? NULL : pool;
}

static int run_kind_of_a_thread(void *arg)
{
    (void)arg;
    return on_thread(run_kind_there, weir_pool_blocking());
}

static void mistakes_with_pools_are_caught(void **state)
{
    static const struct mistake mistakes[] = {
#ifndef __SANITIZE_ADDRESS__
        {.fn = offload_to_closed,
         .said = {"weir_offload() to a pool that is closed, or of another runtime: "}},
#endif
        {.fn = close_twice, .said = {"weir_pool_close() on a pool that is closed already"}},
        {.fn = close_compute, .said = {"weir_pool_close() on a pool that belongs to the runtime: "}},
        {.fn = offload_of_a_thread, .said = {"weir_offload() outside a task: "}, .is_real = true},
        {.fn = find_of_a_thread, .said = {"weir_pool_compute() outside a task: "}, .is_real = true},
        {.fn = open_of_a_job, .said = {"weir_pool_open() in a job: "}, .is_real = true},
        {.fn = run_kind_of_a_thread, .said = {"weir_job_run() outside a task: "}, .is_real = true},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof *mistakes);
}

/* --- published state --- */

static weir_published published; /* of the child's process */
static int value;

static int read_nothing(void *arg)
{
    (void)arg;
    return weir_published_get(&published) != NULL;
}

static int set_nothing(void *arg)
{
    (void)arg;
    return weir_published_set(&published, &value);
}

static void *read_there(void *arg)
{
    (void)weir_published_get(&published);
    return arg;
}

static int read_of_a_thread(void *arg)
{
    return weir_published_init(&published, &value, NULL) < 0 ? 0 : on_thread(read_there, arg);
}

static int set_in_job(weir_job *job, void *arg)
{
    (void)job;
    (void)arg;
    return weir_published_set(&published, &value);
}

static int set_of_a_job(void *arg)
{
    if (weir_published_init(&published, &value, NULL) < 0)
        return 0;
    return weir_offload(weir_pool_blocking(), "setter", set_in_job, arg);
}

static int release_twice(void *arg)
{
    weir_published_held held;

    (void)arg;
    if (weir_published_init(&published, &value, NULL) < 0)
        return 0;
    (void)weir_published_hold(&published, &held);
    weir_published_release(&held);
    weir_published_release(&held);
    return 0;
}

static int free_held(void *arg)
{
    weir_published_held held;

    (void)arg;
    if (weir_published_init(&published, &value, NULL) < 0)
        return 0;
    (void)weir_published_hold(&published, &held);
    weir_published_free(&published);
    return 0;
}

static void mistakes_with_published_state_are_caught(void **state)
{
    static const struct mistake mistakes[] = {
        {.fn = read_nothing,
         .said = {"weir_published_get() on published state that was freed, or never initialised: "}},
        {.fn = set_nothing, .said = {"weir_published_set() on published state"}},
        {.fn = read_of_a_thread, .said = {"weir_published_get() from another thread: "}, .is_real = true},
        {.fn = set_of_a_job, .said = {"weir_published_set() in a job: "}, .is_real = true},
        {.fn = release_twice, .said = {"weir_published_release() of a version that was released already: "}},
        {.fn = free_held, .said = {"weir_published_free() while a version of it is held: "}},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof *mistakes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_with_pools_are_caught),
        cmocka_unit_test(mistakes_with_published_state_are_caught),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
