/* SPDX-License-Identifier: MIT */
/* The requests that a gather sends: body, headers and URL of each call.
 *
 * Threading: the task of the request.
 */
#ifndef APP_ROUTES_GATHER_PREPARE_H
#define APP_ROUTES_GATHER_PREPARE_H

#include "routes/gathering.h"

/* Reads the request, and makes its calls ready to be fetched.
 * Returns: 0; -EINVAL a path parameter contains a character that is not allowed in a URL; -WEIR_ETOOLARGE
 * with g->url_too_long a URL is too long; -ENOMEM; as weir_request_read_body().
 * Where:   task. Waits for the body of the request.
 */
WEIR_CHECKED int gather_prepare(struct gathering *g);

#endif
