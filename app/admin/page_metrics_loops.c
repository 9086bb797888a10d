/* SPDX-License-Identifier: MIT */
#include "admin/page_metrics_parts.h"

#include <stdio.h>

/* --- loops --- */

struct loop_label {
    char text[24];
};

static struct loop_label label_of(int number)
{
    struct loop_label label;

    snprintf(label.text, sizeof label.text, "%d", number);
    return label;
}

/* With the process only where there are several. */
#define LOOP_LABELS(loop)                                                                                    \
    LABELS({"loop", label_of((loop)->number).text},                                                          \
           {(loop)->process > 0 ? "process" : NULL, label_of((loop)->process).text})

static void load(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_loop_busy_ratio", "gauge",
                      "Part of the last ten seconds in which a loop was not idle.");
    for (size_t i = 0; i < s->loop_count; i++) {
        const double busy = snapshot_loop_busy(&s->loops[i].lag.last[LAST_10S]);
        if (busy >= 0)
            exposition_value(e, LOOP_LABELS(&s->loops[i]), busy);
    }
    exposition_family(e, "weir_loop_busy_seconds_total", "counter", "Time in which a loop was not idle.");
    for (size_t i = 0; i < s->loop_count; i++)
        exposition_value(e, LOOP_LABELS(&s->loops[i]), (double)s->loops[i].busy_ns / 1e9);
    exposition_family(e, "weir_loop_off_cpu_seconds_total", "counter",
                      "The part of that time in which the loop's thread had no CPU.");
    for (size_t i = 0; i < s->loop_count; i++)
        exposition_value(e, LOOP_LABELS(&s->loops[i]), (double)s->loops[i].off_cpu_ns / 1e9);
}

void page_metrics_loops(struct exposition *e, const struct snapshot *s)
{
    load(e, s);
    exposition_family(
        e, "weir_loop_lag_seconds", "histogram",
        "Time from when something becomes ready until its loop looks for it, sampled each millisecond.");
    for (size_t i = 0; i < s->loop_count; i++)
        exposition_meter(e, LOOP_LABELS(&s->loops[i]), s->loops[i].lag.meter, NULL);
    exposition_family(e, "weir_loop_ready", "gauge", "Tasks that are ready to run.");
    for (size_t i = 0; i < s->loop_count; i++)
        exposition_count(e, LOOP_LABELS(&s->loops[i]), s->loops[i].ready);
    exposition_family(e, "weir_tasks", "gauge", "Tasks alive.");
    for (size_t i = 0; i < s->loop_count; i++)
        exposition_count(e, LOOP_LABELS(&s->loops[i]), s->loops[i].tasks);
    exposition_family(e, "weir_tasks_started_total", "counter", "Tasks that were started.");
    for (size_t i = 0; i < s->loop_count; i++)
        exposition_count(e, LOOP_LABELS(&s->loops[i]), s->loops[i].started);
}

/* --- what holds them --- */

void page_metrics_stalls(struct exposition *e, const struct snapshot *s)
{
    if (!s->runs)
        return;
    if (s->stalls_err < 0) {
        e->out->err = s->stalls_err;
        return;
    }
    exposition_family(e, "weir_stalls_total", "counter",
                      "Stalls: a loop was held for longer than stall.after.");
    for (size_t i = 0; i < s->stall_total_count; i++) {
        const struct snapshot_stall_total *total = &s->stall_totals[i];
        exposition_count(e, LABELS({"route", total->route}, {"kind", weir_stall_type_name(total->cause)}),
                         total->count);
    }
    exposition_family(e, "weir_stall_seconds_total", "counter",
                      "Total duration of the stalls that have ended.");
    for (size_t i = 0; i < s->stall_total_count; i++) {
        const struct snapshot_stall_total *total = &s->stall_totals[i];
        exposition_value(e, LABELS({"route", total->route}, {"kind", weir_stall_type_name(total->cause)}),
                         total->held_s);
    }
}

void page_metrics_guard(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_guard_calls_total", "counter",
                      "Calls to the C library by which a task held up its loop.");
    for (size_t i = 0; i < s->guard_call_count; i++)
        if (s->guard_calls[i].count > 0)
            exposition_count(e, LABELS({"function", s->guard_calls[i].function}), s->guard_calls[i].count);
}
