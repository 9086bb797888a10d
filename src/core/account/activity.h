/* SPDX-License-Identifier: MIT */
/* What a task works for: mostly a request from outside. Tasks hand it on to those they spawn.
 *
 * Threading: belongs to the loop of its tasks. The texts it points to outlive it, so that other threads may
 * read them.
 */
#ifndef WEIR__CORE_ACCOUNT_ACTIVITY_H
#define WEIR__CORE_ACCOUNT_ACTIVITY_H

#include <stdint.h>

#include "core/account/ledger.h"

struct weir__arena;

struct weir__activity {
    struct weir__arena *memory; /* lives as long as the activity */
    int64_t busy_for_ns;        /* expected wait of the pool that refused it last */
    const char *busy_why;       /* the same in words for the client; static; NULL: no pool refused it */
    const char *busy_reason;    /* and in one word, see weir_refusal_at() */
    const char *route;          /* the pattern, "/page/{id}"; lives as long as the runtime; or NULL */
    struct weir__ledger ledger; /* its time; not in use unless on */
};

#endif
