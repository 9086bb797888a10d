/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <weir/pool.h>
#include <weir/profile.h>

#include "pool/pool.h"
#include "watch/profile/profile_inside.h"
#include "core/task.h"
#include "core/account/activity.h"
#include "support/child.h"
#include "support/run.h"

enum { ENOUGH = 20, TEXT_MAX = 1 << 20 };

/* A runtime that computes until enough samples were taken. */
struct computing {
    int (*compute)(void *arg);
    int loops;
    _Atomic(weir_runtime *) runtime;
    atomic_bool stop;
    pthread_t thread;
};

static volatile uint64_t value = 1;

__attribute__((noinline)) static void compute_here(struct computing *c)
{
    while (!atomic_load_explicit(&c->stop, memory_order_relaxed))
        value = value * UINT64_C(6364136223846793005) + 1;
}

static int compute_in_task(void *arg)
{
    struct computing *c = arg;

    atomic_store(&c->runtime, weir_runtime_here());
    compute_here(c);
    return 0;
}

static int compute_for_a_route(void *arg)
{
    struct weir__activity activity = {.route = "/report;x"};

    weir_task_set_name("a task");
    weir__task_current()->activity = &activity;
    (void)compute_in_task(arg);
    weir__task_current()->activity = NULL;
    return 0;
}

static int crunch(weir_job *job, void *arg)
{
    (void)job;
    compute_here(arg);
    return 0;
}

static int compute_in_job(void *arg)
{
    struct computing *c = arg;

    atomic_store(&c->runtime, weir_runtime_here());
    return weir_offload(weir_pool_compute(), "crunch", crunch, c);
}

static void *run(void *arg)
{
    struct computing *c = arg;
    weir_options options = {.io = WEIR_IO_EPOLL, .loops = c->loops};

    return (void *)(intptr_t)weir_run(&options, c->compute, c);
}

static weir_runtime *begin(struct computing *c, int (*compute)(void *))
{
    *c = (struct computing){.compute = compute, .loops = 2};
    assert_int_equal(pthread_create(&c->thread, NULL, run, c), 0);
    while (atomic_load(&c->runtime) == NULL)
        sched_yield();
    return atomic_load(&c->runtime);
}

static void end(struct computing *c)
{
    void *result;

    atomic_store(&c->stop, true);
    assert_int_equal(pthread_join(c->thread, &result), 0);
    assert_null(result);
}

static uint64_t samples_of(const char *folded, const char *part)
{
    uint64_t sum = 0;

    for (const char *line = folded, *next; *line != '\0'; line = next + 1) {
        const char *found;
        next = strchr(line, '\n');
        found = strstr(line, part);
        if (found != NULL && found < next)
            for (const char *space = next; space > line; space--)
                if (space[-1] == ' ') {
                    sum += strtoull(space, NULL, 10);
                    break;
                }
    }
    return sum;
}

static uint64_t seen(const weir_profile *p)
{
    uint64_t sum = 0;

    for (struct weir__samples *s = p->samples; s != NULL; s = s->next)
        sum += atomic_load(&s->read);
    return sum;
}

static void profile(int (*compute)(void *), weir_buffer *folded)
{
    struct computing c;
    weir_profile *p;

    assert_int_equal(weir_profile_open(begin(&c, compute), WEIR_PROFILE_HZ_MAX, &p), 0);
    while (seen(p) < ENOUGH) {
        weir_profile_collect(p);
        sched_yield();
    }
    weir_buffer_init(folded, TEXT_MAX);
    assert_int_equal(weir_profile_close(p, folded), 0);
    end(&c);
}

/* Nearly all: samples may also meet the moments in which the thread does other things. */
static void assert_most(const weir_buffer *folded, const char *part)
{
    uint64_t all = samples_of(folded->data, "");

    if (samples_of(folded->data, part) * 10 < all * 8)
        fail_msg("less than 80%% of %llu samples have \"%s\":\n%s", (unsigned long long)all, part,
                 folded->data);
}

static void a_task_that_computes_is_seen(void **state)
{
    weir_buffer folded;

    (void)state;
    profile(compute_in_task, &folded);
    assert_most(&folded, "-;main;run_first_task;compute_in_task;compute_here ");
    weir_buffer_free(&folded);
}

static void time_goes_to_the_route_it_is_for(void **state)
{
    weir_buffer folded;

    (void)state;
    profile(compute_for_a_route, &folded);
    assert_most(&folded, "/report:x;a task;");
    assert_most(&folded, ";compute_for_a_route;compute_in_task;compute_here ");
    weir_buffer_free(&folded);
}

static void a_job_is_seen_on_its_pool(void **state)
{
    weir_buffer folded;

    (void)state;
    profile(compute_in_job, &folded);
    assert_most(&folded, "-;compute: crunch;");
    assert_most(&folded, ";crunch;compute_here ");
    weir_buffer_free(&folded);
}

