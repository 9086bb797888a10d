/* SPDX-License-Identifier: MIT */
/* An answer of unknown length, of an application, to the client.
 *
 * Threading: task of the request, and a task beside it.
 */
#ifndef APP_ROUTES_SERVE_STREAM_H
#define APP_ROUTES_SERVE_STREAM_H

#include "routes/serving.h"

/* Passes it on, after its headers have been added, each piece as it comes, and reads up to `most` bytes
 * before the client has taken what came earlier. Returns: as proxy_answer_pass(). Waits. */
WEIR_CHECKED int serve_stream_pass(struct serving *s, uint64_t most);

#endif
