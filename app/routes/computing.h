/* SPDX-License-Identifier: MIT */
/* What the routes share whose answer is made by a job: feeding bodies to jobs, and telling why one failed.
 *
 * Threading: tasks of the loop of the request.
 */
#ifndef APP_ROUTES_COMPUTING_H
#define APP_ROUTES_COMPUTING_H

#include <stdatomic.h>

#include <weir/http_server.h>
#include <weir/job.h>

#include "routes/route_pool.h"

/* The state of such a route on one loop: what its jobs are asked for with. */
struct computing {
    const struct config_route *route;
    struct route_pool where;
};

/* For open() of a kind of route: registers the kind of job as well.
 * Owns:    *state is freed with free().
 * Returns: 0; -ENOMEM; as weir_job_kind_register().
 */
int computing_open(const struct config_route *route, const weir_job_kind *kind, void **state);

/* Refused at once when the pool is full, and in the share of the route. */
weir_offload_options computing_options(const struct computing *computing);

/* Answers why a job of a kind failed: 415 foreign, 422 damaged, excessive or incomplete input, each with its
 * words; else returns err, for the server to answer.
 * Where:   task. Waits while the client does not take it.
 */
int computing_fail(weir_response *res, int err, const weir_job_fault *fault);

/* Where what a streamed job puts out goes. more: the job is not over. May wait. */
typedef int computing_emit(void *arg, const weir_buffer *out, bool more);

/* Feeds the body of a request to a job, piece by piece: while one piece is worked on, what came out of the
 * one before it is emitted and the next is read. Holds a quarter of a MiB for each of the two, less for a
 * small body. The first piece may be refused, later ones wait for their turn.
 * Returns: 0; as weir_request_read(), weir_job_stream_feed() and emit.
 * Cancel:  a queued piece never runs, a running one is waited for.
 * Where:   task. Waits.
 */
int computing_feed(weir_request *req, weir_job_stream *stream, computing_emit *emit, void *arg,
                   weir_job_fault *fault);

#endif
