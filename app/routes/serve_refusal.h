/* SPDX-License-Identifier: MIT */
/* What a client is told when an application has no place for its request.
 *
 * Threading: task of the request.
 */
#ifndef APP_ROUTES_SERVE_REFUSAL_H
#define APP_ROUTES_SERVE_REFUSAL_H

#include "routes/serving.h"

/* Answers 503 with Retry-After. Returns: as weir_respond_busy(). Waits. */
int serve_refuse(struct serving *s, enum app_refusal why);

#endif
