/* SPDX-License-Identifier: MIT */
/* Requests that the server answers itself, and why.
 *
 * Threading: as the exchange. Nothing waits.
 */
#ifndef WEIR__HTTP_SERVER_REFUSALS_H
#define WEIR__HTTP_SERVER_REFUSALS_H

#include "http/server/state.h"

/* Refuses a request; of several refusals the first counts. message: a literal, or in the exchange's arena. */
void weir__refuse(struct weir__exchange *x, int status, const char *code, const char *message, bool close);
void weir__refuse_busy(struct weir__exchange *x, const char *reason, const char *message);
void weir__refuse_fault(struct weir__exchange *x, const struct weir__http_fault *fault);
void weir__refuse_slow_head(struct weir__exchange *x);

/* Says that the request's body is too large, and how large it may be. */
const char *weir__body_limit_text(struct weir__exchange *x);

#endif
