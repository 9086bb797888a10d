/* SPDX-License-Identifier: MIT */
/* The state of the gateway on a loop: its client, the states of its routes, its counts.
 *
 * Threading: opened, used and closed on its loop.
 */
#ifndef APP_GATEWAY_LOOP_STATE_H
#define APP_GATEWAY_LOOP_STATE_H

#include <weir/http_client.h>
#include <weir/http_server.h>

#include "config/config.h"
#include "config/route_kind.h"
#include "gateway/edge.h"
#include "metrics/gateway_status.h"

struct app_gate;
struct auth_stores;
struct gather_counts_loop;
struct rates;
struct request_counts_loop;
struct response_coding;
struct tls_contexts;

struct loop_state {
    const struct config *config;
    struct gateway_status *status;
    struct request_counts_loop *requests; /* NULL: there is no admin address */
    struct gather_counts_loop *gathers;   /* as requests */
    struct route_loop shared;             /* by all routes: the client, the backends */
    weir_backend **backends;              /* those of `shared` */
    size_t backends_opened;
    struct app_queue **apps; /* those of `shared` */
    size_t apps_opened;
    struct edge edge;
    size_t opened;                   /* routes that are open */
    struct response_coding **coding; /* by number of the route; NULL: its answers are not compressed */
    void *route[];                   /* by number */
};

/* Opens the state, after gateway_status_runs(). tls: for https URLs. apps: NULL: no route serves one.
 * rates: NULL: no route has one. auth: NULL: no route asks who a client is. replies_bytes: the memory that
 * answers of backends may hold, on all loops together.
 * Owns:    config, status, tls, apps, rates and auth are lent until loop_state_close(), which calls
 * gateway_status_stops().
 * Returns: NULL after logging why, and gateway_status_stops().
 */
struct loop_state *loop_state_open(const struct config *config, struct gateway_status *status,
                                   const struct tls_contexts *tls, struct app_gate *apps, struct rates *rates,
                                   const struct auth_stores *auth, uint64_t replies_bytes);
void loop_state_close(void *loop);

/* The handler of every route: passes the request on to the kind of its route. state: a struct loop_state. */
int loop_state_answer(weir_request *req, weir_response *res, void *state);

/* Has the rules for headers applied to a refusal of the server: on_refusal of weir_server_options. */
int loop_state_refuse(void *arg, weir_request *req, weir_response *res, void *state);

#endif
