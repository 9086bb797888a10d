/* SPDX-License-Identifier: MIT */
#include "gateway/edge.h"

#include <errno.h>

#include "auth/admit.h"
#include "edge/rates.h"
#include "http/cors.h"
#include "metrics/request_counts.h"

int edge_open(struct edge *edge, struct rates *rates, const struct auth_stores *stores,
              struct request_counts_loop *requests)
{
    *edge = (struct edge){.rates = rates, .requests = requests, .auth = stores};
    if (stores == NULL || stores->count == 0)
        return 0;
    edge->verified = verified_open();
    return edge->verified != NULL ? 0 : -ENOMEM;
}

void edge_close(struct edge *edge)
{
    verified_close(edge->verified);
    edge->verified = NULL;
}

/* The page, and the client. Apart, since most routes with a rate have neither rule. */
static __attribute__((noinline)) int ask_who(struct edge *edge, const struct config_route *route,
                                             weir_request *req, weir_response *res)
{
    int result = 0;

    if (route->cors != NULL)
        result = cors_admit(route->cors, req, res);
    if (result == 0 && route->auth != NULL)
        result = auth_admit(route->auth, auth_stores_find(edge->auth, route), edge->verified, req, res);
    return result;
}

static inline int ask_rate(struct edge *edge, const struct config_route *route, weir_request *req,
                           weir_response *res)
{
    bool shared;
    const int result = rates_admit(edge->rates, route, req, res, &shared);

    if (shared && edge->requests != NULL)
        request_counts_add_rate_shared(edge->requests, route);
    return result;
}

int edge_admit(struct edge *edge, const struct config_route *route, weir_request *req, weir_response *res)
{
    int result = 0;

    /* A preflight has no credential, nor is it counted: the request that it announces has and is. A page can
     * not see why a preflight was refused, and to refuse one costs more than to answer it. */
    if (route->cors != NULL)
        result = cors_preflight(req, res);
    if (result == 0 && route->rate != NULL)
        result = ask_rate(edge, route, req, res);
    if (result == 0 && (route->cors != NULL || route->auth != NULL))
        result = ask_who(edge, route, req, res);
    if (result == 0 && weir_request_body_is_too_large(req))
        result = -WEIR_ETOOLARGE;
    return result;
}
