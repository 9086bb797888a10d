/* SPDX-License-Identifier: MIT */
/* The caller's side of a job: it lies on the caller's stack, and the caller stays until it is home. */
#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include <weir/text.h>

#include "base/reserved.h"
#include "core/account/attribution.h"
#include "pool/admission.h"
#include "pool/handover.h"
#include "pool/job.h"
#include "pool/offload.h"
#include "pool/pool.h"
#include "pool/worker.h"
#include "core/misuse.h"
#include "core/runtime.h"
#include "core/scope.h"
#include "core/task.h"
#include "core/wait.h"
#include "core/account/activity.h"

static const int64_t CPU_MAX_NS = INT64_C(1) << 60; /* added to any instant it does not overflow */

/* "slot in compute", or "running in compute for 12 ms". */
static bool describe(const struct weir__look *look, const struct weir__task *task,
                     struct weir__wait_words *out)
{
    char name[WEIR_POOL_NAME_BYTES], length[WEIR_DURATION_TEXT_MAX];
    struct weir_job job;
    int64_t started_ns;

    if (!weir__peek(&look->peek, task->wait_arg, &job, sizeof job) ||
        !weir__peek_text(&look->peek, weir__peek_at(job.pool, name), name, sizeof name))
        return false;
    started_ns = atomic_load_explicit(&job.started_ns, memory_order_relaxed);
    if (started_ns == 0) {
        (void)snprintf(out->text, sizeof out->text, "slot in %s", name);
        out->queue = job.pool;
        out->ticket = job.ticket;
        return true;
    }
    (void)snprintf(out->text, sizeof out->text, "running in %s for %s", name,
                   weir_duration_format(length, sizeof length, (weir_duration){look->now_ns - started_ns}));
    return true;
}

/* Charges the wait until a worker took the job to the queue, the rest to running. */
static void charge_parts(const struct weir__task *task, struct weir__ledger *l)
{
    const struct weir_job *job = task->wait_arg;
    int64_t started_ns = atomic_load_explicit(&job->started_ns, memory_order_relaxed);

    weir__ledger_unpark_parts(
        l, &task->waited, WEIR_CHARGE_POOL_QUEUE, WEIR_CHARGE_POOL_RUN, weir__ledger_name(l, job->pool->name),
        started_ns == 0 ? UINT64_MAX
                        : weir__heartbeat_ns_ticks(&task->loop->heartbeat, started_ns - job->queued_ns));
}

static const struct weir__wait_class a_job = {"a job", describe, .charge = WEIR_CHARGE_POOL_RUN,
                                              .charge_parts = charge_parts};

/* --- home --- */

static void came_home(struct weir__message *message)
{
    weir_job *job = weir__container_of(message, struct weir_job, home);

    weir__timeout_cancel(job->task->loop, &job->queue_timeout);
    weir__wake(job->task, 0);
}

/* --- leaving: a job that is queued never runs then, one that runs is told --- */

static void leave(weir_job *job, int result, enum weir_job_fate fate)
{
    int queued = WEIR__JOB_QUEUED;

    if (!atomic_compare_exchange_strong(&job->state, &queued, WEIR__JOB_LEFT))
        return;
    job->result = result;
    job->fate = fate;
    weir__pool_post(job->pool, &job->leave);
}

static void waited_too_long(struct weir__timeout *timeout)
{
    leave(weir__container_of(timeout, struct weir_job, queue_timeout), -WEIR_EBUSY, WEIR_JOB_DROPPED);
}

static void cancelled(struct weir__task *task)
{
    weir_job *job = task->wait_arg;
    int cause = task->scope->cause;

    atomic_store(&job->cancelled, cause);
    leave(job, cause, cause == -WEIR_EDEADLINE ? WEIR_JOB_DROPPED : WEIR_JOB_CANCELLED);
}

/* --- handing over --- */

static void fill_in(weir_job *job, const weir_offload_options *o)
{
    struct weir_pool *pool = job->pool;
    size_t workers = (size_t)pool->workers_max;

    job->progress = o->progress;
    job->share = o->share;
    job->cpu_max_ns = o->cpu.ns > 0 ? o->cpu.ns : pool->cpu_max_ns;
    if (job->cpu_max_ns > CPU_MAX_NS)
        job->cpu_max_ns = CPU_MAX_NS;
    job->submit.read = weir__note_submit;
    job->leave.read = weir__note_leave;
    job->home.deliver = came_home;
    job->takes_ns = -1;
    job->queued_ns = weir__pool_now_ns(pool);
    job->caller_cpu = sched_getcpu();
    atomic_init(&job->worker_cpu, job->caller_cpu);
    weir__list_init(&job->node);
    weir__timeout_init(&job->queue_timeout, waited_too_long);
    job->workers_max = 1;
    if (job->each == NULL)
        return;
    job->grain = o->grain > 0 ? o->grain : 1;
    if (o->workers_max > 0 && (size_t)o->workers_max < workers)
        workers = (size_t)o->workers_max;
    if ((job->count - 1) / job->grain + 1 < workers)
        workers = (job->count - 1) / job->grain + 1;
    job->workers_max = (unsigned)workers;
}

