/* SPDX-License-Identifier: MIT */
/* The body of a proxied request, from the client to the backend.
 *
 * Threading: task of the request, and a task beside it that runs proxy_upload().
 */
#ifndef APP_ROUTES_PROXY_UPLOAD_H
#define APP_ROUTES_PROXY_UPLOAD_H

#include "routes/proxying.h"

/* Reports whether the method or the route allows the request to be sent twice. */
bool proxy_upload_may_repeat(const struct proxying *p);

/* Reports whether the body is read whole before the backend is asked, since it may have to be sent twice:
 * that is allowed, and it is small, and known to be. */
bool proxy_upload_is_kept(const struct proxying *p);

/* Reads the beginning of the body: all of one that is kept; with settings.buffer into p->held, until it is
 * whole or has so many bytes; else what is here of it. p->first is what is to be sent with the head.
 * Returns: 0; as weir_request_read(). Waits with settings.buffer, and for a body that is kept.
 */
WEIR_CHECKED int proxy_upload_begin(struct proxying *p);

/* Reports whether all of the body is sent with the head. */
static inline bool proxy_upload_is_whole(const struct proxying *p)
{
    return p->body_read && p->held.len <= p->first_bytes;
}

/* Sends what stands behind the body. What becomes of it shows in the answer. Waits. */
void proxy_upload_end(struct proxying *p);

/* Moves the body and its trailers, for as long as the backend takes it. The function of a task.
 * Returns: 0; the error of the client, which is p->client_err, too. Waits.
 */
int proxy_upload(void *p);

#endif
