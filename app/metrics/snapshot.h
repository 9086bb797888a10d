/* SPDX-License-Identifier: MIT */
/* The gateway's figures as of one moment: all that the pages /metrics, /stats and /advice write down. Plain
 * data, which the collector fills in (collector.h); a page reads nothing else.
 *
 * Threading: belongs to the collector's loop, and may change whenever that loop's task waits.
 */
#ifndef APP_METRICS_SNAPSHOT_H
#define APP_METRICS_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/http_client.h>
#include <weir/http_server.h>
#include <weir/pool.h>
#include <weir/watch.h>

#include "config/config.h"
#include "metrics/exemplars.h"
#include "metrics/gather_counts.h"
#include "metrics/host_stats.h"
#include "metrics/process_stats.h"
#include "metrics/request_totals.h"
#include "metrics/series.h"
#include "metrics/snapshot_apps.h"
#include "metrics/snapshot_backends.h"
#include "metrics/snapshot_tls.h"
#include "metrics/time_breakdown.h"

/* --- routes --- */

/* The numbers beside the durations of a route's requests. */
enum snapshot_route_number {
    ROUTE_ERRORS,
    ROUTE_CUT,
    ROUTE_REQUEST_BYTES,
    ROUTE_REPLY_BYTES,
    ROUTE_RATE_SHARED,
    ROUTE_OUTLIERS,                                    /* then as enum request_outlier */
    ROUTE_REFUSED = ROUTE_OUTLIERS + REQUEST_OUTLIERS, /* then by reason, as weir_refusal_at() */
    ROUTE_NUMBERS = ROUTE_REFUSED + REQUEST_REFUSALS_MAX
};
_Static_assert((int)ROUTE_NUMBERS <= (int)WINDOW_NUMBERS_MAX, "a series has room for every reason");

/* The numbers beside the durations for which sampled requests ran: nanoseconds by enum weir_charge_category,
 * then the number of samples. */
enum snapshot_breakdown_number { BREAKDOWN_COUNT = WEIR_CHARGE_CATEGORIES, BREAKDOWN_NUMBERS };
_Static_assert((int)BREAKDOWN_NUMBERS <= (int)WINDOW_NUMBERS_MAX, "a series has room for every charge");

/* Routes of one path are one; the last is "none": requests that no route took. */
struct snapshot_route {
    const char *name, *kind;      /* kind: "gather" …; NULL: of "none" */
    struct series requests;       /* by enum snapshot_route_number */
    struct series breakdown;      /* by enum snapshot_breakdown_number */
    const struct series *partial; /* answers that lacked a part; NULL: no gather */
    char slowest[BREAKDOWN_NAME_BYTES], holder[BREAKDOWN_NAME_BYTES]; /* of late; "": none */
    double slowest_ms;                                                /* of one request */
    struct request_outcomes outcomes;
    struct exemplar exemplars[BUCKETS]; /* at_ms 0: none */
};

/* --- gathers and origins --- */

struct snapshot_gather {
    const char *route;
    struct series partial; /* one number */
};

/* Whether requests may be sent twice (<weir/backend.h>): by their methods, or because the configuration says
 * so. */
enum snapshot_call_repeats {
    CALL_REPEATS_NEVER,
    CALL_REPEATS_SOME, /* of a proxy that takes several methods */
    CALL_REPEATS_ALWAYS
};

/* A call of a gather, or what a proxy asks, as the configuration has it. */
struct snapshot_call {
    const char *route;
    const char *call;       /* NULL: of a proxy */
    char *origin;           /* as weir_origin_stats names it; NULL: it goes to a backend */
    const char *backend;    /* its name; or NULL */
    weir_duration deadline; /* 0: none */
    enum snapshot_call_repeats repeats;
};

/* The numbers beside the durations of an origin's requests. */
enum snapshot_origin_number {
    ORIGIN_REQUESTS,
    ORIGIN_REUSED,
    ORIGIN_CONNECTED,
    ORIGIN_ERROR, /* then as enum weir_origin_error */
    ORIGIN_NUMBERS = ORIGIN_ERROR + WEIR_ORIGIN_ERRORS
};

struct origin_sum;

/* An origin as all loops together see it. */
struct snapshot_origin {
    char *name;
    bool known;             /* to some loop, or named in the configuration */
    bool failing;           /* as the log says */
    const char *last_error; /* of the latest failure; static; NULL: none */
    weir_instant last_error_at;
    int in_use, idle, waiting;
    struct series requests; /* by enum snapshot_origin_number */
    struct origin_sum *sum; /* for the collector */
};

/* --- loops, pools, the machine --- */

/* The numbers beside the durations by which a loop was late, in nanoseconds. */
enum snapshot_loop_number {
    LOOP_UP,
    LOOP_BUSY,
    LOOP_OFF_CPU, /* of that, its thread had no CPU: it was kept from it, or asleep in a call */
    LOOP_NUMBERS
};

struct snapshot_loop {
    int process, number; /* of its process, 0: there is one; its number in that process */
    size_t tasks, ready;
    uint64_t started;
    weir_duration up, slept, cpu;
    uint64_t busy_ns, off_cpu_ns; /* in all; see enum snapshot_loop_number */
    struct series lag;
};

/* The numbers beside the durations of a pool's jobs. */
enum snapshot_pool_number {
    POOL_RAN,
    POOL_DROPPED,
    POOL_CANCELLED,
    POOL_REFUSED, /* then as enum weir_pool_refusal */
    POOL_NUMBERS = POOL_REFUSED + WEIR_REFUSALS
};

