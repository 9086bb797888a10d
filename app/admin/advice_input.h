/* SPDX-License-Identifier: MIT */
/* What advice rests on: routes and pools in the last minute.
 *
 * Threading: functions from data to data; any thread.
 */
#ifndef APP_ADMIN_ADVICE_INPUT_H
#define APP_ADMIN_ADVICE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "metrics/snapshot.h"

/* Of one request; all zero: it has none of this. */
struct advice_time {
    double mean_ms, p99_ms;
};

/* What can be said of a route's configuration. */
struct advice_kind {
    const char *name; /* "gather" …; NULL: not known */
    const char *pool; /* the pool on which this kind computes when nothing is said; NULL: it can't */
    bool on_loop;     /* it is told to compute on its loop all the same */
    bool asks_backends;
};

/* Times in ms of one request; all of them together are took_ms. */
struct advice_route {
    const char *route;
    struct advice_kind kind;
    uint64_t requests;
    double rate; /* a second, on all loops */
    double took_ms;
    struct advice_time loop; /* computing on it */
    double loop_square_ms2;  /* mean of its square */
    double wait_ms;          /* for backends, clients, timers */
    double client_ms;        /* of that: for the client to send its request, and to take its answer */
    double ready_ms;         /* to be run, while others held the loop */
    double starved_ms;       /* without a CPU, which other processes had */
    double throttled_ms;     /* the same, because a quota was used up */
    double queue_ms, pool_ms;
    const char *slowest; /* what it waits longest for; or NULL */
    double slowest_ms;
    const char *held_by; /* who held the loop longest while it was ready; or NULL */
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
    const struct advice_pool *pools;
    size_t pool_count;
};

/* Takes it from a snapshot.
 * Owns:    the snapshot is lent until advice_input_close().
 * Returns: 0; -ENOMEM.
 */
WEIR_CHECKED int advice_input_open(struct advice_input *in, const struct snapshot *s);
void advice_input_close(struct advice_input *in);

#endif
