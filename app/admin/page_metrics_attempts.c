/* SPDX-License-Identifier: MIT */
/* First and second attempts, of backends and of applications: these are labelled backend="app NAME". */
#include "admin/page_metrics_parts.h"

static void each_attempts(struct exposition *e, const struct snapshot *s,
                          void (*fn)(struct exposition *e, const char *name,
                                     const struct snapshot_attempts *a))
{
    char name[SNAPSHOT_APP_LABEL_BYTES];

    for (size_t i = 0; i < s->backend_count; i++)
        if (snapshot_attempts_counted(&s->backends[i].attempts))
            fn(e, s->backends[i].options->name, &s->backends[i].attempts);
    for (size_t i = 0; i < s->app_count; i++)
        if (snapshot_attempts_counted(&s->apps[i].attempts))
            fn(e, snapshot_app_label(s->apps[i].name, name), &s->apps[i].attempts);
}

static void ended(struct exposition *e, const char *name, const struct snapshot_attempts *a)
{
    for (enum weir_attempt_kind kind = 0; kind < WEIR_ATTEMPT_KINDS; kind++)
        for (enum weir_attempt_outcome outcome = 0; outcome < WEIR_ATTEMPT_OUTCOMES; outcome++)
            exposition_count(e,
                             LABELS({"backend", name}, {"kind", weir_attempt_kind_name(kind)},
                                    {"outcome", weir_attempt_outcome_name(outcome)}),
                             snapshot_attempts_ended(a->ended.numbers, kind, outcome));
}

static void denied(struct exposition *e, const char *name, const struct snapshot_attempts *a)
{
    for (enum weir_attempt_denial why = 0; why < WEIR_ATTEMPT_DENIALS; why++)
        exposition_count(e, LABELS({"backend", name}, {"why", weir_attempt_denial_name(why)}),
                         a->ended.numbers[ATTEMPTS_DENIED + (int)why]);
}

static void hedge_after(struct exposition *e, const char *name, const struct snapshot_attempts *a)
{
    if (a->hedge_after.ns > 0)
        exposition_value(e, LABELS({"backend", name}), (double)a->hedge_after.ns / 1e9);
}

static void saved(struct exposition *e, const char *name, const struct snapshot_attempts *a)
{
    exposition_value(e, LABELS({"backend", name}), (double)a->ended.numbers[ATTEMPTS_SAVED_NS] / 1e9);
}

void page_metrics_attempts(struct exposition *e, const struct snapshot *s)
{
    exposition_family(
        e, "weir_attempts_total", "counter",
        "Attempts of requests to a backend that have ended: first ones, retries, and hedges of slow ones.");
    each_attempts(e, s, ended);
    exposition_family(e, "weir_attempts_denied_total", "counter",
                      "Second attempts that were wanted, and not made.");
    each_attempts(e, s, denied);
    exposition_family(
        e, "weir_hedge_after_seconds", "gauge",
        "How long a first attempt takes until it is hedged; no sample while that is not known.");
    each_attempts(e, s, hedge_after);
    exposition_family(
        e, "weir_hedge_saved_seconds", "gauge",
        "A sum that only grows: how much longer requests would have taken that a hedge answered.");
    each_attempts(e, s, saved);
}
