/* SPDX-License-Identifier: MIT */
#include "admin/advice_backends.h"

#include "admin/advice_hedging.h"
#include "admin/advice_piece.h"

/* In the last minute; what is less is no reason to change a configuration. */
static const uint64_t many_failures = 5, enough_requests = 20;
static const double half = 0.5;

static uint64_t requests_of(const struct snapshot_backend *b)
{
    return b->requests.last[LAST_60S].numbers[BACKEND_REQUESTS];
}

static const uint64_t *numbers_of(const struct snapshot_instance *i)
{
    return i->requests.last[LAST_60S].numbers;
}

/* The instance with most failures; NULL: there are no instances. */
static const struct snapshot_instance *worst_of(const struct snapshot_backend *b)
{
    const struct snapshot_instance *worst = NULL;

    for (size_t i = 0; i < b->instance_count; i++)
        if (worst == NULL ||
            numbers_of(&b->instances[i])[INSTANCE_FAILURES] > numbers_of(worst)[INSTANCE_FAILURES])
            worst = &b->instances[i];
    return worst;
}

static void advise_on_health(struct text_out *out, bool *first, const struct snapshot_backend *b)
{
    const struct snapshot_instance *worst = worst_of(b);
    const uint64_t *n = worst != NULL ? numbers_of(worst) : NULL;

    if (n == NULL || b->options->health.path != NULL || n[INSTANCE_FAILURES] < many_failures)
        return;
    advice_add(out, first,
               (const struct advice_number[]){{"requests", (double)n[INSTANCE_REQUESTS]},
                                              {"failures", (double)n[INSTANCE_FAILURES]},
                                              {"ejections", (double)n[INSTANCE_EJECTIONS]},
                                              {NULL, 0}},
               "%s has no health checks, and its instance %s failed %llu of %llu requests (ejected %llu "
               "times): with "
               "health: {path: …} checks find out that an instance fails, and that it works again, in place "
               "of requests",
               b->options->name, worst->address, (unsigned long long)n[INSTANCE_FAILURES],
               (unsigned long long)n[INSTANCE_REQUESTS], (unsigned long long)n[INSTANCE_EJECTIONS]);
}

static void advise_on_breaker(struct text_out *out, bool *first, const struct snapshot_backend *b)
{
    const uint64_t requests = requests_of(b), failures = snapshot_backend_failures(b, LAST_60S);
    const double share = requests > 0 ? (double)failures / (double)requests : 0;

    if (b->options->breaker.failed_percent > 0 || requests < enough_requests || share < half)
        return;
    advice_add(
        out, first,
        (const struct advice_number[]){
            {"requests", (double)requests}, {"failures", (double)failures}, {NULL, 0}},
        "%s fails %.3g %% of its requests, and each has waited for that: breaker: {failed: 50%%} refuses "
        "them at once until the backend answers again",
        b->options->name, 100 * share);
}

static void advise_on_connections(struct text_out *out, bool *first, const struct snapshot_backend *b)
{
    const int max = b->options->connections_max;
    const uint64_t busy = b->requests.last[LAST_60S].numbers[BACKEND_REFUSED + WEIR_BACKEND_BUSY];

    if (b->connections < max || (b->waiting == 0 && busy == 0))
        return;
    advice_add(
        out, first,
        (const struct advice_number[]){{"connections", b->connections},
                                       {"waiting", b->waiting},
                                       {"in_use", b->in_use},
                                       {"refused", (double)busy},
                                       {NULL, 0}},
        "%s has reached its maximum of %d connections, and %d requests wait for one: raise it (connections: "
        "{max: …}) if the instances can take more at once, or add an instance",
        b->options->name, max, b->waiting);
}

static void advise_that_all_is_well(struct text_out *out, bool *first, const struct snapshot_backend *b)
{
    const size_t up = snapshot_backend_up(b), instances = snapshot_backend_instances(b);

    if (!*first || requests_of(b) == 0 || up < instances)
        return;
    advice_add(out, first,
               (const struct advice_number[]){{"up", (double)up}, {"in_use", b->in_use}, {NULL, 0}},
               instances == 1 ? "%s answers from its only instance: right as it is"
                              : "%s answers from all of its %zu instances: right as it is",
               b->options->name, instances);
}

void advice_write_backend(struct text_out *out, const struct snapshot_backend *b)
{
    const struct series_window *w = &b->requests.last[LAST_60S];
    bool first = true;

    text_out_add(out, "{\"backend\":");
    text_out_json(out, b->options->name);
    text_out_printf(out,
                    ",\"requests\":%llu,\"rate\":%.6g,\"failures\":%llu,\"refused\":%llu,\"instances\":%zu,"
                    "\"up\":%zu,\"in_use\":%d,\"waiting\":%d,\"connections\":%d,\"advice\":[",
                    (unsigned long long)requests_of(b),
                    w->seconds > 0 ? (double)requests_of(b) / w->seconds : 0,
                    (unsigned long long)snapshot_backend_failures(b, LAST_60S),
                    (unsigned long long)snapshot_backend_refused(w->numbers), snapshot_backend_instances(b),
                    snapshot_backend_up(b), b->in_use, b->waiting, b->connections);
    advise_on_health(out, &first, b);
    advise_on_breaker(out, &first, b);
    advise_on_connections(out, &first, b);
    advise_on_denials(out, &first, b);
    advise_that_all_is_well(out, &first, b);
    tell_of_attempts(out, &first, b);
    text_out_add(out, "]}");
}
