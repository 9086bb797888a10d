/* SPDX-License-Identifier: MIT */
/* What the end of a request means for its instance and for the breaker.
 *
 * Threading: any loop that has the backend open; what they share is atomic.
 */
#ifndef WEIR__BACKEND_OUTCOME_H
#define WEIR__BACKEND_OUTCOME_H

#include "http/client/backend/shared.h"
#include "http/client/backend/use.h"
#include <weir/http_client.h>

/* A request that has an instance has ended: with a code, or with an answer (0) and its status. why: what was
 * wrong, in words that live as long as the runtime; NULL: what the code says. */
void weir__backend_ended(struct weir__backend_use *use, int err, int status, const char *why);

/* An answer has come: a Retry-After in one with status 429 or 503 asks for no second attempts. */
void weir__backend_note_pushback(const struct weir__backend_use *use, const weir_reply *reply);

/* Its answer broke off after its head was counted. */
void weir__backend_broke(struct weir__backend_use *use, int err, const char *why);

/* Ends the ejection of instances (their numbers are here[0 … count - 1]) whose time is over. */
void weir__backend_end_ejections(struct weir__backend_shared *s, const uint8_t *here, int count,
                                 int64_t now_ns);

/* How a health check ended: as a request does. */
struct weir__backend_check_end {
    int err, status;
    const char *why;
};

/* A health check of an instance has ended. */
void weir__backend_checked(struct weir__backend_shared *s, struct weir__instance *instance,
                           const struct weir__backend_check_end *end, int64_t now_ns);

/* The words for a failure: why, or if it is NULL those of a code, or of a status. NULL: it is none (0). */
const char *weir__backend_error_text(int error, const char *why);

#endif
