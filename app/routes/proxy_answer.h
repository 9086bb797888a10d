/* SPDX-License-Identifier: MIT */
/* The answer to a proxied request, from the backend to the client.
 *
 * Threading: task of the request.
 */
#ifndef APP_ROUTES_PROXY_ANSWER_H
#define APP_ROUTES_PROXY_ANSWER_H

#include "routes/proxying.h"

/* Waits for the first of the answer, under the deadline of the scope, when all of the request is sent. What
 * has come is for proxy_answer_await(). */
void proxy_answer_hear(struct proxying *p);

/* Waits for the head of the answer, p->reply. Informational answers before it are passed on.
 * Returns: 0; as weir_fetch_head(); -WEIR_EDEADLINE the backend has let settings.timeout pass. Waits.
 */
WEIR_CHECKED int proxy_answer_await(struct proxying *p);

/* Adds the headers of p->reply that are passed on.
 * Returns: 0, and *made has them; -WEIR_EPROTOCOL they are faulty, or more than an answer holds; -ENOMEM;
 *          after an error none is added.
 */
WEIR_CHECKED int proxy_answer_add_headers(struct proxying *p, struct proxy_headers *made);

/* Begins to pass on the answer: adds its headers, and has the connection to the client closed if too much of
 * the request is left. Returns: as proxy_answer_add_headers(). */
WEIR_CHECKED int proxy_answer_begin(struct proxying *p, struct proxy_headers *made);

/* Removes the headers, for an answer of our own. Before p->fetch is closed.
 * Returns: whether that is too late. */
bool proxy_answer_remove_headers(struct proxying *p, const struct proxy_headers *made);

/* Whether a trailer of an answer is passed on: weir_body_pump_options.passes_trailer. */
bool proxy_answer_passes_trailer(void *none, const char *name);

/* Passes on the answer whose head has come, but a 101.
 * Returns: 0 all of it; < 0: if p->began, the answer is to be broken off, and p->note says whether that is
 *          the backend's fault. Waits.
 */
WEIR_CHECKED int proxy_answer_pass(struct proxying *p);

#endif
