/* SPDX-License-Identifier: MIT */
/* proxy: passes requests on to a backend, and its answers back, both as streams and at the same time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/scope.h>
#include <weir/task.h>

#include "config/route_kind.h"
#include "routes/proxy_answer.h"
#include "routes/proxy_failure.h"
#include "routes/proxy_request.h"
#include "routes/proxy_tunnel.h"
#include "routes/proxy_upload.h"

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

    return 2 * PROXY_PIECE_BYTES + (16 << 10) + 2 * settings->buffer_bytes;
}

/* --- a request --- */

/* Sends the request, with its body if that is here, under the time that the backend has for its answer. If
 * all of it is sent, the answer is waited for under the same. */
static int send_request(struct proxying *p)
{
    const bool is_whole = !proxy_has_body(p) || proxy_upload_is_whole(p);
    weir_scope time;
    int err;

    p->since = weir_now();
    weir_scope_open(&time, weir_add(p->since, p->state->settings->timeout), 0);
    err = proxy_request_send(p);
    if (err == 0 && proxy_has_body(p) && is_whole)
        proxy_upload_end(p);
    if (err == 0 && is_whole)
        proxy_answer_hear(p);
    (void)weir_scope_close(&time);
    return err;
}

/* Passes on the answer, as soon as it begins. */
static int pass_answer(struct proxying *p)
{
    int err = proxy_answer_await(p);

    if (err == 0)
        err = p->reply.status == 101 ? proxy_tunnel(p) : proxy_answer_pass(p);
    return err;
}

/* Passes on both bodies at once. The answer's end is that of the exchange: the backend needs no more then. */
static int pass_both(struct proxying *p)
{
    weir_scope scope;
    int err;

    p->uploads = true;
    p->uploaded = (weir_body_pumped){.waits_for = WEIR_BODY_SINK, .since = p->since}; /* what is held */
    weir_scope_open(&scope, weir_never(), 0);
    err = weir_spawn(&scope, "passing on a body", proxy_upload, p);
    if (err == 0)
        err = pass_answer(p);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    return err;
}

static int ask(struct proxying *p)
{
    int err = send_request(p);

    if (err == 0) {
        err = p->heard ? pass_answer(p) : pass_both(p);
        weir_fetch_close(p->fetch);
    }
    return err;
}

/* The result of the handler: a negative code is the client's fault, or breaks the answer off. */
static int conclude(struct proxying *p, int err)
{
    if (err < 0 && p->client_err < 0)
        return p->client_err;
    if (err == 0 || p->began || weir_cancelled() < 0)
        return err;
    return err == -EINVAL ? weir_respond_fault(p->res, 400, "malformed", "the request can't be passed on")
                          : proxy_respond_failed(p, err);
}

/* --- the handler --- */

static struct proxying *make(weir_request *req, weir_response *res, const struct proxy_state *state)
{
    struct proxying *p = weir_request_alloc(req, sizeof *p + sizeof *p->note);

    if (p == NULL)
        return NULL;
    memset(p, 0, sizeof *p + sizeof *p->note);
    p->state = state;
    p->req = req;
    p->res = res;
    p->note = (struct proxy_note *)(p + 1);
    p->note->base.kind = ROUTE_NOTE_PROXY;
    p->body_length = weir_request_body_length(req);
    return p;
}

/* TRACE would show the client what is added on the way. */
static int refuse_trace(weir_response *res)
{
    int err = weir_response_header_add(res, "allow", "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS");

    return err < 0 ? err : weir_respond_fault(res, 405, "method_not_allowed", "TRACE is not passed on");
}

static int handle(weir_request *req, weir_response *res, void *state)
{
    struct proxying *p;
    int err;

    if (strcmp(weir_request_method(req), "TRACE") == 0)
        return refuse_trace(res);
    p = make(req, res, state);
    if (p == NULL)
        return -ENOMEM;
    err = proxy_request_make(p);
    if (err == -EINVAL)
        return weir_respond_fault(res, 400, "malformed", p->headers.fault);
    if (err == 0)
        err = proxy_upload_begin(p);
    if (err == 0)
        err = conclude(p, ask(p));
    weir_buffer_free(&p->held);
    return err;
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
    .open = open_state,
    .close = free,
};
