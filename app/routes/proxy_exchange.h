/* SPDX-License-Identifier: MIT */
/* A proxied request from its first byte to the backend to the last of the answer to the client.
 *
 * Threading: task of the request.
 */
#ifndef APP_ROUTES_PROXY_EXCHANGE_H
#define APP_ROUTES_PROXY_EXCHANGE_H

#include "routes/proxying.h"

/* Looks at a request before it has a record: its method, and the deadline that it came with.
 * Returns: 0, with *until; 1: it is answered; < 0. */
WEIR_CHECKED int proxy_exchange_admit(weir_request *req, weir_response *res, weir_instant *until);

/* Prepares the request, has ask() ask the backend and pass on the answer, as proxy_exchange() does, and
 * answers for a backend that has failed, if the answer has not begun.
 * Returns: the result of the handler: a negative code is the client's fault, or breaks the answer off. Waits.
 */
WEIR_CHECKED int proxy_exchange_run(struct proxying *p, int (*ask)(struct proxying *p));

/* Sends a request that is prepared, and passes on the answer by p->pass.
 * Returns: 0; < 0: what the backend, or p->client_err, failed with; as a connect fails: nothing has been
 * sent. Waits. */
WEIR_CHECKED int proxy_exchange(struct proxying *p);

/* Its two halves. The first sends the request, with its body if that is here, under the time that the backend
 * has for its answer; if all of it is sent, it waits for the first of the answer: p->heard. The other one
 * passes on what is left, and closes p->fetch. Both wait. */
WEIR_CHECKED int proxy_exchange_begin(struct proxying *p);
WEIR_CHECKED int proxy_exchange_end(struct proxying *p);

#endif
