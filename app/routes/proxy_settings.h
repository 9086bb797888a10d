/* SPDX-License-Identifier: MIT */
/* The settings of a proxy route.
 *
 * Threading: as config/config.h.
 */
#ifndef APP_ROUTES_PROXY_SETTINGS_H
#define APP_ROUTES_PROXY_SETTINGS_H

#include <weir/time.h>

#include "config/backend.h"
#include "config/route_kind.h"

enum proxy_host { PROXY_HOST_BACKEND, PROXY_HOST_CLIENT };

struct proxy_settings {
    const char *app; /* NULL: none. Else requests go to processes of this application: each to the address of
                        its place, and at most once */
    const struct config_backend *backend; /* NULL: the next four say where requests go */
    struct config_place place;
    const char *origin;  /* "http://HOST[:PORT]"; of a Unix socket "http://localhost"; of a backend "/" */
    const char *address; /* "unix:PATH"; NULL: the host and port of origin */
    const char *base;    /* the path of `to`, without a '/' at its end; "" if there is none */
    int strip;           /* segments of the path that are not passed on */
    weir_duration timeout, tunnel_timeout;
    int host; /* enum proxy_host */
    uint64_t buffer_bytes;
    bool tries_twice; /* what is asked has second attempts */
    bool repeatable;  /* requests of any method may be sent twice; see <weir/backend.h> */
};

extern const char *const proxy_host_names[]; /* of enum proxy_host, ended by NULL */

/* Reads the segments that are not passed on. what: the key, for faults. Returns: false after a fault. */
bool proxy_strip_read(struct config_reader *reader, const struct tree_node *node, const char *what,
                      const char *pattern, struct proxy_settings *settings);

/* Reads the value of the key. Contract: route_kind.configure. */
const void *proxy_settings_read(struct config_reader *reader, const struct tree_node *node,
                                const struct config_route *route);

#endif
