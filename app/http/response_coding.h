/* SPDX-License-Identifier: MIT */
/* Compressing the answers of a route with `compress_response`.
 *
 * Threading: each belongs to the loop it was opened on.
 *
 * A small answer is compressed on the loop, a large one in the pool of the route, a streamed one there piece
 * by piece. When the pool is full, or nothing is gained, the answer is sent uncompressed: compressing is
 * optional.
 */
#ifndef APP_HTTP_RESPONSE_CODING_H
#define APP_HTTP_RESPONSE_CODING_H

#include <weir/http_server.h>

#include "config/config.h"

struct response_coding;

/* Makes the state of a route on a loop.
 * Owns:    the caller closes it.
 * Returns: 0; -ENOMEM; as weir_job_kind_register().
 */
WEIR_CHECKED int response_coding_open(const struct config_route *route, struct response_coding **out);
void response_coding_close(struct response_coding *coding);

/* Lets the answer to a request be compressed, if that is worth it. Call it before the handler.
 * Returns: 0; -ENOMEM.
 */
WEIR_CHECKED int response_coding_use(struct response_coding *coding, weir_request *req, weir_response *res);

#endif
