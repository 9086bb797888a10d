/* SPDX-License-Identifier: MIT */
/* The request of an exchange.
 *
 * Threading: the task of the exchange.
 */
#ifndef WEIR__HTTP_SERVER_REQUEST_H
#define WEIR__HTTP_SERVER_REQUEST_H

#include "http/server/state.h"

/* Receives what the handler left of the body, and drops it.
 * Returns: 0 the body has ended; -WEIR_ETOOLARGE more than `most` bytes are left; -WEIR_EPROTOCOL whether the
 *          client sends the body is unknown; as weir_request_read(). Waits. */
int weir__request_discard_body(weir_request *req, uint64_t most) WEIR_CHECKED;

/* Waits until more of the body may be taken; tells the client that it is wanted, if the client waits for
 * that.
 * Returns: as await_body() of a wire. */
int weir__request_await(weir_request *req) WEIR_CHECKED;

#endif
