/* SPDX-License-Identifier: MIT */
/* proxy: passes requests on to a backend, and its answers back, both as streams and at the same time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/route_kind.h"
#include "routes/proxy_answer.h"
#include "routes/proxy_exchange.h"

/* --- settings --- */

static void backends(const void *arg, void (*each)(void *arg, const char *origin, struct config_place place),
                     void *each_arg)
{
    const struct proxy_settings *settings = arg;

    if (settings->backend == NULL)
        each(each_arg, settings->address != NULL ? settings->address : settings->origin, settings->place);
}

/* Two pieces, a task for the body, a connection, part of which is the kernel's, and what is held. */
static uint64_t exchange_bytes(const void *arg)
{
    const struct proxy_settings *settings = arg;

    return 2 * PROXY_PIECE_BYTES + (16 << 10) + 2 * settings->buffer_bytes +
           (settings->repeatable && settings->tries_twice ? PROXY_TWICE_BYTES : 0);
}

/* --- the handler --- */

static struct proxying *make(weir_request *req, weir_response *res, const struct proxy_state *state,
                             weir_instant until)
{
    struct proxying *p = weir_request_alloc(req, sizeof *p + sizeof *p->note);

    if (p == NULL)
        return NULL;
    memset(p, 0, sizeof *p + sizeof *p->note);
    p->state = state;
    p->address = state->settings->address;
    p->pass = proxy_answer_pass;
    p->req = req;
    p->res = res;
    p->note = (struct proxy_note *)(p + 1);
    p->note->base.kind = ROUTE_NOTE_PROXY;
    p->until = until;
    p->body_length = weir_request_body_length(req);
    return p;
}

static int handle(weir_request *req, weir_response *res, void *state)
{
    struct proxying *p;
    weir_instant until;
    int err;

    err = proxy_exchange_admit(req, res, &until);
    if (err != 0)
        return err < 0 ? err : 0;
    p = make(req, res, state, until);
    return p != NULL ? proxy_exchange_run(p, proxy_exchange) : -ENOMEM;
}

/* --- its state on a loop --- */

static int open_state(const struct config_route *route, const struct route_loop *loop, void **state)
{
    struct proxy_state *made = malloc(sizeof *made);

    if (made == NULL)
        return -ENOMEM;
    *made = (struct proxy_state){.settings = route->settings,
                                 .rules = &route->headers.request,
                                 .trusted = loop->config->trusted_proxies,
                                 .trusted_count = loop->config->trusted_proxy_count,
                                 .client = loop->client,
                                 .backends = loop->backends};
    *state = made;
    return 0;
}

const struct route_kind route_proxy = {
    .name = "proxy",
    .configure = proxy_settings_read,
    .backends = backends,
    .exchange_bytes = exchange_bytes,
    .handle = handle,
    .heeds_deadline = true,
    .open = open_state,
    .close = free,
};