static void a_worker_that_comes_later_is_sampled_too(void **state)
{
    struct computing c;
    weir_profile *p;
    weir_buffer folded;
    weir_runtime *r;
    struct weir__thread worker, *here;
    struct weir_pool pool;
    struct weir__worker place;

    (void)state;
    r = begin(&c, compute_in_task); /* no job yet */
    assert_int_equal(weir_profile_open(r, WEIR_PROFILE_HZ_MAX, &p), 0);
    here = weir__thread_here;
    pool = (struct weir_pool){.name = "late"};
    place = (struct weir__worker){.pool = &pool};
    weir__thread_enter(&worker, r, NULL, &place);
    while (atomic_load(&atomic_load(&worker.samples)->written) < 3)
        value++;
    weir__thread_leave(&worker);
    weir__thread_here = here;
    weir_buffer_init(&folded, TEXT_MAX);
    assert_int_equal(weir_profile_close(p, &folded), 0);
    assert_true(samples_of(folded.data, "-;late;") >= 3);
    weir_buffer_free(&folded);
    end(&c);
}

static void what_can_not_be_is_refused(void **state)
{
    struct computing c;
    weir_profile *p, *q;
    weir_runtime *r = begin(&c, compute_in_task);

    (void)state;
    assert_int_equal(weir_profile_open(r, -1, &p), -EINVAL);
    assert_int_equal(weir_profile_open(r, WEIR_PROFILE_HZ_MAX + 1, &p), -EINVAL);
    assert_null(p);
    assert_int_equal(weir_profile_open(r, 0, &p), 0);
    assert_int_equal(weir_profile_open(r, 0, &q), -WEIR_EBUSY);
    assert_int_equal(weir_profile_close(p, NULL), 0);
    assert_int_equal(weir_profile_open(r, 0, &q), 0);
    assert_int_equal(weir_profile_close(q, NULL), 0);
    end(&c);
}

static void the_runtime_may_end_first(void **state)
{
    struct computing c;
    weir_profile *p;
    weir_buffer folded;

    (void)state;
    assert_int_equal(weir_profile_open(begin(&c, compute_in_task), WEIR_PROFILE_HZ_MAX, &p), 0);
    while (seen(p) < 3)
        weir_profile_collect(p);
    end(&c);
    weir_buffer_init(&folded, TEXT_MAX);
    assert_int_equal(weir_profile_close(p, &folded), 0);
    assert_true(samples_of(folded.data, "compute_here") >= 1);
    weir_buffer_free(&folded);
}

static void samples_without_room_are_counted_as_lost(void **state)
{
    struct computing c;
    weir_profile *p;
    weir_buffer folded;

    (void)state;
    assert_int_equal(weir_profile_open(begin(&c, compute_in_task), WEIR_PROFILE_HZ_MAX, &p), 0);
    for (bool lost = false; !lost; sched_yield())
        for (struct weir__samples *s = p->samples; s != NULL; s = s->next)
            lost = lost || atomic_load(&s->lost) > 2;
    weir_buffer_init(&folded, TEXT_MAX);
    assert_int_equal(weir_profile_close(p, &folded), 0);
    assert_true(samples_of(folded.data, "-;lost samples") > 2);
    weir_buffer_free(&folded);
    end(&c);
}

static int refused(void *arg)
{
    weir_profile *p;

    (void)arg;
    return weir_profile_open(weir_runtime_here(), 0, &p) == -ENOTSUP ? 0 : -1;
}

static int profile_itself(void *arg)
{
    weir_profile *p;

    (void)arg;
    return weir_profile_open(weir_runtime_here(), 0, &p);
}

static int run_and_profile_itself(void *arg)
{
    return weir_run(NULL, profile_itself, arg);
}

static void a_runtime_does_not_profile_itself(void **state)
{
    char said[4096];
    int status = run_in_child(run_and_profile_itself, NULL, said, sizeof said);

    (void)state;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(
        strstr(said, "weir_profile_open() on a loop or worker of the runtime that it samples: call it on "
                     "a thread outside that runtime"));
}

static void virtual_time_is_not_sampled(void **state)
{
    (void)state;
    run_simulated(1, refused, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_that_computes_is_seen),
        cmocka_unit_test(time_goes_to_the_route_it_is_for),
        cmocka_unit_test(a_job_is_seen_on_its_pool),
        cmocka_unit_test(a_worker_that_comes_later_is_sampled_too),
        cmocka_unit_test(what_can_not_be_is_refused),
        cmocka_unit_test(the_runtime_may_end_first),
        cmocka_unit_test(samples_without_room_are_counted_as_lost),
        cmocka_unit_test(virtual_time_is_not_sampled),
        cmocka_unit_test(a_runtime_does_not_profile_itself),
    };

#if defined(__SANITIZE_THREAD__)
    printf("1..1\nok 1 # SKIP under TSan: signals come late there, and stacks are of its wrappers\n");
    if (getenv("WEIR_TEST_ALL") == NULL)
        return 0;
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
