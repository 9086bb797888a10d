/* SPDX-License-Identifier: MIT */
/* Bodies that a route has no use for.
 *
 * Threading: task of the request.
 */
#ifndef APP_ROUTES_DISCARD_H
#define APP_ROUTES_DISCARD_H

#include <weir/http_server.h>

/* Reads the body to its end and discards it, so that a malformed or too large body is refused rather than
 * answered. Without a body it costs next to nothing.
 * Returns: 0; as weir_request_read().
 */
WEIR_CHECKED int request_discard_body(weir_request *req);

#endif
