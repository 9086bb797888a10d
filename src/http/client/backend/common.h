/* SPDX-License-Identifier: MIT */
/* What the loops that have a backend open share of it: instances, what is known of them, and all maxima.
 *
 * One plain structure without pointers: each number in it means the same to whoever maps it.
 *
 * Threading: what is atomic is read and written by any loop. The rest is written under the lock of struct
 * weir__backend_shared (shared.h), and read under it.
 */
#ifndef WEIR__BACKEND_COMMON_H
#define WEIR__BACKEND_COMMON_H

#include <weir/backend.h>

#include <stdatomic.h>

#include "http/client/backend/breaker.h"
#include "http/client/backend/eject.h"
#include "http/client/backend/health.h"

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
    atomic_int in_use;       /* requests in progress */
    _Atomic uint64_t eject;  /* a state of eject.h */
    _Atomic uint32_t health; /* a state of health.h */
    atomic_int last_error;   /* a code, or a status of 500 or above; 0: none */
    atomic_int last_check;   /* of the latest health check, likewise; 0: it was good */
    _Atomic int64_t last_error_ns;
    _Atomic int64_t since_ns; /* when it came into its present state */
    _Atomic uint64_t requests, failures, ejections;
};

struct weir__backend_common {
    _Atomic uint64_t version; /* of the table of instances: grows with each change */
    atomic_int here;          /* instances that are */
    atomic_int ejected;       /* of them */
    atomic_int in_use;        /* requests in progress */
    atomic_int waiting;       /* of them, those that wait for a connection */
    _Atomic uint32_t turn;    /* of WEIR_BALANCE_ROUND_ROBIN */
    atomic_bool panics;       /* as last seen by a request */
    _Atomic uint64_t requests;
    _Atomic uint64_t refused[WEIR_BACKEND_REFUSALS];
    struct weir__breaker breaker;
    struct weir__instance instances[WEIR__INSTANCES_MAX];
};

/* The number of the first URL that has an instance; 0 of one that is not here. */
static inline int weir__instance_url(const struct weir__instance *i)
{
    return i->urls != 0 ? __builtin_ctzll(i->urls) : 0;
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
