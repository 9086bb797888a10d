/* SPDX-License-Identifier: MIT */
/* Routes whose answer is made by a job: feeding bodies to jobs, and answering for failed jobs.
 *
 * Threading: tasks of the loop of the request.
 */
#ifndef APP_ROUTES_COMPUTING_H
#define APP_ROUTES_COMPUTING_H

#include <stdatomic.h>

#include <weir/http_server.h>
#include <weir/job.h>

#include "routes/route_pool.h"

/* The state of such a route on a loop. */
struct computing {
    const struct config_route *route;
    struct route_pool where;
};

/* open() of such a kind of route; registers the kind of job as well.
 * Owns:    *state is freed with free().
 * Returns: 0; -ENOMEM; as weir_job_kind_register().
 */
int computing_open(const struct config_route *route, const weir_job_kind *kind, void **state);

/* The options of its jobs: the share of the route, and refused at once when the pool is full. */
weir_offload_options computing_options(const struct computing *computing);

/* Answers with the reason of a failed job: 415 for a foreign input, 422 for a damaged, excessive or
 * incomplete one.
 * Returns: as weir_respond_fault(); for any other failure err, which the server answers.
 * Where:   task. Waits while the client does not take the answer.
 */
int computing_fail(weir_response *res, int err, const weir_job_fault *fault);

/* Takes the output of a streamed job, piece by piece. more: the job is not over. May wait. */
typedef int computing_emit(void *arg, const weir_buffer *out, bool more);

/* Feeds the body of a request to a job, piece by piece. While a piece is worked on, the output of the last
 * piece is emitted, and the next piece is read. Holds two pieces of 256 KiB, less for a small body. The pool
 * may refuse the first piece; later pieces wait for their turn.
 * Returns: 0; as weir_request_read(), weir_job_stream_feed() and emit.
 * Cancel:  a queued piece never runs, a running piece is waited for.
 * Where:   task. Waits.
 */
int computing_feed(weir_request *req, weir_job_stream *stream, computing_emit *emit, void *arg,
                   weir_job_fault *fault);

#endif
