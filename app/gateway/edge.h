/* SPDX-License-Identifier: MIT */
/* What is decided of a request before its route answers: preflights, how many may come, from which pages, who
 * may ask, and how large a body may be.
 *
 * Threading: as loop_state.h.
 */
#ifndef APP_GATEWAY_EDGE_H
#define APP_GATEWAY_EDGE_H

#include <weir/http_request.h>
#include <weir/http_response.h>

#include "config/config.h"

struct auth_stores;
struct rates;
struct request_counts_loop;
struct verified;

/* Of a loop. */
struct edge {
    struct rates *rates;                  /* NULL: no route has one */
    struct request_counts_loop *requests; /* NULL: nothing is counted */
    const struct auth_stores *auth;
    struct verified *verified; /* NULL: no route has passwords */
};

/* Opens it.
 * Owns:    rates, stores and requests are lent until edge_close(), which is due in any case.
 * Returns: 0; -ENOMEM.
 */
WEIR_CHECKED int edge_open(struct edge *edge, struct rates *rates, const struct auth_stores *stores,
                           struct request_counts_loop *requests);
void edge_close(struct edge *edge);

/* Reports whether a route has anything to be decided; most have not. */
static inline bool edge_is_wanted(const struct config_route *route)
{
    return route->cors != NULL || route->rate != NULL || route->auth != NULL;
}

/* Decides, in this order: a preflight is answered; the request is counted; the page that opens a WebSocket is
 * asked for; the client is; then the announced length of the body is looked at. So a flood of passwords is
 * too much before any of them is compared, and nothing is told to clients that may not ask.
 * Returns: 0 the route may answer; 1 it is answered; a negative code, which becomes the answer.
 * Cancel:  as auth_admit().
 * Where:   task. Waits.
 */
WEIR_CHECKED int edge_admit(struct edge *edge, const struct config_route *route, weir_request *req,
                            weir_response *res);

#endif
