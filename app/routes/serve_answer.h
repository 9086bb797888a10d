/* SPDX-License-Identifier: MIT */
/* The answer of an application, to the client.
 *
 * An answer of known length is read whole, if it has at most app.answer bytes, and then passed on; of a
 * longer one the beginning is passed on as it comes, and the last app.answer bytes are read. Of an answer of
 * unknown length each piece is passed on as it comes, and up to app.answer bytes are read before the client
 * has taken what came earlier (serve_stream.c).
 *
 * Threading: task of the request, and a task beside it.
 */
#ifndef APP_ROUTES_SERVE_ANSWER_H
#define APP_ROUTES_SERVE_ANSWER_H

#include "routes/serving.h"

/* Passes on the answer whose head has come, but a 101, and gives the place back as early as that is possible.
 * p: of a struct serving.
 * Returns: as proxy_answer_pass(). Waits. */
WEIR_CHECKED int serve_answer_pass(struct proxying *p);

#endif
