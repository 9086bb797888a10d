/* SPDX-License-Identifier: MIT */
/* The options of a backend, checked, with their defaults, and with texts of their own.
 *
 * Threading: immutable once made.
 */
#ifndef WEIR__BACKEND_SETTINGS_H
#define WEIR__BACKEND_SETTINGS_H

#include <weir/backend.h>

#include "http/client/attempts/attempts.h"
#include "http/client/backend/auto_limit.h"
#include "http/client/backend/breaker.h"
#include "http/client/backend/eject.h"
#include "http/client/backend/health.h"

/* A URL, taken apart. */
struct weir__backend_url {
    char *text;       /* as it was given */
    char *authority;  /* what Host says: "orders:7101"; "localhost" of a Unix socket */
    char *connect_to; /* "orders:7101", "unix:PATH", with a port in any case */
    char *host;       /* a name that is looked up, part of connect_to; NULL: connect_to is the instance */
    const char
        *origin; /* with which the URL of a request begins: text; "http://localhost" of a Unix socket */
    weir_bytes tls_name; /* host of an https URL, a part of text; empty: without TLS */
    uint16_t port;
};

struct weir__backend_settings {
    weir_backend_options options; /* without its urls */
    struct weir__breaker_settings breaker;
    struct weir__eject_settings eject;
    struct weir__health_settings health;
    struct weir__attempts_settings attempts;
    struct weir__auto_limit_settings auto_limit;
    struct weir__backend_url *urls;
    int url_count;
    bool follows_names; /* a URL has a name */
};

/* Returns: 0; -EINVAL; -ENOMEM: nothing is left to be freed. */
int weir__backend_settings_read(struct weir__backend_settings *s,
                                const weir_backend_options *options) WEIR_CHECKED;

/* Whether both say the same. */
bool weir__backend_settings_equal(const struct weir__backend_settings *a,
                                  const struct weir__backend_settings *b);

/* A hash of all that says what a backend is, but for TLS; never 0. The same in all processes. */
uint64_t weir__backend_settings_digest(const struct weir__backend_settings *s);

void weir__backend_settings_free(struct weir__backend_settings *s);

#endif
