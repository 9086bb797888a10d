/* SPDX-License-Identifier: MIT */
#include "admin/advice_pools.h"

#include <math.h>

#include "admin/advice_piece.h"

static const double busy_share = 0.7; /* of a pool's workers */
static const double refused_share = 0.01;
static const double few_jobs = 0.2; /* a second: too few to advise on */

/* Returns: how many workers all jobs would keep busy, those that are refused included. */
static double offered(const struct advice_pool *pool)
{
    return (pool->rate + pool->refused_rate) * pool->run.mean_ms / 1000;
}

int advice_workers_needed(const struct advice_pool *pool)
{
    const double workers = ceil(offered(pool) / busy_share);

    return workers < 1 ? 1 : workers > 10000 ? 10000 : (int)workers;
}

static void advise_on_workers(struct text_out *out, bool *first, const struct advice_pool *p, int cpus)
{
    const int needed = advice_workers_needed(p);
    const double all = p->rate + p->refused_rate;
    const bool refuses = p->refused_rate > refused_share * all;
    const struct advice_number numbers[] = {{"rate", p->rate},
                                            {"refused_rate", p->refused_rate},
                                            {"run_ms", p->run.mean_ms},
                                            {"busy", offered(p)},
                                            {"workers", p->workers},
                                            {"workers_needed", needed},
                                            {NULL, 0}};

    if (needed <= p->workers && refuses)
        advice_add(
            out, first, numbers,
            "%s refuses %.3g of %.3g jobs a second, although its %d workers suffice on average: the jobs "
            "come in bursts; a longer queue or wait accepts them",
            p->pool, p->refused_rate, all, p->workers);
    else if (needed > p->workers && p->computes && needed > cpus)
        advice_add(
            out, first, numbers,
            "%s needs %d workers at this rate (%.3g jobs a second × %.3g ms), and there are %d CPUs: it "
            "refuses the excess, which is right; fewer or cheaper jobs, or another machine, would help",
            p->pool, needed, all, p->run.mean_ms, cpus);
    else if (needed > p->workers)
        advice_add(out, first, numbers,
                   "%s needs %d workers at this rate (%.3g jobs a second × %.3g ms) and has %d", p->pool,
                   needed, all, p->run.mean_ms, p->workers);
}

static void advise_on_enough(struct text_out *out, bool *first, const struct advice_pool *p)
{
    const struct advice_number numbers[] = {{"busy", offered(p)}, {"workers", p->workers}, {NULL, 0}};

    if (*first && p->rate >= few_jobs)
        advice_add(out, first, numbers, "%s has enough workers: %.3g of %d are busy on average", p->pool,
                   offered(p), p->workers);
}

void advice_write_pool(struct text_out *out, const struct advice_pool *p, const struct advice_input *in)
{
    bool first = true;

    text_out_add(out, "{\"pool\":");
    text_out_json(out, p->pool);
    text_out_printf(
        out,
        ",\"workers\":%d,\"rate\":%.6g,\"refused_rate\":%.6g,\"run_ms\":%.6g,\"run_p99_ms\":%.6g,\"queue_"
        "ms\":%.6g,\"queue_p99_ms\":%.6g,\"busy\":%.6g,\"in_pool\":%.6g,\"workers_needed\":%d,\"advice\":[",
        p->workers, p->rate, p->refused_rate, p->run.mean_ms, p->run.p99_ms, p->queue.mean_ms,
        p->queue.p99_ms, p->rate * p->run.mean_ms / 1000,
        p->rate * (p->run.mean_ms + p->queue.mean_ms) / 1000, advice_workers_needed(p));
    if (p->rate + p->refused_rate >= few_jobs)
        advise_on_workers(out, &first, p, in->cpus);
    advise_on_enough(out, &first, p);
    text_out_add(out, "]}");
}
