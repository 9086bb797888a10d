/* SPDX-License-Identifier: MIT */
#include "metrics/collector.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <weir/log.h>
#include <weir/log_file.h>
#include <weir/task.h>

#include "metrics/collector_parts.h"
#include "metrics/request_totals.h"

struct collector {
    struct gateway_status *status;
    struct window_clock clock;
    size_t learned; /* routes whose limits are set, in turns */
    struct snapshot now;
};

/* --- all series --- */

static void each_of_backend(struct snapshot_backend *b, struct collector *c,
                            void (*fn)(struct series *s, struct collector *c))
{
    fn(&b->requests, c);
    fn(&b->attempts.ended, c);
    for (size_t i = 0; i < b->instance_count; i++)
        fn(&b->instances[i].requests, c);
}

static void each_series(struct collector *c, void (*fn)(struct series *s, struct collector *c))
{
    struct snapshot *s = &c->now;

    for (size_t i = 0; i < s->route_count; i++) {
        fn(&s->routes[i].requests, c);
        fn(&s->routes[i].breakdown, c);
    }
    for (size_t i = 0; i < s->gather_count; i++)
        fn(&s->gathers[i].partial, c);
    fn(&s->unserved, c);
    fn(&s->host.series, c);
    for (size_t i = 0; i < s->loop_count; i++)
        fn(&s->loops[i].lag, c);
    for (size_t i = 0; i < s->origin_count; i++)
        fn(&s->origins[i]->requests, c);
    for (size_t i = 0; i < s->backend_count; i++)
        each_of_backend(&s->backends[i], c, fn);
    for (size_t i = 0; i < s->app_count; i++) {
        fn(&s->apps[i].served, c);
        fn(&s->apps[i].waited, c);
        if (snapshot_attempts_counted(&s->apps[i].attempts))
            fn(&s->apps[i].attempts.ended, c);
    }
    for (size_t i = 0; i < s->tls_count; i++)
        fn(&s->tls[i].handshakes, c);
    for (size_t i = 0; i < s->pool_count; i++) {
        fn(&s->pools[i].run, c);
        fn(&s->pools[i].queue, c);
    }
}

static void close_one(struct series *s, struct collector *c)
{
    (void)c;
    series_close(s);
}

static void begin_second_of(struct series *s, struct collector *c)
{
    sliding_window_next_second(s->window, &c->clock);
}

static void work_out(struct series *s, struct collector *c)
{
    series_work_out(s, &c->clock, c->now.at);
}

/* --- opening and closing --- */

static int open_parts(struct snapshot *s, const struct gateway_status *status)
{
    int err = series_open_plain(&s->unserved, WEIR_UNSERVED_WAYS);

    if (err == 0)
        err = open_gathers(s, status->gathers);
    if (err == 0)
        err = open_routes(s, status->requests);
    if (err == 0)
        err = open_calls(s);
    if (err == 0)
        err = open_backends(s);
    if (err == 0)
        err = open_apps(s, status->apps);
    if (err == 0)
        err = open_host(s);
    if (err == 0)
        err = open_stalls(s);
    return err < 0 ? err : open_guard_calls(s);
}

int collector_open(struct gateway_status *status, struct collector **out)
{
    struct collector *c = calloc(1, sizeof *c);
    int err;

    if (c == NULL)
        return -ENOMEM;
    c->status = status;
    c->now.config = request_counts_config(status->requests);
    c->now.started = weir_now();
    window_clock_init(&c->clock, c->now.started);
    c->now.clock = &c->clock;
    err = open_parts(&c->now, status);
    if (err < 0) {
        collector_close(c);
        return err;
    }
    *out = c;
    return 0;
}

void collector_close(struct collector *c)
{
    if (c == NULL)
        return;
    each_series(c, close_one);
    close_calls(&c->now);
    close_origins(&c->now);
    close_backends(&c->now);
    close_tls(&c->now);
    free(c->now.routes);
    free(c->now.gathers);
    free(c->now.gather_calls);
    free(c->now.clients);
    free(c->now.loops);
    free(c->now.pools);
    free(c->now.apps);
    free(c->now.stall_totals);
    free(c->now.guard_calls);
    free(c);
}