static void set_times(weir_job *job, const weir_offload_options *o)
{
    int64_t by_ns = INT64_MAX;

    if (o->when_full == WEIR_REFUSE)
        by_ns = weir_add((weir_instant){job->queued_ns}, (weir_duration){job->pool->wait_ns}).ns;
    else if (o->when_full == WEIR_WAIT_UNTIL)
        by_ns = o->until.ns;
    job->begin_by_ns = by_ns < job->deadline_ns ? by_ns : job->deadline_ns;
}

static int count_refusal(weir_job *job, int err, enum weir_pool_refusal why)
{
    atomic_fetch_add_explicit(&job->pool->refused[why], 1, memory_order_relaxed);
    job->fate = WEIR_JOB_REFUSED;
    return err;
}

/* Notes the refusal with the task's activity, so that its answer can say when to come back, and why. */
static void note_refusal(const weir_job *job, int64_t expected_ns, const char *why, const char *reason)
{
    struct weir__activity *activity = job->task->activity;

    if (activity == NULL)
        return;
    activity->busy_for_ns = expected_ns;
    activity->busy_why = why;
    activity->busy_reason = reason;
}

static const char *reason_of(enum weir_pool_refusal why)
{
    return why == WEIR_REFUSED_FULL       ? "pool_full"
           : why == WEIR_REFUSED_WAIT     ? "pool_wait"
           : why == WEIR_REFUSED_DEADLINE ? "pool_deadline"
                                          : "pool_other";
}

static int refuse(weir_job *job, int err, enum weir_pool_refusal why, int64_t expected_ns,
                  const weir_offload_options *o)
{
    note_refusal(job, expected_ns,
                 why == WEIR_REFUSED_FULL ? "the pool's queue is full" : "the pool's queue is too long",
                 reason_of(why));
    if (o->report != NULL)
        o->report->expected.ns = expected_ns;
    return count_refusal(job, err, why);
}

/* Has the loop wait awake for a job that will, like those before it, be over in a moment on another core. */
static void spin_for(weir_job *job)
{
    struct weir__loop *loop = job->task->loop;
    int64_t service_ns;

    if (job->pool->sim != NULL || atomic_load(&job->state) != WEIR__JOB_TAKEN ||
        atomic_load_explicit(&job->worker_cpu, memory_order_relaxed) == job->caller_cpu)
        return;
    service_ns = atomic_load_explicit(&job->pool->shares[job->share].service_ns, memory_order_relaxed);
    if (service_ns > 0 && service_ns < WEIR__SPIN_NS)
        loop->spin_until_ns = job->queued_ns + 2 * WEIR__SPIN_NS;
}

static int hand_over(weir_job *job, const weir_offload_options *o)
{
    struct weir__task *self = job->task;
    enum weir_pool_refusal why;
    int64_t expected_ns;
    int err;

    if (weir__pool_is_closing(job->pool))
        return count_refusal(job, -WEIR_ECLOSED, WEIR_REFUSED_OTHER);
    err = weir__pool_admit(job->pool, job, o->when_full, &expected_ns, &why);
    if (err < 0)
        return refuse(job, err, why, expected_ns, o);
    job->ticket = atomic_fetch_add_explicit(&job->pool->taken, 1, memory_order_relaxed);
    weir__pool_post(job->pool, &job->submit);
    /* With an idle worker it is taken already, and a timer would cost as much as all the rest. */
    if (job->begin_by_ns < job->deadline_ns && atomic_load(&job->state) == WEIR__JOB_QUEUED)
        weir__timeout_set(self->loop, &job->queue_timeout, job->begin_by_ns);
    spin_for(job);
    (void)weir__park(&a_job, cancelled, job);
    if (job->fate == WEIR_JOB_DROPPED)
        note_refusal(job, weir__pool_expected_ns(job->pool, job->share, weir__pool_now_ns(job->pool)),
                     "no worker of the pool was free in time", "pool_late");
    return job->result;
}

static int offload_from_task(weir_job *job, const weir_offload_options *o)
{
    struct weir__task *self = weir__task_current();
    int err = weir__wait_begin_of(self);

    job->task = self;
    job->fate = WEIR_JOB_REFUSED;
    if (err < 0)
        return err;
    fill_in(job, o);
    job->deadline_ns = self->scope->deadline_ns;
    set_times(job, o);
    return hand_over(job, o);
}

