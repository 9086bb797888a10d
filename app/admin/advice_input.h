/* SPDX-License-Identifier: MIT */
/* What advice rests on: routes, backends and pools in the last minute.
 *
 * Threading: functions from data to data; any thread.
 */
#ifndef APP_ADMIN_ADVICE_INPUT_H
#define APP_ADMIN_ADVICE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "admin/advice_calls.h"
#include "metrics/snapshot.h"

/* A time of one request or job; all zero if it has none. */
struct advice_time {
    double mean_ms, p99_ms;
};

/* The configuration of a route, as far as advice depends on it. */
struct advice_kind {
    const char *name; /* "gather" …; NULL: not known */
    const char *pool; /* the pool on which this kind computes by default; NULL: it can't */
    bool on_loop;     /* the configuration has it compute on its loop */
    bool asks_backends;
};

/* Times are those of one request on average, and add up to took_ms. */
struct advice_route {
    const char *route;
    struct advice_kind kind;
    uint64_t requests;
    double rate; /* a second, on all loops */
    double took_ms;
    double p99_ms; /* of all of its requests, answered in full */
    const struct advice_call *calls;
    size_t call_count;
    struct advice_time loop; /* computing on the loop */
    double loop_square_ms2;  /* the mean of its square */
    double wait_ms;          /* for backends, clients, timers */
    double client_ms;        /* of wait_ms: for the client to send its request, and to take its answer */
    double ready_ms;         /* ready to run, while other tasks held the loop */
    double starved_ms;       /* without a CPU, because other processes had it */
    double throttled_ms;     /* the same, because a quota was used up */
    double queue_ms, pool_ms;
    const char *slowest; /* the name of what it waits longest for; or NULL */
    double slowest_ms;
    const char *held_by; /* the task that held the loop longest while it was ready; or NULL */
};

struct advice_pool {
    const char *pool;
    bool computes; /* its workers need a CPU each */
    int workers;   /* at most */
    double rate;   /* of jobs that ran */
    double refused_rate;
    struct advice_time queue, run;
};

struct advice_input {
    int loops, cpus;
    const struct advice_route *routes;
    size_t route_count;
    const struct snapshot_backend *backends;
    size_t backend_count;
    const struct advice_pool *pools;
    size_t pool_count;
    struct advice_calls *made; /* what calls point to; private */
};

/* Takes it from a snapshot.
 * Owns:    the snapshot is lent until advice_input_close().
 * Returns: 0; -ENOMEM.
 */
WEIR_CHECKED int advice_input_open(struct advice_input *in, const struct snapshot *s);
void advice_input_close(struct advice_input *in);

#endif
