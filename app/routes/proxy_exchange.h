/* SPDX-License-Identifier: MIT */
/* A proxied request from its first byte to the backend to the last of the answer to the client.
 *
 * Threading: task of the request.
 */
#ifndef APP_ROUTES_PROXY_EXCHANGE_H
#define APP_ROUTES_PROXY_EXCHANGE_H

#include "routes/proxying.h"

/* Refuses TRACE, which would show the client what is added on the way. Returns: the result of the handler. */
WEIR_CHECKED int proxy_exchange_refuse_trace(weir_response *res);

/* Sends the request, which proxy_request_make() and proxy_upload_begin() have prepared, and passes on the
 * answer by p->pass.
 * Returns: 0; < 0, for proxy_exchange_conclude(); as a connect fails: nothing has been sent. Waits. */
WEIR_CHECKED int proxy_exchange(struct proxying *p);

/* Its two halves. The first sends the request, with its body if that is here, under the time that the backend
 * has for its answer; if all of it is sent, it waits for the first of the answer: p->heard. The other one
 * passes on what is left, and closes p->fetch. Both wait. */
WEIR_CHECKED int proxy_exchange_begin(struct proxying *p);
WEIR_CHECKED int proxy_exchange_end(struct proxying *p);

/* Answers for a backend that has failed, if the answer has not begun.
 * Returns: the result of the handler: a negative code is the client's fault, or breaks the answer off. Waits.
 */
WEIR_CHECKED int proxy_exchange_conclude(struct proxying *p, int err);

#endif
