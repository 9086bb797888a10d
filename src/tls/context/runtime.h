/* SPDX-License-Identifier: MIT */
/* What the contexts of a runtime share.
 *
 * Threading: any thread of the runtime. `lock` is held for a moment, also by loops. `making` is held while
 * files are read, by jobs of the blocking pool alone.
 */
#ifndef WEIR__TLS_RUNTIME_H
#define WEIR__TLS_RUNTIME_H

#include <pthread.h>
#include <stdatomic.h>

#include <weir/runtime.h>
#include <weir/tls.h>

#include "base/list.h"
#include "tls/context/fault.h"

struct weir__ticket_keys;
struct weir__tls_authorities;

struct weir__tls_runtime {
    pthread_mutex_t lock;
    struct weir__list contexts;    /* locked: all that are open */
    struct weir__list ticket_keys; /* locked */
    pthread_mutex_t making;
    struct weir__tls_authorities *system; /* making; NULL: not read yet */
    _Atomic(weir_tls *) default_client;   /* written under making; NULL: not made yet; holds one hold */
};

void weir__tls_runtime_init(struct weir__tls_runtime *r);

/* Closes what was left open, with a line of the log, and frees everything. No loop and no worker is left. */
void weir__tls_runtime_free(struct weir__tls_runtime *r);

/* The authorities of the system, read by the first that asks. A job of the blocking pool.
 * Owns:    the caller drops *out.
 * Returns: 0; as weir__tls_authorities_load_system(). */
int weir__tls_system_authorities(struct weir__tls_runtime *r, struct weir__tls_authorities **out,
                                 struct weir__tls_fault *fault) WEIR_CHECKED;

/* The keys for tickets of contexts of these files, in the shared memory of the runtime if it has any.
 * Owns:    the caller drops *out.
 * Returns: 0; -ENOMEM. */
int weir__tls_ticket_keys(struct weir_runtime *runtime, const char *files,
                          struct weir__ticket_keys **out) WEIR_CHECKED;
void weir__tls_ticket_keys_drop(struct weir__tls_runtime *r, struct weir__ticket_keys *keys); /* NULL: fine */

#endif
