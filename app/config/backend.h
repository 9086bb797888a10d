/* SPDX-License-Identifier: MIT */
/* backends: services that stand behind the gateway, by name.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_BACKEND_H
#define APP_CONFIG_BACKEND_H

#include <weir/backend.h>

#include "config/config.h"
#include "config/reader.h"
#include "config/template.h"
#include "config/tls.h"

enum { CONFIG_BACKENDS_MAX = 256 };

/* A URL of a backend, with its place. */
struct config_backend_url {
    const char *text;
    struct config_place place;
};

struct config_backend {
    weir_backend_options options;          /* as the library takes them, complete */
    struct config_place place;             /* of the name */
    size_t number;                         /* in config->backends */
    const struct config_backend_url *urls; /* options.url_count of them */
    struct config_template key;            /* what WEIR_BALANCE_HASH goes by; no part: another balance */
    const struct config_tls_client *tls;   /* NULL: not written */
    bool https;                            /* one of its URLs begins with https:// */
    bool used;                             /* by a route */
};

/* Reports whether a request to the backend may be sent a second time. */
static inline bool config_backend_tries_twice(const struct config_backend *backend)
{
    const weir_backend_options *o = &backend->options;

    return o->hedge.percentile > 0 || o->hedge.after.ns > 0 || o->retry.on != 0;
}

/* Reads "backends:" of the file. */
void backends_read(struct config_reader *reader, const struct tree_node *node, struct config *config);

/* The connections that all backends may have together, those of health checks included. */
uint64_t config_backend_connections(const struct config *config);

/* Reads a key whose value is the name of a backend, for configure() of a kind of route. what names the key,
 * for the fault. The backend counts as used.
 * Owns:    the backend lives as long as the configuration.
 * Returns: NULL after a fault: no backend has that name, or it is balanced by a parameter that the path has
 * not.
 */
const struct config_backend *backend_read(struct config_reader *reader, const struct tree_node *node,
                                          const char *what, const struct config_route *route);

#endif
