/* SPDX-License-Identifier: MIT */
#include "metrics/joined.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "metrics/collector_parts.h"
#include "metrics/joined_parts.h"

/* What the configuration in force says: no loop counts into these. */
struct labels {
    struct request_counts *routes;
    struct gather_counts *gathers;
    struct snapshot_call *calls;
    size_t call_count;
};

struct joined {
    struct sums *sums;
    struct window_clock clock;
    struct labels labels;
    struct snapshot now;
};

/* --- opening and closing --- */

static void close_labels(struct labels *labels)
{
    struct snapshot calls = {.calls = labels->calls, .call_count = labels->call_count};

    close_calls(&calls);
    request_counts_free(labels->routes);
    gather_counts_free(labels->gathers);
    *labels = (struct labels){0};
}

static int open_labels(const struct config *config, struct labels *labels)
{
    struct snapshot calls = {.config = config};
    int err = request_counts_open(config, &labels->routes);

    if (err == 0)
        err = gather_counts_open(config, &labels->gathers);
    if (err == 0)
        err = open_calls(&calls);
    labels->calls = calls.calls;
    labels->call_count = calls.call_count;
    if (err < 0)
        close_labels(labels);
    return err;
}

int joined_configure(struct joined *j, const struct config *config)
{
    struct labels labels = {0};
    int err = open_labels(config, &labels);

    if (err < 0)
        return err;
    close_labels(&j->labels);
    j->labels = labels;
    j->now.config = config;
    j->now.calls = labels.calls;
    j->now.call_count = labels.call_count;
    return 0;
}

static int open_parts(struct joined *j, const struct config *config)
{
    struct snapshot *s = &j->now;
    int err = sums_open(&j->sums);

    if (err == 0)
        err = joined_configure(j, config);
    if (err == 0)
        err = series_open_plain(&s->unserved, WEIR_UNSERVED_WAYS);
    if (err == 0)
        err = open_host(s);
    if (err == 0)
        err = open_stalls(s);
    return err < 0 ? err : open_guard_calls(s);
}

int joined_open(const struct config *config, struct joined **out)
{
    struct joined *j = calloc(1, sizeof *j);
    int err;

    if (j == NULL)
        return -ENOMEM;
    j->now.supervised = true;
    j->now.started = weir_now();
    window_clock_init(&j->clock, j->now.started);
    j->now.clock = &j->clock;
    err = open_parts(j, config);
    if (err < 0)
        joined_close(j);
    else
        *out = j;
    return err;
}

void joined_close(struct joined *j)
{
    if (j == NULL)
        return;
    joined_free(&j->now);
    sums_close(j->sums);
    close_labels(&j->labels);
    series_close(&j->now.unserved);
    series_close(&j->now.host.series);
    free(j->now.clients);
    free(j->now.stall_totals);
    free(j->now.guard_calls);
    free(j);
}

struct sums *joined_sums(struct joined *j)
{
    return j->sums;
}

void joined_set_processes(struct joined *j, const struct joined_processes *processes)
{
    struct snapshot *s = &j->now;

    s->processes_ready = processes->ready;
    s->processes_starting = processes->starting;
    s->processes_draining = processes->draining;
    s->processes_silent = processes->silent;
    s->restarts = processes->restarts;
    s->ready = processes->ready > 0;
    s->draining = processes->draining > 0 && processes->ready + processes->starting == 0;
}

/* --- filling --- */

static void each_own_series(struct joined *j, void (*fn)(struct series *s, const struct joined *j))
{
    fn(&j->now.unserved, j);
    fn(&j->now.host.series, j);
}

static void begin_second_of(struct series *s, const struct joined *j)
{
    sliding_window_next_second(s->window, &j->clock);
}

static void work_out(struct series *s, const struct joined *j)
{
    series_work_out(s, &j->clock, j->now.at);
}

static void add_up(struct joined *j, void (*pause)(void))
{
    joined_want_routes(j->sums, j->labels.routes, j->labels.gathers);
    joined_want_backends(j->sums, j->now.config);
    joined_want_apps(j->sums, j->now.config);
    sums_add_up(j->sums, weir_now(), pause);
    joined_gateway(&j->now, j->sums);
    joined_clients(&j->now, j->sums, &j->clock);
    j->now.at = weir_now();
    j->now.at_s = (int64_t)time(NULL);
    if (!window_clock_turn(&j->clock, j->now.at))
        return;
    sums_next_second(j->sums, &j->clock);
    each_own_series(j, begin_second_of);
    clear_client_second(&j->now, j->clock.present);
}

static void fill(struct joined *j, bool with_gone)
{
    struct snapshot *s = &j->now;

    joined_gathers(s, j->sums, with_gone);
    joined_routes(s, j->sums, j->labels.routes, with_gone);
    joined_origins(s, j->sums, with_gone);
    joined_backends(s, j->sums, with_gone);
    joined_apps(s, j->sums, with_gone);
    joined_tls(s, j->sums, with_gone);
    joined_loops(s, j->sums);
    joined_pools(s, j->sums, with_gone);
    joined_stalls(s, j->sums);
}

void joined_add_up(struct joined *j, void (*pause)(void))
{
    add_up(j, pause);
}

const struct snapshot *joined_totals(struct joined *j, void (*pause)(void))
{
    add_up(j, pause);
    sums_work_out(j->sums, TOTALS_LOOP, &j->clock, j->now.at, pause);
    fill(j, true);
    joined_outcomes(&j->now, j->sums, j->labels.routes);
    joined_guard_calls(&j->now, j->sums);
    return &j->now;
}

const struct snapshot *joined_windows(struct joined *j, void (*pause)(void))
{
    add_up(j, pause);
    sums_work_out(j->sums, TOTALS_PARTS, &j->clock, j->now.at, pause);
    each_own_series(j, work_out);
    fill(j, false);
    collect_client_windows(&j->now, &j->clock);
    collect_failing_first(&j->now);
    return &j->now;
}

const struct snapshot *joined_windows_and_outcomes(struct joined *j, void (*pause)(void))
{
    (void)joined_windows(j, pause);
    joined_outcomes(&j->now, j->sums, j->labels.routes);
    return &j->now;
}

void joined_add_stalls(struct joined *j, const char *route, const char *kind, uint64_t count, int64_t held_ns)
{
    const enum weir_stall_type type = joined_stall_type(kind);

    if ((int)type < WEIR_STALL_TYPES)
        add_stall_total(&j->now, route, type, count, (double)held_ns / 1e9);
}

void joined_set_app(struct joined *j, const char *app, size_t ready, uint64_t deaths)
{
    for (size_t i = 0; i < j->now.app_count; i++) {
        struct snapshot_app *to = &j->now.apps[i];
        if (strcmp(to->name, app) != 0)
            continue;
        to->supervised = true;
        to->ready = ready;
        to->deaths = deaths;
    }
}
