/* SPDX-License-Identifier: MIT */
#include "admin/page_metrics_parts.h"

static void present(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_app_in_flight", "gauge", "Requests that have a place in an application.");
    for (size_t i = 0; i < s->app_count; i++)
        exposition_count(e, LABELS({"app", s->apps[i].name}), (uint64_t)s->apps[i].in_flight);
    exposition_family(e, "weir_app_waiting", "gauge", "Requests that wait for a place.");
    for (size_t i = 0; i < s->app_count; i++)
        exposition_count(e, LABELS({"app", s->apps[i].name}), (uint64_t)s->apps[i].waiting);
}

static void times(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_app_service_seconds", "histogram",
                      "How long requests had a place; without tunnels and event streams.");
    for (size_t i = 0; i < s->app_count; i++)
        exposition_meter(e, LABELS({"app", s->apps[i].name}), s->apps[i].served.meter, NULL);
    exposition_family(e, "weir_app_wait_seconds", "histogram",
                      "How long requests that had to wait for a place, and got one, waited.");
    for (size_t i = 0; i < s->app_count; i++)
        exposition_meter(e, LABELS({"app", s->apps[i].name}), s->apps[i].waited.meter, NULL);
}

static void counts(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_app_failures_total", "counter",
                      "Requests that an application gave no whole answer to.");
    for (size_t i = 0; i < s->app_count; i++)
        exposition_count(e, LABELS({"app", s->apps[i].name}), s->apps[i].served.numbers[APP_NUMBER_FAILED]);
    exposition_family(e, "weir_app_refused_total", "counter", "Requests that got no place.");
    for (size_t i = 0; i < s->app_count; i++)
        for (int why = APP_ADMITTED + 1; why < APP_REFUSALS; why++)
            exposition_count(
                e, LABELS({"app", s->apps[i].name}, {"reason", app_refusal_name((enum app_refusal)why)}),
                s->apps[i].served.numbers[APP_NUMBER_REFUSED + why]);
}

static void processes(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_app_processes_ready", "gauge",
                      "Processes of an application that get requests.");
    for (size_t i = 0; i < s->app_count; i++)
        if (s->apps[i].supervised)
            exposition_count(e, LABELS({"app", s->apps[i].name}), s->apps[i].ready);
    exposition_family(e, "weir_app_process_deaths_total", "counter",
                      "Ends of an application's processes that were not planned.");
    for (size_t i = 0; i < s->app_count; i++)
        if (s->apps[i].supervised)
            exposition_count(e, LABELS({"app", s->apps[i].name}), s->apps[i].deaths);
}

void page_metrics_apps(struct exposition *e, const struct snapshot *s)
{
    present(e, s);
    processes(e, s);
    times(e, s);
    counts(e, s);
}