/* --- collecting --- */

static void collect_runtime(struct collector *c, weir_runtime *runtime)
{
    struct snapshot *s = &c->now;

    if (c->status->server != NULL) {
        weir_server_stats_get(c->status->server, &s->server);
        collect_clients(s, &c->clock, c->status->server);
    }
    series_update(&s->unserved, NULL, s->server.unserved);
    collect_loops(s, runtime);
    collect_origins(s, runtime, c->status->apps != NULL ? c->status->apps->folder : NULL);
    collect_backends(s, runtime);
    collect_app_attempts(s, runtime);
    collect_pools(s, runtime);
    collect_tls(s, c->status);
}

static void begin_second(struct collector *c)
{
    each_series(c, begin_second_of);
    clear_client_second(&c->now, c->clock.present);
    request_counts_next_second(c->status->requests);
    if (c->now.config->outliers.keep > 0)
        learn_outliers(&c->now, &c->clock, c->status->requests, &c->learned);
}

/* The totals that have windows. with: reads more while the runtime runs; or NULL. */
static void collect(struct collector *c, void (*with)(struct snapshot *s, weir_runtime *runtime))
{
    struct snapshot *s = &c->now;
    weir_runtime *runtime;

    s->ready = atomic_load(&c->status->ready);
    s->draining = atomic_load(&c->status->draining);
    collect_routes(s, c->status->requests);
    collect_gathers(s, c->status->gathers);
    collect_host(s);
    collect_apps(s, c->status->apps);
    runtime = gateway_status_hold(c->status);
    s->runs = runtime != NULL;
    if (runtime != NULL) {
        collect_runtime(c, runtime);
        if (with != NULL) {
            with(s, runtime);
            collect_certificates(s, c->status);
        }
        gateway_status_release(c->status);
    }
    s->at = weir_now();
    s->at_s = (int64_t)time(NULL);
    if (window_clock_turn(&c->clock, s->at))
        begin_second(c);
}

/* What has no windows. */
static const struct snapshot *collect_rest(struct collector *c)
{
    struct snapshot *s = &c->now;

    collect_outcomes(s, c->status->requests);
    collect_gather_calls(s, c->status->gathers);
    collect_guard_calls(s);
    s->log_dropped = weir_log_dropped();
    if (c->status->access_log != NULL)
        s->access_log_dropped = weir_log_file_dropped(c->status->access_log);
    s->outliers_unwritten = atomic_load_explicit(&c->status->outliers_unwritten, memory_order_relaxed);
    process_stats_read(&s->process);
    for (size_t i = 0; i < s->loop_count; i++)
        work_out(&s->loops[i].lag, c);
    return s;
}

const struct snapshot *collector_totals(struct collector *c)
{
    collect(c, collect_stall_totals);
    return collect_rest(c);
}

static void collect_stalls(struct snapshot *s, weir_runtime *runtime)
{
    collect_stall_totals(s, runtime);
    collect_worst_stall(s, runtime);
}

const struct snapshot *collector_all_totals(struct collector *c)
{
    c->now.worst_stall.found = false;
    collect(c, collect_stalls);
    return collect_rest(c);
}

const struct snapshot *collector_windows(struct collector *c)
{
    struct snapshot *s = &c->now;

    s->worst_stall.found = false;
    collect(c, collect_worst_stall);
    each_series(c, work_out);
    collect_client_windows(s, &c->clock);
    collect_failing_first(s);
    return s;
}

const struct snapshot *collector_windows_and_outcomes(struct collector *c)
{
    (void)collector_windows(c);
    collect_outcomes(&c->now, c->status->requests);
    return &c->now;
}

int collector_run(void *arg)
{
    int err = 0;

    while (err == 0) {
        collect(arg, NULL);
        err = weir_sleep(weir_seconds(1));
    }
    return err;
}