/* Blocks the worker's thread. A job never stands in a queue for it, so what it waits for runs. */
static int offload_from_job(weir_job *job, const weir_offload_options *o)
{
    int away = 0;

    job->outer = weir__worker_here->running;
    fill_in(job, o);
    job->deadline_ns = job->begin_by_ns = job->outer->deadline_ns;
    weir__pool_admit_always(job->pool, job->share);
    job->ticket = atomic_fetch_add_explicit(&job->pool->taken, 1, memory_order_relaxed);
    weir__pool_post(job->pool, &job->submit);
    if (atomic_compare_exchange_strong(&job->is_home, &away, 2))
        while (atomic_load(&job->is_home) == 2)
            weir__futex_wait(&job->is_home, 2, NULL);
    return job->result;
}

/* Without a pool: runs the job at once, on the caller's thread. */
static int run_in_place(weir_job *job, const weir_offload_options *o)
{
    int result;

    job->progress = o->progress;
    job->deadline_ns = INT64_MAX;
    job->outer = weir__worker_here != NULL ? weir__worker_here->running : NULL;
    if (job->outer != NULL) {
        job->deadline_ns = job->outer->deadline_ns;
        job->cpu_max_ns = job->outer->cpu_max_ns;
    } else if (weir_in_task())
        job->deadline_ns = weir_deadline().ns;
    job->workers_max = 1;
    job->grain = o->grain > 0 ? o->grain : 1;
    job->queued_ns = weir_now().ns;
    atomic_store(&job->started_ns, job->queued_ns);
    while (weir__job_step(job, &result))
        ;
    job->ran_ns = weir_now().ns - job->queued_ns;
    job->fate = WEIR_JOB_RAN;
    return weir__job_result(job, result);
}

static void report(const weir_job *job, weir_job_report *r)
{
    int64_t started_ns = atomic_load(&job->started_ns);

    r->fate = job->fate;
    if (job->fate == WEIR_JOB_DROPPED || job->fate == WEIR_JOB_CANCELLED)
        r->queued.ns = weir__pool_now_ns(job->pool) - job->queued_ns;
    if (job->fate != WEIR_JOB_RAN)
        return;
    r->queued.ns = started_ns - job->queued_ns;
    r->ran.ns = job->ran_ns;
    r->done = atomic_load(&job->done);
}

int weir__offload(weir_job *job, const weir_offload_options *options)
{
    static const weir_offload_options none = {0};
    const weir_offload_options *o = options != NULL ? options : &none;
    struct weir_pool *pool = job->pool;
    int result;

    if (o->report != NULL)
        *o->report = (weir_job_report){0};
    if (pool == NULL) {
        result = run_in_place(job, o);
        if (o->report != NULL)
            report(job, o->report);
        return result;
    }
    if (pool->runtime != weir__pool_runtime_here(job->each != NULL ? "weir_offload_each" : "weir_offload"))
        weir__misuse(job->each != NULL ? "weir_offload_each" : "weir_offload",
                     "to a pool that is closed, or of another runtime",
                     "close a pool when the last task that offloads to it has ended");
    if (o->share < 0 || (size_t)o->share >= pool->share_count || (int)o->when_full < WEIR_REFUSE ||
        o->when_full > WEIR_WAIT_UNTIL || !weir__reserved_is_zero(o->reserved, sizeof o->reserved))
        return -EINVAL;
    atomic_fetch_add(&pool->calls, 1);
    result = weir__worker_here != NULL ? offload_from_job(job, o) : offload_from_task(job, o);
    if (o->report != NULL)
        report(job, o->report);
    weir__pool_one_less(pool, &pool->calls);
    return result;
}

/* --- the public ways in --- */

int weir_offload_with(weir_pool *pool, const char *name, int (*fn)(weir_job *job, void *arg), void *arg,
                      const weir_offload_options *options)
{
    weir_job job = {.pool = pool, .name = name, .fn = fn, .arg = arg};

    return weir__offload(&job, options);
}

int weir_offload(weir_pool *pool, const char *name, int (*fn)(weir_job *job, void *arg), void *arg)
{
    return weir_offload_with(pool, name, fn, arg, NULL);
}

int weir_offload_each_with(weir_pool *pool, const char *name,
                           int (*fn)(weir_job *job, size_t begin, size_t end, void *arg), size_t count,
                           void *arg, const weir_offload_options *options)
{
    weir_job job = {.pool = pool, .name = name, .each = fn, .arg = arg, .count = count};

    if (count > SIZE_MAX / 2)
        return -EINVAL;
    if (count > 0)
        return weir__offload(&job, options);
    if (options != NULL && options->report != NULL)
        *options->report = (weir_job_report){.fate = WEIR_JOB_RAN};
    return 0;
}

int weir_offload_each(weir_pool *pool, const char *name,
                      int (*fn)(weir_job *job, size_t begin, size_t end, void *arg), size_t count, void *arg)
{
    return weir_offload_each_with(pool, name, fn, count, arg, NULL);
}
