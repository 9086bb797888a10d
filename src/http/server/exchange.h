/* SPDX-License-Identifier: MIT */
/* An exchange, for the connection that carries it: see wire.h for the opposite direction.
 *
 * Threading: the loop's own stack or its tasks; nothing waits.
 */
#ifndef WEIR__HTTP_SERVER_EXCHANGE_H
#define WEIR__HTTP_SERVER_EXCHANGE_H

#include "http/server/state.h"

/* Allocates a protocol's structure of `bytes`, all zero, in an arena of its own. The structure begins with a
 * struct weir__exchange, which is initialized.
 * Returns: the exchange; NULL: no memory. */
struct weir__exchange *weir__exchange_new(struct weir__server_loop *home, const struct weir__wire *wire,
                                          size_t bytes);
void weir__exchange_free(struct weir__exchange *x);

/* Starts the task of an exchange, whose head is in request.head. Fields may lie in home->fields.
 * fault: the head can't be read, the request is refused for that reason; NULL: it can.
 * Returns: 0; -ENOMEM no task could be made. */
int weir__exchange_start(struct weir__exchange *x, const struct weir__http_fault *fault) WEIR_CHECKED;

/* Starts the task of an exchange whose head took too long to come in. Returns: as weir__exchange_start(). */
int weir__exchange_start_slow(struct weir__exchange *x) WEIR_CHECKED;

/* The client has left, and reads no response: cancels the exchange. */
void weir__exchange_client_left(struct weir__exchange *x);

/* Breaks the response off, and cancels the exchange. reason: for weir_exchange_record.refused. */
void weir__exchange_abort(struct weir__exchange *x, const char *reason, int err);

#endif
