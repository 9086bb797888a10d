/* SPDX-License-Identifier: MIT */
/* Compressing the answers of a route that says `compress_response`.
 *
 * Threading: each belongs to the loop it was opened on.
 *
 * A small answer is compressed where it is made, a large one on the pool of the route, piece by piece when it
 * is streamed. When that pool is full, or nothing is gained, the answer goes out as it is: compressing is a
 * courtesy.
 */
#ifndef APP_HTTP_RESPONSE_CODING_H
#define APP_HTTP_RESPONSE_CODING_H

#include <weir/http_server.h>

#include "config/config.h"

struct response_coding;

/* Makes what one route needs on one loop.
 * Owns:    the caller closes it.
 * Returns: 0; -ENOMEM; as weir_job_kind_register().
 */
WEIR_CHECKED int response_coding_open(const struct config_route *route, struct response_coding **out);
void response_coding_close(struct response_coding *coding);

/* Has the answer to a request compressed, if it turns out to be worth it.
 * Returns: 0; -ENOMEM.
 */
WEIR_CHECKED int response_coding_use(struct response_coding *coding, weir_request *req, weir_response *res);

#endif
