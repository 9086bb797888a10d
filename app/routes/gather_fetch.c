/* SPDX-License-Identifier: MIT */
#include "routes/gather_fetch.h"

#include <errno.h>

#include <weir/scope.h>

#include "http/body_coding.h"

static int fail(struct gather_fetch *call, int err, const char *why)
{
    const weir_reply was = call->reply;

    weir_reply_free(&call->reply);
    call->reply.why = why;
    call->reply.attempts = was.attempts;
    call->reply.took = was.took;
    call->reply.instance = was.instance;
    return err;
}

/* Translates an error of a pool into one of a call. */
static int from_pool(int err)
{
    return err == -WEIR_ELATE ? -WEIR_EDEADLINE : err == -WEIR_ENESTED || err == -EAGAIN ? -WEIR_EBUSY : err;
}

/* Decodes a reply whose backend coded it although it was asked not to, or because the client's
 * accept-encoding is passed on. */
static int undo_coding(struct gather_fetch *call)
{
    const weir_bytes body = {call->reply.body, call->reply.body_bytes};
    struct codings codings;
    weir_buffer *plain = weir_request_alloc(call->req, sizeof *plain);
    int err;

    if (plain == NULL)
        return fail(call, -ENOMEM, NULL);
    weir_buffer_init(plain, (size_t)call->options.reply_bytes_max);
    body_coding_of_reply(&call->reply, &codings);
    if (codings.unknown)
        return fail(call, -WEIR_EPROTOCOL, "its content-encoding is not known");
    if (codings.count == 0)
        return 0;
    err = body_coding_undo(&codings, body, plain, weir_pool_compute(), NULL);
    if (err == -EBADMSG)
        return fail(call, -WEIR_EPROTOCOL, "its body is not what its content-encoding says");
    if (err == -WEIR_ETOOLARGE)
        return fail(call, err, "its body is too large without its content-encoding");
    if (err == 0)
        err = weir_client_hold(call->client, plain->cap);
    if (err < 0) {
        weir_buffer_free(plain);
        return fail(call, from_pool(err), NULL);
    }
    call->decoded = plain;
    return 0;
}

static int fetch(struct gather_fetch *call)
{
    int err = weir_fetch(call->client, &call->options, &call->reply);

    return err == 0 && call->reply.coded ? undo_coding(call) : err;
}

static int ask(void *arg)
{
    struct gather_fetch *call = arg;
    weir_duration deadline = call->settings->deadline;
    weir_scope scope;

    if (deadline.ns == 0)
        return call->err = fetch(call);
    weir_scope_open(&scope, weir_after(deadline), 0);
    call->err = fetch(call);
    (void)weir_scope_close(&scope);
    return call->err;
}

void gather_fetch_free(struct gather_fetch *call)
{
    if (call->decoded != NULL) {
        weir_client_unhold(call->client, call->decoded->cap);
        weir_buffer_free(call->decoded);
        call->decoded = NULL;
    }
    if (call->reply.memory != NULL)
        weir_reply_free(&call->reply);
}

void gather_fetch_all(struct gathering *g)
{
    const size_t last = g->state->settings->call_count - 1;
    const weir_instant now = weir_now(), deadline = weir_add(now, g->state->settings->deadline);
    weir_scope scope;

    g->note->began = now;
    weir_scope_open(&scope, client_deadline_min(deadline, g->until), WEIR_COLLECT);
    for (size_t i = 0; i < last; i++) {
        int err = weir_spawn(&scope, g->calls[i].settings->name, ask, &g->calls[i]);
        if (err < 0)
            g->calls[i].err = err;
    }
    (void)ask(&g->calls[last]); /* in this task, which has to wait anyway */
    (void)weir_scope_close(&scope);
}
