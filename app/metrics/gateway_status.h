/* SPDX-License-Identifier: MIT */
/* The state of the gateway as threads beside its loops see it: whether it is ready, what its loops count, and
 * its runtime while that runs.
 *
 * Threading: the atomic fields are written by the gateway's loops and read by any thread; requests,
 * gathers, apps, recorder and access_log are set before the loops start; the rest is guarded by runtime_lock.
 */
#ifndef APP_METRICS_GATEWAY_STATUS_H
#define APP_METRICS_GATEWAY_STATUS_H

#include <pthread.h>
#include <stdatomic.h>

#include <weir/http_server.h>
#include <weir/runtime.h>

struct app_gate;
struct gather_counts;
struct recorder;
struct request_counts;
struct weir_log_file;
struct weir_tls;

/* What a context for TLS is for. */
enum gateway_tls_side {
    GATEWAY_TLS_LISTENER,
    GATEWAY_TLS_BACKEND,
    GATEWAY_TLS_OTHERS /* https URLs that belong to no backend */
};

struct gateway_context {
    enum gateway_tls_side side;
    size_t number; /* of the listener or backend in the configuration; otherwise 0 */
    struct weir_tls *tls;
};

struct gateway_status {
    atomic_bool ready;                   /* accepts requests, and will go on to */
    atomic_bool draining;                /* accepts no more, and finishes what is in progress */
    struct request_counts *requests;     /* NULL: there is no admin */
    struct gather_counts *gathers;       /* as requests */
    struct app_gate *apps;               /* NULL: there are none */
    struct recorder *recorder;           /* outliers/recorder.h; NULL: there is none */
    struct weir_log_file *access_log;    /* NULL: there is none of its own */
    _Atomic uint64_t outliers_unwritten; /* that could not be written to their folder */
    pthread_rwlock_t runtime_lock;
    weir_runtime *runtime;                  /* NULL: it does not run */
    weir_server *server;                    /* NULL: there is none, in the benchmark of the task tree */
    const struct gateway_context *contexts; /* valid while it runs */
    size_t context_count;
};

void gateway_status_init(struct gateway_status *status);
void gateway_status_end(struct gateway_status *status);

/* A loop of the gateway is set up, and will be torn down. */
void gateway_status_runs(struct gateway_status *status, weir_runtime *runtime, weir_server *server);

/* The first loop is being torn down: waits until no thread holds the runtime any more. */
void gateway_status_stops(struct gateway_status *status);

/* The gateway's runtime, which keeps running, and its server stays open, until gateway_status_release(): what
 * the caller does in between is short and does not wait.
 * Where:   any thread, several at a time; the one that holds it releases it.
 * Returns: NULL when it does not run; then there is nothing to release.
 */
weir_runtime *gateway_status_hold(struct gateway_status *status);
void gateway_status_release(struct gateway_status *status);

#endif
