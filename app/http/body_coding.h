/* SPDX-License-Identifier: MIT */
/* Bodies with a content coding: reading the coding, and undoing it without holding up a loop.
 *
 * Threading: tasks of a loop.
 */
#ifndef APP_HTTP_BODY_CODING_H
#define APP_HTTP_BODY_CODING_H

#include <weir/http_client.h>
#include <weir/http_server.h>
#include <weir/pool.h>

#include "jobs/decoder.h"

/* Read the codings from the Content-Encoding fields. An empty body has none. */
void body_coding_of_request(const weir_request *req, struct codings *codings);
void body_coding_of_reply(const weir_reply *reply, struct codings *codings);

/* Undoes the codings: of a small body at once, of a larger one, and brotli, in a job of the pool. The maximum
 * of out is the largest body.
 * Owns:    in is lent; the caller frees out.
 * Returns: 0; else out is empty: -EBADMSG the body does not follow its codings; -WEIR_ETOOLARGE; as
 *          weir_job_run().
 * Cancel:  ends the wait.
 * Where:   task. Waits.
 */
WEIR_CHECKED int body_coding_undo(const struct codings *codings, weir_bytes in, weir_buffer *out,
                                  weir_pool *pool, const weir_offload_options *options);

/* Answers 415 with the codings that are taken; NULL: none.
 * Returns: as weir_respond_fault().
 */
int body_coding_refuse(weir_response *res, const char *taken);

/* Prepares body_coding_undo() on this loop.
 * Returns: as weir_job_kind_register(). */
WEIR_CHECKED int body_coding_open(void);

#endif
