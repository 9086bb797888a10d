/* SPDX-License-Identifier: MIT */
/* Second attempts at a request to an application: another process is asked, too, if the first is slow
 * (hedging), or again if the first has failed (retrying), by the rules of <weir/attempts.h>.
 *
 * A second attempt has a place of its own, which is never waited for, and never taken before a request that
 * waits. Of two that are asked at a time the first good answer is passed on, and if both fail the error of
 * the first; the other request lingers with its place (apps/linger.h). Of retries the last one counts.
 *
 * Threading: task of the request, and a task beside it that hedges.
 */
#ifndef APP_ROUTES_SERVE_ATTEMPTS_H
#define APP_ROUTES_SERVE_ATTEMPTS_H

#include "routes/serving.h"

/* Reports whether a request, made and as far held as it will be, may be sent twice. */
bool serve_attempts_may(const struct serving *s);

/* Asks the process that has s->place, and others, up to the first of an answer: s->p.heard; s->place is that
 * of the process whose answer it is.
 * Returns: 0; as proxy_exchange_begin(), of the first attempt: then s->place may have been given back. Waits.
 */
WEIR_CHECKED int serve_attempts_begin(struct serving *s);

/* An answer has begun, s->p.reply: heeds what it says of further attempts (Retry-After). */
void serve_attempts_heard(const struct serving *s);

#endif
