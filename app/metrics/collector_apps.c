/* SPDX-License-Identifier: MIT */
#include "metrics/collector_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apps/gate.h"

int open_apps(struct snapshot *s, const struct app_gate *gate)
{
    int err = 0;

    if (gate == NULL)
        return 0;
    s->apps = calloc(gate->count, sizeof *s->apps);
    if (s->apps == NULL)
        return -ENOMEM;
    while (err == 0 && s->app_count < gate->count) {
        struct snapshot_app *app = &s->apps[s->app_count++]; /* half open ones are closed, too */
        app->name = gate->apps[s->app_count - 1].app->name;
        err = series_open(&app->served, APP_NUMBERS);
        if (err == 0)
            err = series_open(&app->waited, 0);
        if (err == 0 && config_app_has_attempts(gate->apps[s->app_count - 1].app))
            err = open_attempts(&app->attempts);
    }
    return err;
}

/* What this process has of the places, and of those that wait. */
static void take_present(struct snapshot_app *app, struct app_here *here)
{
    const int member = here->gate->member;

    app->in_flight = 0;
    for (int i = 0; i < APP_PROCESSES_MAX; i++)
        app->in_flight += weir_shared_count_of(&here->block->in_flight[i], member);
    app->waiting = weir_shared_count_of(&here->block->waiting, member);
}

static void collect_app(struct snapshot_app *app, struct app_here *here)
{
    weir_meter served = {0}, waited = {0};
    uint64_t numbers[APP_NUMBERS] = {0};

    take_present(app, here);
    for (int i = 0; i < here->gate->loops; i++) {
        struct app_counts *counts = &here->slots[i].counts;

        weir_meter_add(&served, &counts->served);
        weir_meter_add(&waited, &counts->waited);
        numbers[APP_NUMBER_FAILED] += atomic_load(&counts->failed);
        for (int k = 0; k < APP_REFUSALS; k++)
            numbers[APP_NUMBER_REFUSED + k] += atomic_load(&counts->refused[k]);
    }
    series_update(&app->served, &served, numbers);
    series_update(&app->waited, &waited, NULL);
}

void collect_apps(struct snapshot *s, struct app_gate *gate)
{
    for (size_t i = 0; i < s->app_count; i++)
        collect_app(&s->apps[i], &gate->apps[i]);
}

/* --- second attempts --- */

static void take(void *arg, const weir_attempts_stats *stats)
{
    struct snapshot *s = arg;
    char label[SNAPSHOT_APP_LABEL_BYTES];

    for (size_t i = 0; i < s->app_count; i++)
        if (snapshot_attempts_counted(&s->apps[i].attempts) &&
            strcmp(snapshot_app_label(s->apps[i].name, label), stats->name) == 0)
            take_attempts(&s->apps[i].attempts, stats);
}

void collect_app_attempts(struct snapshot *s, weir_runtime *runtime)
{
    weir_attempts_each(runtime, take, s);
}
