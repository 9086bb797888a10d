/* SPDX-License-Identifier: MIT */
/* What the backend of a proxied request is asked.
 *
 * Threading: task of the request.
 */
#ifndef APP_ROUTES_PROXY_REQUEST_H
#define APP_ROUTES_PROXY_REQUEST_H

#include "routes/proxying.h"

/* Makes target and headers.
 * Returns: 0; -EINVAL: p->headers.fault says what is wrong with the request; -ENOMEM.
 */
WEIR_CHECKED int proxy_request_make(struct proxying *p);

/* Sends the head of the request, with body_length as of the client's, and opens p->fetch.
 * Returns: as weir_fetch_open(). Waits.
 */
WEIR_CHECKED int proxy_request_send(struct proxying *p);

/* The memory of a request. */
struct proxy_memory proxy_memory_of(weir_request *req);

#endif
