/* SPDX-License-Identifier: MIT */
/* What the loops that have a backend open share of it: instances, what is known of them, and all maxima. It
 * lies in the memory of the runtime or, if the runtime has any, in shared memory: then the loops are those of
 * several processes.
 *
 * One plain structure without pointers: each number in it means the same to whoever maps it.
 *
 * Threading: what is atomic is read and written by any loop. The rest is written by who has
 * weir__backend_lock() (shared.h), and read likewise.
 */
#ifndef WEIR__BACKEND_COMMON_H
#define WEIR__BACKEND_COMMON_H

#include <weir/backend.h>

#include <stdatomic.h>

#include <weir/shared.h>

#include "http/client/attempts/attempts.h"
#include "http/client/backend/auto_limit.h"
#include "http/client/backend/breaker.h"
#include "http/client/backend/eject.h"
#include "http/client/backend/health.h"
#include "http/client/labelled.h"

enum {
    WEIR__BACKEND_URLS_MAX = 64,
    WEIR__INSTANCES_MAX = 128, /* further addresses are not used */
    WEIR__INSTANCE_ADDRESS_BYTES = 128,
};

enum weir__instance_presence {
    WEIR__INSTANCE_FREE, /* the place is */
    WEIR__INSTANCE_HERE,
    WEIR__INSTANCE_GONE, /* requests may be in progress */
};

struct weir__instance {
    char address[WEIR__INSTANCE_ADDRESS_BYTES];
    enum weir__instance_presence presence;
    uint64_t urls;           /* that have it: a bit for each number */
    uint32_t generation;     /* grows when the place is taken anew, or the first of its urls is another one */
    uint64_t gone_at;        /* the version of the table in which it went */
    _Atomic uint64_t eject;  /* a state of eject.h */
    _Atomic uint32_t health; /* a state of health.h */
    atomic_int last_error;   /* a code, or a status of 500 or above; 0: none */
    atomic_int last_check;   /* of the latest health check, likewise; 0: it was good */
    _Atomic int64_t last_error_ns;
    _Atomic int64_t since_ns; /* when it came into its present state */
    _Atomic uint64_t requests, failures, ejections;
};

/* What processes and their requests hold, each process in its own cells: one that dies gives it back. A
 * runtime without shared memory is process 0. */
struct weir__backend_counts {
    weir_shared_count users;       /* processes that have the backend open */
    weir_shared_count keeper;      /* the process that does what is done once for all; 1 or 0 */
    weir_shared_count in_use;      /* requests in progress */
    weir_shared_count waiting;     /* of them, those that wait for a connection */
    weir_shared_count connections; /* in use and idle */
    weir_shared_count queued;      /* tasks that are in a queue for a slot (net/slots.h) */
    weir_shared_count of_instance[WEIR__INSTANCES_MAX]; /* requests in progress */
};

enum { WEIR__BACKEND_COUNTS = sizeof(struct weir__backend_counts) / sizeof(weir_shared_count) };

struct weir__backend_common {
    struct weir__backend_counts counts; /* first */
    atomic_int processes;               /* the greatest number of a process that had it open, plus one */
    struct weir__label label;           /* of a block of shared memory: what it is for */
    _Atomic int64_t queued_since_ns[WEIR_SHARED_MEMBERS_MAX]; /* by process: the first of those `queued` */

    atomic_bool changes;      /* the table is being changed; if not, its last writer has died meanwhile */
    _Atomic uint64_t version; /* of the table of instances: grows with each change */
    atomic_int here;          /* instances that are */
    atomic_int ejected;       /* of them */
    _Atomic uint32_t turn;    /* of WEIR_BALANCE_ROUND_ROBIN */
    atomic_bool panics;       /* as last seen by a request */
    _Atomic uint64_t requests;
    _Atomic uint64_t refused[WEIR_BACKEND_REFUSALS];
    struct weir__breaker breaker;
    struct weir__auto_limit auto_limit;
    struct weir__attempts_common attempts;
    struct weir__instance instances[WEIR__INSTANCES_MAX];
};

/* The number of the first URL that has an instance; 0 of one that is not here. */
static inline int weir__instance_url(const struct weir__instance *i)
{
    return i->urls != 0 ? __builtin_ctzll(i->urls) : 0;
}

/* --- counts --- */

/* Adds up a count of all processes. */
static inline int weir__backend_sum(const struct weir__backend_common *c, const weir_shared_count *n)
{
    int processes = atomic_load_explicit((atomic_int *)(uintptr_t)&c->processes, memory_order_relaxed);
    int sum = 0;

    for (int i = 0; i < processes; i++)
        sum += atomic_load((_Atomic int32_t *)(uintptr_t)&n->cells[i]);
    return sum;
}

/* Adds one to a count for a process, unless all of them together have max. Of several that reach for the last
 * one at the same time, all may fail if they are of several processes. */
static inline bool weir__backend_take_one(const struct weir__backend_common *c, weir_shared_count *n,
                                          int process, int max)
{
    int sum = atomic_fetch_add(&n->cells[process], 1);
    int processes = atomic_load_explicit((atomic_int *)(uintptr_t)&c->processes, memory_order_relaxed);

    for (int i = 0; i < processes; i++)
        if (i != process)
            sum += atomic_load(&n->cells[i]);
    if (sum < max)
        return true;
    (void)atomic_fetch_sub(&n->cells[process], 1);
    return false;
}

/* The requests to an instance that are in progress. */
static inline weir_shared_count *weir__instance_in_use(struct weir__backend_common *c,
                                                       const struct weir__instance *instance)
{
    return &c->counts.of_instance[instance - c->instances];
}

static inline void weir__backend_add_one(weir_shared_count *n, int process)
{
    (void)atomic_fetch_add(&n->cells[process], 1);
}

static inline void weir__backend_give_one(weir_shared_count *n, int process)
{
    (void)atomic_fetch_sub(&n->cells[process], 1);
}

static inline int64_t weir__instance_count(_Atomic uint64_t *n)
{
    return (int64_t)atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

/* Whether requests are sent to an instance that is there. */
static inline bool weir__instance_is_used(const struct weir__instance *i)
{
    struct weir__instance *seen = (struct weir__instance *)(uintptr_t)i;

    return !weir__health_is_down(atomic_load_explicit(&seen->health, memory_order_relaxed)) &&
           !weir__eject_is_ejected(atomic_load_explicit(&seen->eject, memory_order_relaxed));
}

#endif
