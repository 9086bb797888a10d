/* SPDX-License-Identifier: MIT */
/* Workers in virtual time: jobs run on the loop's own stack, one after the other, and each takes a time drawn
 * from the seed, or set by the job itself. Where a cancel meets a job, and in which order jobs end, depends
 * on the seed alone. */
#include "pool/pool_sim.h"

#include "pool/handover.h"
#include "pool/job.h"
#include "pool/pool.h"
#include "pool/published.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "io/sim/sim.h"

enum { WAKE_MAX_NS = 50000, SHORT_NS = 10000, DOUBLINGS = 11 };

/* From 10 us to 20 ms, each doubling as likely as the next. */
static int64_t draw_ns(struct weir__loop *loop)
{
    struct weir__random *random = weir__sim_random(loop->io);
    int64_t base_ns = (int64_t)SHORT_NS << weir__random_below(random, DOUBLINGS);

    return base_ns + (int64_t)weir__random_below(random, (uint64_t)base_ns);
}

/* Runs one step of the worker's job. *takes_ns: how long that is taken to last. */
static bool step(struct weir__worker *worker, weir_job *job, int64_t *takes_ns)
{
    struct weir__worker *outer = weir__worker_here;
    struct weir_job *outer_job = atomic_exchange(&weir__thread_here->job, job);
    bool more;

    job->takes_ns = -1;
    weir__worker_here = worker;
    more = weir__job_step(job, &worker->result);
    weir__published_job_over(worker);
    weir__worker_here = outer;
    atomic_store(&weir__thread_here->job, outer_job);
    *takes_ns = job->takes_ns >= 0 ? job->takes_ns : draw_ns(worker->pool->sim);
    return more;
}

static void go_on(void *arg)
{
    struct weir__worker *worker = arg;
    struct weir__loop *loop = worker->pool->sim;
    weir_job *job = worker->running;
    int64_t now_ns = weir__io_now_ns(loop->io), takes_ns;

    if (worker->over) {
        weir__pool_finish(worker, job, worker->result, now_ns - worker->began_ns);
        return;
    }
    worker->over = !step(worker, job, &takes_ns);
    weir__sim_at(loop->io, now_ns + takes_ns, go_on, worker);
}

static void start(void *arg)
{
    struct weir__worker *worker = arg;
    long long not_yet = 0;

    worker->began_ns = weir__io_now_ns(worker->pool->sim->io);
    (void)atomic_compare_exchange_strong(&worker->running->started_ns, &not_yet, worker->began_ns);
    go_on(worker);
}

/* The caller is a job that runs at this instant: it can't wait in virtual time, so the time of its job is
 * added to its own. */
static void run_nested(struct weir__worker *worker, weir_job *job)
{
    int64_t takes_ns, all_ns = 0;
    bool more;

    atomic_store(&job->started_ns, weir__io_now_ns(worker->pool->sim->io));
    do {
        more = step(worker, job, &takes_ns);
        all_ns += takes_ns;
    } while (more);
    job->outer->takes_ns = (job->outer->takes_ns >= 0 ? job->outer->takes_ns : 0) + all_ns;
    weir__pool_finish(worker, job, worker->result, all_ns);
}

void weir__sim_worker_begin(struct weir__worker *worker)
{
    struct weir__loop *loop = worker->pool->sim;
    weir_job *job = atomic_exchange(&worker->job, NULL);
    struct weir__random *random = weir__sim_random(loop->io);

    if (job == NULL)
        return;
    worker->over = false;
    if (job->outer != NULL)
        run_nested(worker, job);
    else
        weir__sim_at(loop->io, weir__io_now_ns(loop->io) + (int64_t)weir__random_below(random, WAKE_MAX_NS),
                     start, worker);
}
