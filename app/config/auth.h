/* SPDX-License-Identifier: MIT */
/* auth: {basic: FILE | bearer: FILE, realm:, pass:, user_header:}: who may ask a route. auth/admit.h applies
 * it.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_AUTH_H
#define APP_CONFIG_AUTH_H

#include "config/reader.h"

struct config_route;

enum config_auth_scheme { CONFIG_AUTH_BASIC, CONFIG_AUTH_BEARER };

extern const char *const config_auth_names[]; /* by enum config_auth_scheme: their keys */

struct config_auth {
    struct config_place place; /* of the file's name */
    enum config_auth_scheme scheme;
    const char *file;
    const char *challenge; /* the value of WWW-Authenticate */
    const char *refusal;   /* as challenge, for credentials that were sent in vain */
};

/* Reads "auth" of a route whose rules for headers are known, and adds rules to those of requests: the
 * credential is not passed on unless "pass" says so, and "user_header" has the name of the user.
 * Owns:    the result lies in reader->memory.
 * Returns: NULL after a fault, or without memory.
 */
const struct config_auth *auth_read(struct config_reader *reader, const struct tree_node *node,
                                    struct config_route *route);

#endif
