/* SPDX-License-Identifier: MIT */
/* The settings of a redirect.
 *
 * Threading: immutable once read.
 */
#ifndef APP_ROUTES_REDIRECT_H
#define APP_ROUTES_REDIRECT_H

#include <weir/buffer.h>
#include <weir/http_request.h>

#include "config/template.h"

enum { REDIRECT_BYTES_MAX = 32 << 10 }; /* of a Location */

struct redirect_settings {
    int status;
    struct config_template origin;   /* "https://{host}"; no part: the same origin */
    struct config_template target;   /* path and query */
    struct config_template fragment; /* with its '#'; no part: none */
    bool keeps_query;                /* the request's, since target has none of its own */
};

#endif
