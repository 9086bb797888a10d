/* SPDX-License-Identifier: MIT */
/* Bodies that come with a content coding: finding it out, and taking it off where it holds up nobody.
 *
 * Threading: tasks of a loop.
 */
#ifndef APP_HTTP_BODY_CODING_H
#define APP_HTTP_BODY_CODING_H

#include <weir/http_client.h>
#include <weir/http_server.h>
#include <weir/pool.h>

#include "jobs/decoder.h"

/* What the Content-Encoding fields say; an empty body has none. */
void body_coding_of_request(const weir_request *req, struct codings *codings);
void body_coding_of_reply(const weir_reply *reply, struct codings *codings);

/* Takes the codings off: little at once, more, and brotli, as a job of the pool. out is initialised with what
 * may come out.
 * Owns:    in is lent; the caller frees out.
 * Returns: 0; -EBADMSG it is not what the codings say; -WEIR_ETOOLARGE; as weir_job_run(). out is empty then.
 * Cancel:  ends the wait.
 * Where:   task. Waits.
 */
WEIR_CHECKED int body_coding_undo(const struct codings *codings, weir_bytes in, weir_buffer *out,
                                  weir_pool *pool, const weir_offload_options *options);

/* Answers 415 with what is taken: taken NULL, a body may have no coding here.
 * Returns: as weir_reply_fault().
 */
int body_coding_refuse(weir_response *res, const char *taken);

/* Has body_coding_undo() be had on this loop. */
WEIR_CHECKED int body_coding_open(void);

#endif
