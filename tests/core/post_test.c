/* SPDX-License-Identifier: MIT */
/* Tasks that other threads start, and a runtime that another thread stops. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "support/run.h"

enum { LOOPS = 3, POSTERS = 4, POSTS = 200 };

struct posts {
    weir_runtime *runtime;
    pthread_t threads[POSTERS];
    atomic_int ran[LOOPS], refused, cancelled;
    int accepted[POSTERS];
};

struct poster {
    struct posts *posts;
    int number;
};

static int count_post(void *arg)
{
    struct posts *p = arg;

    assert_string_equal(weir_task_name(), "posted");
    assert_int_equal(weir_sleep(weir_us(10)), 0);
    atomic_fetch_add(&p->ran[weir_loop_index()], 1);
    return -EPERM; /* is dropped */
}

static void *post_from_thread(void *arg)
{
    const struct poster *poster = arg;
    struct posts *p = poster->posts;

    for (int i = 0; i < POSTS; i++)
        if (weir_post(p->runtime, i % LOOPS, "posted", count_post, p) == 0)
            p->accepted[poster->number]++;
    return NULL;
}

static int all_ran(const struct posts *p)
{
    int sum = 0;

    for (int i = 0; i < LOOPS; i++)
        sum += atomic_load(&((struct posts *)(uintptr_t)p)->ran[i]);
    return sum;
}

static int post_from_threads(void *arg)
{
    struct posts p = {.runtime = weir_runtime_here()};
    struct poster posters[POSTERS];

    (void)arg;
    for (int i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){&p, i};
        assert_int_equal(pthread_create(&p.threads[i], NULL, post_from_thread, &posters[i]), 0);
    }
    while (all_ran(&p) < POSTERS * POSTS)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(p.threads[i], NULL);
        assert_int_equal(p.accepted[i], POSTS);
    }
    for (int i = 0; i < LOOPS; i++)
        assert_true(atomic_load(&p.ran[i]) >= POSTERS * (POSTS / LOOPS));
    return 0;
}

static void other_threads_start_tasks_on_any_loop(void **state)
{
    weir_options options = {.loops = LOOPS};

    (void)state;
    assert_int_equal(weir_run(&options, post_from_threads, NULL), 0);
}

static int post_in_job(weir_job *job, void *arg)
{
    struct posts *p = arg;

    (void)job;
    return weir_post(p->runtime, 0, "posted", count_post, p);
}

static int post_from_job(void *arg)
{
    struct posts p = {.runtime = weir_runtime_here()};

    (void)arg;
    assert_int_equal(weir_offload(weir_pool_blocking(), "poster", post_in_job, &p), 0);
    assert_int_equal(weir_post(p.runtime, 0, "posted", count_post, &p), 0);
    while (all_ran(&p) < 2)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    assert_int_equal(weir_post(p.runtime, 1, "posted", count_post, &p), -EINVAL);
    assert_int_equal(weir_post(p.runtime, -1, "posted", count_post, &p), -EINVAL);
    return 0;
}

static void jobs_and_tasks_start_them_too(void **state)
{
    (void)state;
    run_everywhere(post_from_job, NULL);
}

/* --- the end of the runtime --- */

static struct posts ended; /* outlives the first task */

static int wait_for_the_end(void *arg)
{
    (void)arg;
    if (weir_sleep(weir_seconds(3600)) == -WEIR_ECANCELED)
        atomic_fetch_add(&ended.cancelled, 1);
    if (weir_post(ended.runtime, 0, "late", wait_for_the_end, NULL) == -WEIR_ECLOSED)
        atomic_fetch_add(&ended.refused, 1);
    return 0;
}

static int leave_posted_tasks(void *arg)
{
    const int loops = weir_loop_count();

    (void)arg;
    ended = (struct posts){.runtime = weir_runtime_here()};
    for (int i = 0; i < 10; i++)
        assert_int_equal(weir_post(ended.runtime, i % loops, "waits", wait_for_the_end, NULL), 0);
    return 7; /* before most have begun */
}

static void each_that_was_accepted_runs_and_is_cancelled_with_the_first_task(void **state)
{
    weir_options real = {.loops = LOOPS}, sim = {.io = WEIR_IO_SIM};

    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(weir_run(&real, leave_posted_tasks, NULL), 7);
        assert_int_equal(atomic_load(&ended.cancelled), 10);
        assert_int_equal(atomic_load(&ended.refused), 10);
    }
    for (uint64_t seed = 1; seed <= 20; seed++) {
        sim.seed = seed;
        assert_int_equal(weir_run(&sim, leave_posted_tasks, NULL), 7);
        assert_int_equal(atomic_load(&ended.cancelled), 10);
    }
}

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int post_too_many(void *arg)
{
    weir_runtime *runtime = weir_runtime_here();
    int accepted = 0, err;

    (void)arg;
    while ((err = weir_post(runtime, 0, "many", do_nothing, NULL)) == 0)
        accepted++;
    assert_int_equal(err, -WEIR_EBUSY);
    assert_int_equal(accepted, WEIR_POSTS_MAX);
    return 0;
}

/* There are fewer stacks than posts, so that most are tried again. */
static void posts_have_a_maximum_and_wait_for_a_stack(void **state)
{
    weir_options options = {.io = WEIR_IO_SIM, .tasks_max = 1000};

    (void)state;
#if defined(__SANITIZE_THREAD__) /* 65 536 tasks take it a minute and a half, all on one thread */
    skip();
#endif
    assert_int_equal(weir_run(&options, post_too_many, NULL), 0);
}

/* --- stopping --- */

static void *stop_from_thread(void *runtime)
{
    weir_runtime_stop(runtime);
    weir_runtime_stop(runtime);
    return NULL;
}

static int sleep_long(void *arg)
{
    (void)arg;
    return weir_sleep(weir_seconds(3600));
}

static int be_stopped(void *arg)
{
    pthread_t *thread = arg;
    weir_scope scope;
    int err;

    assert_int_equal(pthread_create(thread, NULL, stop_from_thread, weir_runtime_here()), 0);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_spawn(&scope, "sleeper", sleep_long, NULL), 0);
    err = weir_scope_close(&scope);
    assert_int_equal(weir_sleep(weir_ms(1)), -WEIR_ECANCELED);
    return err;
}

/* The thread is not waited for by the runtime: its call may be under way as the runtime ends. */
static void another_thread_stops_a_runtime(void **state)
{
    pthread_t thread;

    (void)state;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(weir_run(NULL, be_stopped, &thread), -WEIR_ECANCELED);
        pthread_join(thread, NULL);
    }
}

static int stop_itself(void *arg)
{
    (void)arg;
    weir_runtime_stop(weir_runtime_here());
    return weir_sleep(weir_seconds(3600));
}

static void a_task_stops_its_runtime(void **state)
{
    weir_options sim = {.io = WEIR_IO_SIM};

    (void)state;
    assert_int_equal(weir_run(&sim, stop_itself, NULL), -WEIR_ECANCELED);
    assert_int_equal(weir_run(NULL, stop_itself, NULL), -WEIR_ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_threads_start_tasks_on_any_loop),
        cmocka_unit_test(jobs_and_tasks_start_them_too),
        cmocka_unit_test(each_that_was_accepted_runs_and_is_cancelled_with_the_first_task),
        cmocka_unit_test(posts_have_a_maximum_and_wait_for_a_stack),
        cmocka_unit_test(another_thread_stops_a_runtime),
        cmocka_unit_test(a_task_stops_its_runtime),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
