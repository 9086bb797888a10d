/* SPDX-License-Identifier: MIT */
/* A backend on one loop.
 *
 * Threading: the loop's.
 *
 *     backend.c      opening and closing
 *     keeper.c       what is done once for all loops: following names, health checks
 *     acquire.c      for a request: admission, an instance, a connection; and leaving
 *     lookup.c       the addresses of names
 *     table.c        the instances as this loop sees them, each with its connections
 *     linger.c       connections of attempts that lost
 *     outcome.c      what the end of a request means for its instance and the breaker
 *     statistics.c   weir_backend_each()
 *     shared.c       what the loops have in common: found, joined, left; and messages between members
 *     common_block.c the part of it that processes have in common, found in shared memory
 *     settings.c     options
 *
 *     instances.c, balance.c, eject.c, breaker.c, health.c, auto_limit.c     know neither loops nor requests
 */
#ifndef WEIR__BACKEND_STATE_H
#define WEIR__BACKEND_STATE_H

#include <weir/scope.h>

#include "http/client/backend/shared.h"
#include "http/client/state.h"

struct weir_backend {
    struct weir__handle handle;
    struct weir__backend_member member;
    struct weir__slot_share slots; /* one for each connection to whatever instance */
    weir_client client;            /* has the connections; is not the program's */
    int in_use;                    /* requests of this loop */
    bool has_attempts;             /* requests may have second attempts */
    struct weir__list lingering;   /* connections whose answers are dropped: linger.h */
    int lingering_count;

    /* The table of instances, as of version. Places are numbered as in the common table. */
    uint64_t version;
    int here_count;
    uint8_t here[WEIR__INSTANCES_MAX]; /* their numbers, ascending */
    uint64_t hashes[WEIR__INSTANCES_MAX];
    uint32_t generations[WEIR__INSTANCES_MAX];
    struct weir__origin *origins[WEIR__INSTANCES_MAX]; /* NULL: this loop has not used the instance yet */

    /* As the keeper. */
    bool keeps; /* a task does so, or will */
    bool closing;
    bool client_gone;    /* of one that was left open */
    weir_scope *keeping; /* of that task; NULL: it has not begun, or has ended */
    weir_event kept;     /* it has ended */
};

static inline struct weir__backend_common *weir__backend_common(const weir_backend *b)
{
    return b->member.common;
}

static inline const weir_backend_options *weir__backend_options(const weir_backend *b)
{
    return &b->member.shared->settings.options;
}

/* The rules of second attempts. */
static inline struct weir__attempts *weir__backend_attempts(weir_backend *b)
{
    return &b->member.attempts;
}

static inline weir_backend *weir__backend_of_member(struct weir__backend_member *m)
{
    return weir__container_of(m, weir_backend, member);
}

#endif
