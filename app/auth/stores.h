/* SPDX-License-Identifier: MIT */
/* The files of "auth:" of a configuration, read once for all routes and loops, and again when they change.
 *
 * Threading: opened before the loops, closed after them; each function says the rest.
 */
#ifndef APP_AUTH_STORES_H
#define APP_AUTH_STORES_H

#include <sys/stat.h>

#include <weir/http_server.h>
#include <weir/published.h>

#include "auth/table.h"
#include "config/config.h"

enum { AUTH_LOOK_MS = 1000 };

/* A file, and the table that was made of it last. */
struct auth_store {
    const char *file;
    enum config_auth_scheme scheme;
    weir_published table; /* a struct auth_table; never NULL */
    uint64_t generation;  /* of the last table */
    /* of the jobs that look at the file, one after the other: */
    struct stat about;
    unsigned char content[AUTH_DIGEST_BYTES]; /* of the last table */
    bool unsettled;                           /* it may have changed since without a new time */
    bool failing;                             /* it could not be read, which has been told */
    struct auth_table *fresh;
};

struct auth_stores {
    struct auth_store *items;
    size_t count;
};

/* Reads a file.
 * Owns:    the caller frees *out by auth_table_free(). about may be NULL.
 * Returns: 0; -WEIR_ECONFIG with fault, "FILE: why" or "FILE:LINE: why"; -ENOMEM.
 * Where:   any thread. Blocks.
 */
WEIR_CHECKED int auth_file_read(const char *file, enum config_auth_scheme scheme, struct stat *about,
                                struct auth_table **out, char *fault, size_t room);

/* Opens the stores of a configuration. Without "auth:" there are none, and all is NULL.
 * Owns:    config is lent until auth_stores_close().
 * Returns: 0; -WEIR_ECONFIG after logging why; -ENOMEM. auth_stores_close() is due in any case.
 * Where:   any thread. Blocks.
 */
WEIR_CHECKED int auth_stores_open(const struct config *config, struct auth_stores *out);
void auth_stores_close(struct auth_stores *stores);

/* Finds the store of a route.
 * Returns: NULL: it has no auth.
 * Where:   any thread. */
struct auth_store *auth_stores_find(const struct auth_stores *stores, const struct config_route *route);

/* Has a background task of the server look at the files every second. A file that was changed takes effect;
 * if it cannot be read, what was read before stays in force, which is logged once.
 * Returns: 0; as weir_spawn().
 * Where:   setup of one loop. Does not wait.
 */
WEIR_CHECKED int auth_stores_watch(struct auth_stores *stores, weir_server *server);

#endif
