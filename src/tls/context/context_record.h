/* SPDX-License-Identifier: MIT */
/* The record of a context.
 *
 * What its files hold is in `content`, which is immutable: connections share the one that was there when they
 * began. When a file has changed, a job of the blocking pool makes new content (recheck.c).
 *
 * Threading: each field belongs to the side that its comment names; the rest is immutable once it is open.
 */
#ifndef WEIR__TLS_CONTEXT_RECORD_H
#define WEIR__TLS_CONTEXT_RECORD_H

#include <pthread.h>
#include <stdatomic.h>

#include <weir/runtime.h>

#include "base/list.h"
#include "core/loop.h"
#include "tls/context/alpn.h"
#include "tls/context/authorities.h"
#include "tls/context/certificate.h"
#include "tls/context/choice.h"
#include "tls/context/context.h"
#include "tls/context/sessions.h"
#include "tls/context/tickets.h"

/* What the files of a context held when they were read. Immutable, but for the count and the sessions. */
struct weir__tls_content {
    atomic_uint users;
    SSL_CTX *ctx;
    size_t count;
    struct weir__tls_certificate **certificates; /* shared */
    struct weir__tls_choice choice;              /* of a server */
    struct weir__sessions sessions;              /* of a client */
    bool is_slow;
};

/* A certificate and its two files. */
struct weir__tls_pair {
    char *cert, *key;
    struct weir__tls_marks marks; /* of the job that looks */
    /* written by the job that looks, under the lock */
    struct weir__tls_certificate *certificate; /* shared */
    char *failed;                              /* why the files as they are now are not used; or NULL */
};

/* A file of authorities. All of the job that looks. */
struct weir__tls_ca {
    char *path; /* NULL: none */
    struct weir__file_mark mark;
    struct weir__tls_authorities *authorities; /* shared; NULL: peers are not verified */
    char *failed;
};

/* Of one loop, in cache lines of its own. */
struct weir__tls_counts {
    _Atomic uint64_t began, ended, succeeded, resumed, failures[WEIR_TLS_FAILURES];
} __attribute__((aligned(64)));

struct weir_tls {
    struct weir__layer layer; /* first: weir__layer_of_tls() */
    atomic_uint holds;
    bool is_server, is_unverified;
    enum weir_tls_version min;
    weir_runtime *runtime;
    const void *opened_at;
    struct weir__list node; /* in the runtime's list, under its lock */
    char *server_name;      /* of a client; or NULL */
    struct weir__alpn alpn;
    struct weir__ticket_keys *tickets; /* of a server */
    size_t pair_count;
    struct weir__tls_pair *pairs;
    struct weir__tls_ca ca;
    struct weir__tls_counts *counts; /* for each loop */

    pthread_mutex_t lock;              /* held for a moment, also by loops */
    struct weir__tls_content *content; /* locked */
    struct weir__list waiters;         /* locked: connections that wait for a look at the files */
    int64_t recheck_ns;
    _Atomic int64_t looked_ns;
    atomic_bool is_looking;
    bool is_behind; /* of the job that looks: the content is older than what it has read */
    atomic_bool is_slow;
};

/* Frees a context that is in no list, or was not opened as a whole. */
void weir__tls_free(weir_tls *tls);

#endif
