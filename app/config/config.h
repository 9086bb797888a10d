/* SPDX-License-Identifier: MIT */
/* The configuration of the weir program: a typed, immutable value. load.h reads it from a file.
 *
 * Threading: built by one thread before any loop starts; afterwards any thread may read it.
 *
 * Every key stands in a table (load.c, route.c, pool.c, routes/NAME.c) with its type, range and default.
 */
#ifndef APP_CONFIG_CONFIG_H
#define APP_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/log.h>
#include <weir/pool.h>
#include <weir/time.h>

#include "config/access_log.h"
#include "config/coding.h"
#include "config/fault.h"
#include "config/guard.h"
#include "config/header_rules.h"
#include "config/outliers.h"
#include "config/rate.h"

struct config_app;
struct config_auth;
struct config_backend;
struct config_cors;
struct config_tls_server;
struct network;
struct route_kind;
struct tree_node;
struct weir_resolver_options;

/* An address to listen on: "HOST:PORT", "[V6]:PORT", "unix:PATH" or, of "listen" alone, "systemd:NAME". */
struct config_address {
    const char *text;    /* as written, and as a listener takes it */
    const char *host;    /* without brackets; NULL for a Unix socket, and one of systemd */
    int port;            /* 0: any free one */
    const char *path;    /* of a Unix socket, else NULL */
    const char *systemd; /* the name of a socket that systemd passes, else NULL */
    struct config_place place;
    const struct config_tls_server *tls; /* config/tls.h; NULL: connections are plain. Of "listen" alone */
    bool proxy_protocol;                 /* connections begin with its header. Of "listen" alone */
};

/* What the scheme of a request must be for a route. */
enum config_scheme { CONFIG_ANY_SCHEME, CONFIG_HTTP, CONFIG_HTTPS };

extern const char *const config_scheme_names[]; /* by enum config_scheme, ended by NULL */

struct config_limits {
    uint64_t head_bytes;
    int headers;
    uint64_t body_bytes;
    uint64_t reply_bytes;   /* of a backend's answer */
    uint64_t images_bytes;  /* of all images that are worked on; 0: a part of the memory */
    uint64_t replies_bytes; /* of all backends' answers that are held; 0: a part of the memory */
    weir_duration head_timeout;
    weir_duration idle_timeout;
    uint64_t body_rate; /* bytes a second; 0: any */
    int connections;
    int connections_per_client; /* 0: any number */
    int exchanges;
};

enum config_io { CONFIG_IO_AUTO, CONFIG_IO_URING, CONFIG_IO_EPOLL };
enum config_log { CONFIG_LOG_TEXT, CONFIG_LOG_JSON };
enum config_stall_action { CONFIG_STALL_LOG, CONFIG_STALL_ABORT }; /* as enum weir_stall_then */

struct config_stall {
    weir_duration after;
    int then; /* enum config_stall_action */
};

struct config_pool {
    const char *name;
    struct config_place place; /* of the name; line 0: not in the file */
    int work;                  /* enum weir_pool_class */
    int workers;               /* 0: the library's default for its class */
    int queue;
    weir_duration wait;
    weir_duration cpu;       /* that a job may use; 0: no limit */
    weir_pool_share *shares; /* of routes, by config_route.share - 1 */
    size_t share_count;
};

/* The methods a route may name; a set of them is a bit mask, 1 << enum config_method. */
enum config_method {
    CONFIG_GET,
    CONFIG_HEAD,
    CONFIG_POST,
    CONFIG_PUT,
    CONFIG_DELETE,
    CONFIG_PATCH,
    CONFIG_OPTIONS,
    CONFIG_METHODS
};

extern const char *const config_method_names[CONFIG_METHODS + 1]; /* by enum config_method, ended by NULL */

struct config_route {
    struct config_place place;
    const char *path; /* the pattern, valid */
    const char *host; /* "shop.example.com", "*.example.com", in lower case, without a dot at the end; NULL:
                         every host */
    int scheme;       /* enum config_scheme */
    unsigned method_mask; /* methods as bits; 0: every method */
    const char *name; /* in logs and figures: the path, and before it what tells routes of one path apart: the
                         scheme, the host */
    const char *methods; /* "GET POST", as weir_route takes it; NULL: every method */
    const char *on;      /* the name of a pool, or "loop"; NULL: the loop, since it computes nothing */
    int share;           /* the number of its share of that pool, from 1 on; 0: none of its own */
    weir_duration slow;  /* a request that takes longer is recorded; 0: none is for that */
    struct config_limits limits; /* the file's limits, replaced by those of this route */
    struct config_coding compress_response;
    struct config_header_ruling headers; /* those at the top of the file included */
    const struct config_rate *rate;      /* NULL: requests are not counted */
    const struct config_cors *cors;      /* config/cors.h; NULL: pages of other origins are told nothing */
    const struct config_auth *auth;      /* config/auth.h; NULL: all may ask */
    const struct route_kind *kind;
    const void *settings; /* made by kind->configure(); lives as long as the configuration */
};

struct config {
    const struct config_address *listen;
    size_t listen_count;                /* ≥ 1 */
    const struct config_address *admin; /* NULL: off */
    const char *const *admin_hosts;     /* Host names it takes beside numbers and localhost; ended by NULL */
    int loops;                          /* 0: one per CPU this process may use */
    int io;                             /* enum config_io */
    weir_duration drain;                /* 0: requests in progress are cancelled at once */
    struct config_limits limits;
    const struct config_pool *pools; /* compute and blocking are always among them */
    size_t pool_count;
    const struct config_backend *backends; /* config/backend.h */
    size_t backend_count;
    int processes;           /* gateway processes under one supervisor */
    struct config_app *apps; /* config/app.h */
    size_t app_count;
    const struct weir_resolver_options *resolver; /* NULL: as the system says */
    const struct network *trusted_proxies; /* text/networks.h: peers whose X-Forwarded-* are believed */
    size_t trusted_proxy_count;
    struct config_header_ruling headers; /* of answers and requests of no route */
    struct config_stall stall;
    struct config_guard guard;
    struct config_outliers outliers;
    int log;       /* enum config_log */
    int log_level; /* as log_levels in load.c; see config_log_level() */
    struct config_access_log access_log;
    bool ledger; /* the time of each request is charged to its causes */
    bool server_timing;
    const struct config_route *routes;
    size_t route_count;
    const char *digest;           /* of the file: "sha256:…", as sha256sum prints it; NULL: there is none */
    const struct tree_node *tree; /* the file, for places */
    struct config_memory *memory; /* holds all of the above */
};

/* The log level of the configuration. */
enum weir_log_level config_log_level(const struct config *config);

/* Frees all that the configuration owns, and empties it. */
void config_free(struct config *config);

/* The place of a key of the file, or of a key inside it, {key: {inner: …}}; inner may be NULL.
 * Returns: the place of the value; without inner the place of key; without key the beginning of the file.
 */
struct config_place config_place(const struct config *config, const char *key, const char *inner);

/* The number of loops: that of the file, or one per CPU that this process may use. */
int config_loops(const struct config *config);

/* The pool with this name, or NULL. */
const struct config_pool *config_pool_find(const struct config *config, const char *name);

#endif
