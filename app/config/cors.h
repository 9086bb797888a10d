/* SPDX-License-Identifier: MIT */
/* cors: {origins:, methods:, headers:, expose:, credentials:, max_age:}: which pages of other origins may ask
 * a route, and read its answers. http/cors.h applies it.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_CORS_H
#define APP_CONFIG_CORS_H

#include "config/reader.h"

struct config_route;

enum { CONFIG_CORS_ORIGINS_MAX = 64, CONFIG_CORS_NAMES_MAX = 64 };

/* An origin as browsers write it, in lower case and without the port that its scheme has anyway. */
struct config_origin {
    const char *before; /* "https://" of a wildcard; else all of it */
    const char *after;  /* ".example.com:8443" behind the star of a wildcard; NULL: it is none */
};

struct config_cors {
    bool any; /* of every origin; there is no list then */
    const struct config_origin *origins;
    size_t origin_count;
    bool credentials;
    const char *methods; /* "GET, POST", for preflights */
    const char *headers; /* as methods; NULL: none beyond those that need no permission */
    const char *expose;  /* as headers, for answers */
    const char *max_age; /* seconds */
};

/* Reads "cors" of a route whose methods are known.
 * Owns:    the result lies in reader->memory.
 * Returns: NULL after a fault, or without memory.
 */
const struct config_cors *cors_read(struct config_reader *reader, const struct tree_node *node,
                                    const struct config_route *route);

#endif
