/* SPDX-License-Identifier: MIT */
/* What the pump of bodies (http/pump) needs of a request and of a response.
 *
 * Threading: a task of the exchange.
 */
#ifndef WEIR__HTTP_SERVER_BODY_PUMP_H
#define WEIR__HTTP_SERVER_BODY_PUMP_H

#include "http/server/state.h"
#include "net/splice.h"

/* --- a request as a source --- */

/* Takes runs of the body that are here, where they lie; together at most `most` bytes.
 * Owns:    they stay there until one of the next two functions is called, or weir__request_splice().
 * Returns: the number of runs; 0: none is here, or the body has ended; as weir_request_read(). Does not wait.
 */
int weir__request_take_runs(weir_request *req, struct iovec *runs, size_t count, uint64_t most) WEIR_CHECKED;

/* The runs are used. splices: weir__request_splice() follows. */
void weir__request_runs_used(weir_request *req, bool splices);

/* Waits until more may be taken. Returns: 0; as weir_request_read(); the cause of a cancel, and reading can
 * go on.
 */
int weir__request_await_runs(weir_request *req) WEIR_CHECKED;

/* Receives into a pipe. Returns: > 0 bytes; -EAGAIN it is read instead; as weir__request_await_runs(). Waits.
 */
ssize_t weir__request_splice(weir_request *req, struct weir__splice *splice, uint64_t most) WEIR_CHECKED;

/* --- a response as a sink --- */

/* Whether its body can be sent from a pipe. */
bool weir__response_can_splice(struct weir__exchange *x);

/* Sends all that is in a pipe, after the head. Returns: as weir_respond_write(). */
int weir__response_splice(struct weir__exchange *x, struct weir__splice *splice) WEIR_CHECKED;

#endif
