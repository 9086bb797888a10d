/* SPDX-License-Identifier: MIT */
/* The rules of "cors:" (config/cors.h), applied: preflights, and headers of answers (the Fetch standard,
 * "HTTP extensions").
 *
 * Threading: the task of the request.
 */
#ifndef APP_HTTP_CORS_H
#define APP_HTTP_CORS_H

#include <stdbool.h>

#include <weir/http_request.h>
#include <weir/http_response.h>

#include "config/cors.h"

/* Reports whether an origin, as a header names it, is one of those that are allowed. */
bool cors_allows(const struct config_cors *cors, const char *origin);

/* Has the headers of CORS set on the answer, when its head is known: on that of a handler, of a failure, of a
 * refusal. Those that a handler or its backend sets are replaced.
 * Owns:    cors is lent until the exchange has ended.
 * Returns: 0; as weir_response_filter_add(); -ENOMEM.
 */
WEIR_CHECKED int cors_answer(const struct config_cors *cors, weir_request *req, weir_response *res);

/* Answers a preflight.
 * Returns: 1 it has answered; 0 the request is none; as weir_respond_bytes().
 */
WEIR_CHECKED int cors_preflight(const weir_request *req, weir_response *res);

/* Refuses the opening of a WebSocket by a page of an origin that is not allowed: no browser asks before it
 * opens one.
 * Returns: 1 it has refused; 0 the request may pass; as weir_respond_refusal(); -ENOMEM.
 */
WEIR_CHECKED int cors_admit(const struct config_cors *cors, weir_request *req, weir_response *res);

#endif
