/* SPDX-License-Identifier: MIT */
/* The response of a handler that failed, or left its response open.
 *
 * Threading: the task of the exchange.
 */
#ifndef WEIR__HTTP_SERVER_RESPONSE_ERROR_H
#define WEIR__HTTP_SERVER_RESPONSE_ERROR_H

#include "http/server/state.h"

/* Ends a response that the handler did not complete: with an error, the end of the body, or `response.err`
 * for a body that broke off. outcome: what the handler returned. Waits. */
void weir__response_finish(struct weir__exchange *x, int outcome);

#endif
