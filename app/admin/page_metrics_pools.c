/* SPDX-License-Identifier: MIT */
#include "admin/page_metrics_parts.h"

#include <stddef.h>

/* One family of an int of weir_pool_stats, which lies at this offset. */
static void gauge(struct exposition *e, const struct snapshot *s, size_t at)
{
    for (size_t i = 0; i < s->pool_count; i++) {
        const weir_pool_stats *stats = &s->pools[i].stats;
        exposition_count(e, LABELS({"pool", stats->name}),
                         (uint64_t) * (const int *)((const char *)stats + at));
    }
}

static void gauges(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_pool_workers", "gauge", "Threads that a pool may have.");
    gauge(e, s, offsetof(weir_pool_stats, workers_max));
    exposition_family(e, "weir_pool_busy", "gauge", "Jobs that run.");
    gauge(e, s, offsetof(weir_pool_stats, running));
    exposition_family(e, "weir_pool_queued", "gauge", "Jobs that wait to be run.");
    gauge(e, s, offsetof(weir_pool_stats, queued));
    exposition_family(e, "weir_pool_queue_max", "gauge", "Jobs that may wait.");
    gauge(e, s, offsetof(weir_pool_stats, queue_max));
}

static void times(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_pool_queue_seconds", "histogram", "How long jobs that ran had waited.");
    for (size_t i = 0; i < s->pool_count; i++)
        exposition_meter(e, LABELS({"pool", s->pools[i].stats.name}), s->pools[i].queue.meter, NULL);
    exposition_family(e, "weir_pool_run_seconds", "histogram", "How long jobs ran.");
    for (size_t i = 0; i < s->pool_count; i++)
        exposition_meter(e, LABELS({"pool", s->pools[i].stats.name}), s->pools[i].run.meter, NULL);
}

static void jobs(struct exposition *e, const struct snapshot *s)
{
    exposition_family(
        e, "weir_pool_jobs_total", "counter",
        "Jobs that a pool accepted: ran, dropped after waiting too long, or cancelled by their callers.");
    for (size_t i = 0; i < s->pool_count; i++) {
        const weir_pool_stats *stats = &s->pools[i].stats;
        exposition_count(e, LABELS({"pool", stats->name}, {"outcome", "ran"}), stats->ran);
        exposition_count(e, LABELS({"pool", stats->name}, {"outcome", "dropped"}), stats->dropped);
        exposition_count(e, LABELS({"pool", stats->name}, {"outcome", "cancelled"}), stats->cancelled);
    }
    exposition_family(e, "weir_pool_refused_total", "counter", "Jobs that a pool refused.");
    for (size_t i = 0; i < s->pool_count; i++)
        for (int refusal = 0; refusal < WEIR_REFUSALS; refusal++)
            exposition_count(e,
                             LABELS({"pool", s->pools[i].stats.name},
                                    {"reason", snapshot_pool_refusal_name((enum weir_pool_refusal)refusal)}),
                             s->pools[i].stats.refused[refusal]);
}

void page_metrics_pools(struct exposition *e, const struct snapshot *s)
{
    gauges(e, s);
    times(e, s);
    jobs(e, s);
}
