/* SPDX-License-Identifier: MIT */
#include "admin/page_metrics_parts.h"

/* An instance is labelled by its address: Prometheus itself gives every sample the label "instance". */

/* --- backends --- */

static uint64_t requests(const struct snapshot_backend *b)
{
    return b->requests.numbers[BACKEND_REQUESTS];
}

static uint64_t in_use(const struct snapshot_backend *b)
{
    return (uint64_t)b->in_use;
}

static uint64_t limit(const struct snapshot_backend *b)
{
    return (uint64_t)b->limit;
}

static uint64_t waiting(const struct snapshot_backend *b)
{
    return (uint64_t)b->waiting;
}

static uint64_t waiting_max(const struct snapshot_backend *b)
{
    return (uint64_t)b->options->waiting_max;
}

static uint64_t connections(const struct snapshot_backend *b)
{
    return (uint64_t)b->connections;
}

static uint64_t connections_max(const struct snapshot_backend *b)
{
    return (uint64_t)b->options->connections_max;
}

static uint64_t is_open(const struct snapshot_backend *b)
{
    return b->open;
}

static uint64_t opened(const struct snapshot_backend *b)
{
    return b->requests.numbers[BACKEND_OPENED];
}

static uint64_t panics(const struct snapshot_backend *b)
{
    return b->panics;
}

static const struct {
    const char *name, *type, *help;
    uint64_t (*value)(const struct snapshot_backend *b);
} of_backends[] = {
    {"weir_backend_requests_total", "counter", "Requests to a backend, those that were refused included.",
     requests},
    {"weir_backend_in_use", "gauge",
     "Requests to a backend in progress, those that wait for a connection included.", in_use},
    {"weir_backend_limit", "gauge", "How many may be in progress now; 0: any number.", limit},
    {"weir_backend_waiting", "gauge", "Requests that wait for a connection.", waiting},
    {"weir_backend_waiting_max", "gauge", "How many may wait.", waiting_max},
    {"weir_backend_connections", "gauge", "Connections to all instances of a backend, idle ones included.",
     connections},
    {"weir_backend_connections_max", "gauge", "How many there may be.", connections_max},
    {"weir_backend_open", "gauge", "Whether the circuit breaker of a backend is open.", is_open},
    {"weir_backend_opened_total", "counter", "How often the breaker has opened.", opened},
    {"weir_backend_panics", "gauge",
     "Whether every instance is down or ejected, so that requests are sent to all of them.", panics},
};

static void refusals(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_backend_refused_total", "counter",
                      "Requests to a backend that were sent to no instance.");
    for (size_t i = 0; i < s->backend_count; i++)
        for (int refusal = 0; refusal < WEIR_BACKEND_REFUSALS; refusal++)
            exposition_count(
                e,
                LABELS({"backend", s->backends[i].options->name},
                       {"reason", weir_backend_refusal_name((enum weir_backend_refusal)refusal)}),
                s->backends[i].requests.numbers[BACKEND_REFUSED + refusal]);
}

/* --- instances --- */

static uint64_t is_up(const struct snapshot_instance *i)
{
    return i->state == WEIR_INSTANCE_UP;
}

static uint64_t is_ejected(const struct snapshot_instance *i)
{
    return i->state == WEIR_INSTANCE_EJECTED;
}

static uint64_t in_use_there(const struct snapshot_instance *i)
{
    return (uint64_t)i->in_use;
}

static uint64_t requests_there(const struct snapshot_instance *i)
{
    return i->requests.numbers[INSTANCE_REQUESTS];
}

static uint64_t failures(const struct snapshot_instance *i)
{
    return i->requests.numbers[INSTANCE_FAILURES];
}

static uint64_t ejections(const struct snapshot_instance *i)
{
    return i->requests.numbers[INSTANCE_EJECTIONS];
}

static const struct {
    const char *name, *type, *help;
    uint64_t (*value)(const struct snapshot_instance *i);
    bool judged; /* no value for an instance that its name does not have any more */
} of_instances[] = {
    {"weir_backend_instance_up", "gauge", "Whether an instance is neither down nor ejected.", is_up, true},
    {"weir_backend_ejected", "gauge", "Whether an instance is ejected.", is_ejected, true},
    {"weir_backend_instance_in_use", "gauge", "Requests to an instance in progress.", in_use_there, false},
    {"weir_backend_instance_requests_total", "counter", "Requests to an instance.", requests_there, false},
    {"weir_backend_instance_failures_total", "counter",
     "Of these, those that failed: no connection, no valid answer, none in time, or a status of 500 or above "
     "except 501.",
     failures, false},
    {"weir_backend_instance_ejections_total", "counter", "How often an instance was ejected.", ejections,
     false},
};

static void samples_of_instances(struct exposition *e, const struct snapshot_backend *b, size_t family)
{
    for (size_t i = 0; i < b->instance_count; i++) {
        const struct snapshot_instance *instance = &b->instances[i];
        if (of_instances[family].judged && instance->state == WEIR_INSTANCE_GONE)
            continue;
        exposition_count(e, LABELS({"backend", b->options->name}, {"address", instance->address}),
                         of_instances[family].value(instance));
    }
}

void page_metrics_backends(struct exposition *e, const struct snapshot *s)
{
    for (size_t k = 0; k < sizeof of_backends / sizeof *of_backends; k++) {
        exposition_family(e, of_backends[k].name, of_backends[k].type, of_backends[k].help);
        for (size_t i = 0; i < s->backend_count; i++)
            exposition_count(e, LABELS({"backend", s->backends[i].options->name}),
                             of_backends[k].value(&s->backends[i]));
    }
    refusals(e, s);
    for (size_t k = 0; k < sizeof of_instances / sizeof *of_instances; k++) {
        exposition_family(e, of_instances[k].name, of_instances[k].type, of_instances[k].help);
        for (size_t i = 0; i < s->backend_count; i++)
            samples_of_instances(e, &s->backends[i], k);
    }
}
