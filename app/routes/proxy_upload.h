/* SPDX-License-Identifier: MIT */
/* The body of a proxied request, from the client to the backend.
 *
 * Threading: task of the request, and a task beside it that runs proxy_upload().
 */
#ifndef APP_ROUTES_PROXY_UPLOAD_H
#define APP_ROUTES_PROXY_UPLOAD_H

#include "routes/proxying.h"

/* Reads the beginning of the body into p->held, until it is whole or has settings.buffer bytes.
 * Returns: 0; as weir_request_read(). Waits.
 */
WEIR_CHECKED int proxy_upload_hold(struct proxying *p);

/* Moves the body and its trailers, for as long as the backend takes it. The function of a task.
 * Returns: 0; the error of the client, which is p->client_err, too. Waits.
 */
int proxy_upload(void *p);

#endif
