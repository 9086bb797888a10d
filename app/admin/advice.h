/* SPDX-License-Identifier: MIT */
/* Tasks or pools? What measured traffic says to that, route by route and pool by pool.
 *
 * Threading: functions from numbers to text; any thread.
 *
 * The rules, each shown with its numbers:
 *   - A request that computes on a loop makes everything else of the loop wait. Met at a random moment, work
 * of length S that comes at a rate r delays by r · E[S²] / 2 (the mean residual work of a queue with one
 * server; Kleinrock, Queueing Systems I, 1975, 5.6).
 *   - Handing a job over and back costs some tens of microseconds: what takes less is done sooner where it
 * is.
 *   - By Little's law (1961) a pool has rate × run workers busy, and rate × (queue + run) jobs in it, on
 * average. Near all workers the queue has no end: so many are advised that seven in ten are busy.
 */
#ifndef APP_ADMIN_ADVICE_H
#define APP_ADMIN_ADVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/text_out.h"

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

enum advice_class { ADVICE_IDLE, ADVICE_IO_BOUND, ADVICE_CPU_BOUND, ADVICE_MIXED };

enum advice_class advice_class_of(const struct advice_route *route);
const char *advice_class_name(enum advice_class class);

/* How many workers a pool needs at its rate. */
int advice_workers_needed(const struct advice_pool *pool);

/* The part of one loop's time that a route takes. */
double advice_loop_share(const struct advice_route *route, int loops);

/* Writes "routes":[…],"pools":[…]. Owns: in is lent. */
void advice_write(struct text_out *out, const struct advice_input *in);

#endif
