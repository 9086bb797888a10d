/* SPDX-License-Identifier: MIT */
/* What the client of a proxied request is told when its backend fails.
 *
 * Threading: task of the request.
 */
#ifndef APP_ROUTES_PROXY_FAILURE_H
#define APP_ROUTES_PROXY_FAILURE_H

#include "routes/proxying.h"

/* Notes why the backend failed.
 * Returns: err.
 */
int proxy_failed(struct proxying *p, int err);

/* Answers with 502, 503 or 504, and notes why.
 * Returns: as weir_respond_fault(). Waits.
 */
int proxy_respond_failed(struct proxying *p, int err);

#endif