struct snapshot_pool {
    weir_pool_stats stats;
    struct series run, queue; /* queue: no numbers */
};

/* Of the machine, in µs or counted. */
enum snapshot_host_number {
    HOST_ALL,
    HOST_BUSY,
    HOST_STOLEN,
    HOST_OWN,
    HOST_PRESSED,
    HOST_PERIODS,
    HOST_USED_UP,
    HOST_STOPPED,
    HOST_NUMBERS
};

struct snapshot_host {
    struct host_stats stats;
    struct series series;
};

/* --- clients --- */

enum { SNAPSHOT_CLIENTS_MAX = 256, SNAPSHOT_CLIENT_BYTES = 64 };

/* An address from which connections without a request come. */
struct snapshot_client {
    char address[SNAPSHOT_CLIENT_BYTES];
    bool known;                         /* to some loop */
    int half_sent;                      /* connections with a part of a request's head, now */
    uint64_t ended[WEIR_UNSERVED_WAYS]; /* connections, while the loops have kept count of this address */
    uint64_t last[SERIES_SPANS];        /* all of them, of the last 10 and 60 seconds */
    uint64_t total;                     /* for the collector: all of them */
    uint32_t seconds[WINDOW_SECONDS];   /* for the collector: how many ended in each second of its clock */
};

/* --- stalls and caught calls --- */

enum { SNAPSHOT_STALLS_MAX = 512, SNAPSHOT_PLACE_BYTES = 160, SNAPSHOT_TASK_BYTES = 96 };

struct snapshot_stall_total {
    enum weir_stall_type cause;
    char route[SNAPSHOT_TASK_BYTES]; /* "none": of no route */
    uint64_t count;
    double held_s;
};

/* The task that held a loop longest in the last minute, of those that did so themselves. */
struct snapshot_stall {
    bool found;
    char task[SNAPSHOT_TASK_BYTES], route[SNAPSHOT_TASK_BYTES]; /* route "": none */
    char place[SNAPSHOT_PLACE_BYTES];                           /* "do_unit burn.c:57"; "": not known */
    const char *cause;                                          /* as weir_stall_type_name() */
    double held_max_ms;
    uint64_t count;
};

struct snapshot_guard_call {
    const char *function;
    uint64_t count;
};

/* --- the whole --- */

struct snapshot {
    const struct config *config;
    weir_instant started, at;
    int64_t at_s;                     /* of the wall clock, since 1970 */
    const struct window_clock *clock; /* of all windows */
    bool ready, draining;
    bool supervised; /* its processes have a supervisor, by whom they were added up */
    size_t processes_ready, processes_starting, processes_draining, processes_silent; /* if supervised */
    uint64_t restarts; /* of them, after an end that was not planned */
    bool runs; /* whether the gateway ran at this moment; if not, what comes from its runtime is as last read
                */
    uint64_t log_dropped, access_log_dropped; /* lines of the log, and of an access log apart from it */
    uint64_t outliers_unwritten;              /* to their folder */
    weir_server_stats server;
    struct series unserved; /* connections, by enum weir_unserved */
    struct snapshot_route *routes;
    size_t route_count;
    struct snapshot_gather *gathers;
    size_t gather_count;
    struct gather_call_total *gather_calls;
    size_t gather_call_count;
    struct snapshot_call *calls;
    size_t call_count;
    struct snapshot_origin **origins; /* by name */
    size_t origin_count, origin_room;
    struct snapshot_origin *origin_items;         /* for joined.h: what origins points to */
    const struct snapshot_origin **failing_first; /* the origins by share of failures in the last minute */
    struct snapshot_backend *backends;            /* in the order of the configuration */
    size_t backend_count;
    struct snapshot_app *apps; /* in the order of the configuration */
    size_t app_count;
    struct snapshot_tls *tls; /* listeners, then backends, then others; in the order of the configuration */
    size_t tls_count;
    struct snapshot_client *clients; /* those with most connections in the last minute first */
    size_t client_count;
    struct snapshot_loop *loops; /* by process and number */
    size_t loop_count;
    struct snapshot_pool *pools; /* in the order of the runtime */
    size_t pool_count;
    struct snapshot_host host;
    struct snapshot_stall_total *stall_totals; /* every route has every kind from the start */
    size_t stall_total_count;
    int stalls_err; /* 0, or why the totals could not be read */
    struct snapshot_stall worst_stall;
    struct snapshot_guard_call *guard_calls;
    size_t guard_call_count;
    struct process_stats process;
};

/* --- sums and shares of numbers --- */

/* Of the numbers of a route: requests that were refused because there was too much to do. */
uint64_t snapshot_route_refused(const uint64_t *numbers);

/* Milliseconds of one sampled request, on average; 0 without samples. */
double snapshot_breakdown_ms(const struct series_window *w, enum weir_charge_category charge);

/* Of the numbers of an origin: all errors, without requests that were cancelled because their client left. */
uint64_t snapshot_origin_errors(const uint64_t *numbers);

/* The share of a window, 0 to 1, in which a loop was busy, or busy without a CPU; < 0: it was not up. */
double snapshot_loop_busy(const struct series_window *w);
double snapshot_loop_off_cpu(const struct series_window *w);

/* Of the numbers of a pool: all jobs that were refused. */
uint64_t snapshot_pool_refused(const uint64_t *numbers);

/* Whether a task held up its loop itself, rather than being kept off the CPU. */
bool snapshot_stall_is_own(enum weir_stall_type cause);

/* Returns: the reason as a label: "full", "wait", "deadline", "nested", "other". */
const char *snapshot_pool_refusal_name(enum weir_pool_refusal refusal);

#endif
