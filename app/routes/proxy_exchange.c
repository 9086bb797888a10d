/* SPDX-License-Identifier: MIT */
#include "routes/proxy_exchange.h"

#include <errno.h>
#include <string.h>

#include <weir/scope.h>
#include <weir/task.h>

#include "routes/proxy_answer.h"
#include "routes/proxy_failure.h"
#include "routes/proxy_request.h"
#include "routes/proxy_tunnel.h"
#include "routes/proxy_upload.h"

/* The answer is waited for under the same time as the request is sent. */
int proxy_exchange_begin(struct proxying *p)
{
    const bool is_whole = !proxy_has_body(p) || proxy_upload_is_whole(p);
    weir_scope time;
    int err;

    if (client_deadline_passed(p->until))
        return -WEIR_EDEADLINE;
    p->since = weir_now();
    weir_scope_open(&time, client_deadline_min(weir_add(p->since, p->state->settings->timeout), p->until), 0);
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
        err = p->reply.status == 101 ? proxy_tunnel(p) : p->pass(p);
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

int proxy_exchange_end(struct proxying *p)
{
    int err = p->heard ? pass_answer(p) : pass_both(p);

    weir_fetch_close(p->fetch);
    p->fetch = NULL;
    return err;
}

int proxy_exchange(struct proxying *p)
{
    int err = proxy_exchange_begin(p);

    return err == 0 ? proxy_exchange_end(p) : err;
}

/* Answers for a backend that has failed, if the answer has not begun. Returns: as proxy_exchange_run(). */
static int conclude(struct proxying *p, int err)
{
    if (err < 0 && p->client_err < 0)
        return p->client_err;
    if (err == 0 || p->began || weir_cancelled() < 0)
        return err;
    return err == -EINVAL ? weir_respond_fault(p->res, 400, "malformed", "the request can't be passed on")
                          : proxy_respond_failed(p, err);
}

int proxy_exchange_run(struct proxying *p, int (*ask)(struct proxying *p))
{
    int err = proxy_request_make(p);

    if (err == -EINVAL)
        return weir_respond_fault(p->res, 400, "malformed", p->headers.fault);
    if (err == 0)
        err = proxy_upload_begin(p);
    if (err == 0)
        err = conclude(p, ask(p));
    weir_buffer_free(&p->held);
    return err;
}

/* --- before it --- */

/* TRACE would show the client what is added on the way. */
static int refuse_trace(weir_response *res)
{
    int err = weir_response_header_add(res, "allow", "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS");

    if (err == 0)
        err = weir_respond_fault(res, 405, "method_not_allowed", "TRACE is not passed on");
    return err < 0 ? err : 1;
}

int proxy_exchange_admit(weir_request *req, weir_response *res, weir_instant *until)
{
    return strcmp(weir_request_method(req), "TRACE") == 0 ? refuse_trace(res)
                                                          : client_deadline_read(req, res, until);
}
