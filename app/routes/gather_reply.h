/* SPDX-License-Identifier: MIT */
/* The answer of a gather, made of the replies of its calls and sent.
 *
 * Threading: the task of the request.
 */
#ifndef APP_ROUTES_GATHER_REPLY_H
#define APP_ROUTES_GATHER_REPLY_H

#include "routes/gathering.h"

/* Answers with the outcomes of all calls, and notes how each ended. Replies are freed as soon as they have
 * been sent, or are not needed.
 * Returns: 0; -ENOMEM, -WEIR_ETOOLARGE; as weir_respond_pieces().
 * Where:   task. Waits while the client does not take the answer.
 */
WEIR_CHECKED int gather_reply(struct gathering *g, weir_response *res);

/* Notes how the calls ended, without an answer. */
void gather_reply_skip(struct gathering *g);

#endif
