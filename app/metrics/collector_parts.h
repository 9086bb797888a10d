/* SPDX-License-Identifier: MIT */
/* The parts of the collector: each reads one subject into the snapshot.
 *
 * Threading: the collector's loop. A function that takes a runtime is called while that runs; if there is no
 * memory for something new, it is left out until the next time.
 */
#ifndef APP_METRICS_COLLECTOR_PARTS_H
#define APP_METRICS_COLLECTOR_PARTS_H

#include <weir/error.h>
#include <weir/runtime.h>

#include "apps/gate.h"
#include "metrics/gather_counts.h"
#include "metrics/request_totals.h"
#include "metrics/snapshot.h"

/* --- totals that have windows, once a second and for each page --- */

void collect_routes(struct snapshot *s, const struct request_counts *counts);
void collect_gathers(struct snapshot *s, const struct gather_counts *counts); /* NULL: there are none */
void collect_host(struct snapshot *s);
void collect_clients(struct snapshot *s, const struct window_clock *clock, const weir_server *server);
void collect_loops(struct snapshot *s, weir_runtime *runtime);
void collect_origins(struct snapshot *s, weir_runtime *runtime,
                     const char *without); /* those at sockets in this folder; NULL: all */
void collect_backends(struct snapshot *s, weir_runtime *runtime);
void take_backend(struct snapshot *s, const weir_backend_stats *stats); /* one of them */
WEIR_CHECKED int open_attempts(struct snapshot_attempts *a);
void take_attempts(struct snapshot_attempts *a, const weir_attempts_stats *stats);
void collect_pools(struct snapshot *s, weir_runtime *runtime);
void collect_apps(struct snapshot *s, struct app_gate *gate); /* NULL: there are none */
void collect_app_attempts(struct snapshot *s, weir_runtime *runtime);
void collect_tls(struct snapshot *s, const struct gateway_status *status); /* while the gateway runs */
void take_tls(struct snapshot_tls *tls, const weir_tls_stats *stats);      /* of one context */

/* The parts of these, for what is read from elsewhere. */
void take_host(struct snapshot *s); /* of s->host.stats */
void begin_clients(struct snapshot *s);
void add_client(struct snapshot *s, const char *address, int half_sent, const uint64_t *ended);
void end_clients(struct snapshot *s, const struct window_clock *clock);
void route_numbers(const struct request_totals *total, uint64_t numbers[ROUTE_NUMBERS]);
void breakdown_numbers(const struct breakdown_total *total, uint64_t numbers[BREAKDOWN_NUMBERS]);
const struct series *partial_of_route(const struct snapshot *s, const char *route); /* NULL: no gather */

/* --- once a second --- */

/* Sets the learned limits of outliers (request_outliers.h) of the next few routes, from *at on: of all of
 * them within some seconds. */
void learn_outliers(const struct snapshot *s, const struct window_clock *clock, struct request_counts *counts,
                    size_t *at);

/* --- for each page, while the gateway runs; after collect_tls() --- */

void collect_certificates(struct snapshot *s, const struct gateway_status *status);

/* --- other totals, for /metrics --- */

void collect_outcomes(struct snapshot *s, const struct request_counts *counts);
void collect_gather_calls(struct snapshot *s, const struct gather_counts *counts);
void collect_stall_totals(struct snapshot *s, weir_runtime *runtime);
void collect_guard_calls(struct snapshot *s);
void add_stall_total(struct snapshot *s, const char *route, enum weir_stall_type cause, uint64_t count,
                     double held_s);
void expect_stall_totals(struct snapshot *s); /* every route has every type */

/* --- what windows need besides, for /stats and /advice --- */

void clear_client_second(struct snapshot *s, size_t second); /* one of the clock's begins */
void collect_client_windows(struct snapshot *s, const struct window_clock *clock);
void collect_failing_first(struct snapshot *s);
void collect_worst_stall(struct snapshot *s, weir_runtime *runtime);

/* --- opening and closing; what begins empty has nothing to open --- */

WEIR_CHECKED int open_routes(struct snapshot *s,
                             const struct request_counts *counts); /* after open_gathers() */
WEIR_CHECKED int open_gathers(struct snapshot *s, const struct gather_counts *counts);
WEIR_CHECKED int open_calls(struct snapshot *s);
WEIR_CHECKED int open_backends(struct snapshot *s);
WEIR_CHECKED int open_apps(struct snapshot *s, const struct app_gate *gate);
WEIR_CHECKED int open_host(struct snapshot *s);
WEIR_CHECKED int open_stalls(struct snapshot *s);
WEIR_CHECKED int open_guard_calls(struct snapshot *s);
void close_calls(struct snapshot *s);
void close_origins(struct snapshot *s);
void close_backends(struct snapshot *s);
void close_tls(struct snapshot *s);

#endif
