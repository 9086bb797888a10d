/* SPDX-License-Identifier: MIT */
#include "admin/page_metrics_parts.h"

/* --- gathers --- */

static void gather_calls(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_gather_calls_total", "counter",
                      "Calls of gathers, by how they ended; status: answered with 500 or above.");
    for (size_t i = 0; i < s->gather_call_count; i++)
        for (int end = 0; end < GATHER_ENDS; end++)
            exposition_count(e,
                             LABELS({"route", s->gather_calls[i].route}, {"call", s->gather_calls[i].call},
                                    {"outcome", gather_end_label((enum gather_end)end)}),
                             s->gather_calls[i].ends[end]);
}

void page_metrics_gathers(struct exposition *e, const struct snapshot *s)
{
    gather_calls(e, s);
    exposition_family(e, "weir_gather_partial_total", "counter",
                      "Answers of gathers in which a call failed, those with 502 and 504 too.");
    for (size_t i = 0; i < s->gather_count; i++)
        exposition_count(e, LABELS({"route", s->gathers[i].route}), s->gathers[i].partial.numbers[0]);
}

/* --- origins --- */

static void errors(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_origin_errors_total", "counter",
                      "Requests to an origin that got no answer, or one of 500 and above.");
    for (size_t i = 0; i < s->origin_count; i++)
        for (int error = 0; error < WEIR_ORIGIN_ERRORS; error++)
            exposition_count(e,
                             LABELS({"origin", s->origins[i]->name},
                                    {"reason", weir_origin_error_name((enum weir_origin_error)error)}),
                             s->origins[i]->requests.numbers[ORIGIN_ERROR + error]);
}

static void numbers(struct exposition *e, const struct snapshot *s, enum snapshot_origin_number number)
{
    for (size_t i = 0; i < s->origin_count; i++)
        exposition_count(e, LABELS({"origin", s->origins[i]->name}), s->origins[i]->requests.numbers[number]);
}

static void connections(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_origin_connections", "gauge",
                      "Connections to an origin: in use (or being made), and idle.");
    for (size_t i = 0; i < s->origin_count; i++) {
        const struct snapshot_origin *origin = s->origins[i];
        exposition_count(e, LABELS({"origin", origin->name}, {"state", "in_use"}), (uint64_t)origin->in_use);
        exposition_count(e, LABELS({"origin", origin->name}, {"state", "idle"}), (uint64_t)origin->idle);
    }
    exposition_family(e, "weir_origin_waiting", "gauge", "Requests that wait for a connection to an origin.");
    for (size_t i = 0; i < s->origin_count; i++)
        exposition_count(e, LABELS({"origin", s->origins[i]->name}), (uint64_t)s->origins[i]->waiting);
}

static void health(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_origin_failing", "gauge", "1 while an origin fails, as the log reports.");
    for (size_t i = 0; i < s->origin_count; i++)
        exposition_count(e, LABELS({"origin", s->origins[i]->name}), s->origins[i]->failing);
}

void page_metrics_origins(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_origin_requests_total", "counter", "Requests to an origin.");
    numbers(e, s, ORIGIN_REQUESTS);
    errors(e, s);
    exposition_family(e, "weir_origin_reused_total", "counter", "Requests that used a kept connection.");
    numbers(e, s, ORIGIN_REUSED);
    exposition_family(e, "weir_origin_connected_total", "counter", "Connections made to an origin.");
    numbers(e, s, ORIGIN_CONNECTED);
    connections(e, s);
    health(e, s);
    exposition_family(
        e, "weir_origin_seconds", "histogram",
        "From the call, including the wait for a connection, to the end of the answer or the failure.");
    for (size_t i = 0; i < s->origin_count; i++)
        exposition_meter(e, LABELS({"origin", s->origins[i]->name}), s->origins[i]->requests.meter, NULL);
}
