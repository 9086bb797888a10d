/* SPDX-License-Identifier: MIT */
#include "routes/proxy_answer.h"

#include <errno.h>

#include <weir/scope.h>
#include <weir/task.h>

#include "routes/proxy_failure.h"
#include "routes/proxy_request.h"

/* --- waiting for the head --- */

/* Reports whether it is the client that is waited for. It is not, while it waits for 100 (Continue). */
static bool awaits_client(const struct proxying *p)
{
    return p->uploads && p->uploaded.waits_for == WEIR_BODY_SOURCE && !weir_request_awaits_continue(p->req);
}

/* When the backend will have let its time pass, or the client its own, as things stand. */
static weir_instant due(const struct proxying *p)
{
    const weir_duration timeout = p->state->settings->timeout;
    bool moves = p->uploads && p->uploaded.waits_for == WEIR_BODY_SINK;
    const weir_instant backend =
        awaits_client(p) ? weir_after(timeout) : weir_add(moves ? p->uploaded.since : p->since, timeout);

    return client_deadline_min(backend, p->until);
}

/* Waits for an informational answer, which is p->reply then, or the head. Returns: 1; 0; < 0. */
static int hear(struct proxying *p)
{
    int err = weir_fetch_informational(p->fetch, &p->reply);

    if (err < 0)
        p->why = p->reply.why;
    return err;
}

void proxy_answer_hear(struct proxying *p)
{
    p->heard_err = hear(p);
    p->heard = true;
}

/* As hear(), for as long as the backend may take. */
static int await_next(struct proxying *p)
{
    for (;;) {
        weir_scope time;
        int err;

        weir_scope_open(&time, due(p), 0);
        err = hear(p);
        (void)weir_scope_close(&time);
        if (err != -WEIR_EDEADLINE || !weir_scope_expired(&time))
            return err;
        /* Meanwhile the body may have gone on, which only its own task knew. */
        if (client_deadline_passed(p->until) ||
            (!awaits_client(p) && weir_between(weir_now(), due(p)).ns <= 0))
            return err;
    }
}

static int pass_informational(struct proxying *p, const weir_reply *reply)
{
    const struct proxy_memory memory = proxy_memory_of(p->req);
    struct proxy_headers made;
    int err = proxy_response_headers(reply, &memory, &made);

    if (err < 0)
        return err;
    return weir_respond_informational(p->res, reply->status, made.header, made.count - 1); /* without Via */
}

int proxy_answer_await(struct proxying *p)
{
    int err = p->heard ? p->heard_err : await_next(p);

    while (err > 0) {
        err = pass_informational(p, &p->reply);
        if (err < 0)
            return err;
        err = await_next(p);
    }
    return err < 0 ? err : weir_fetch_head(p->fetch, &p->reply); /* which does not wait any more */
}

/* --- the head --- */

/* The connection to the client can be used again only if all of its request is read. What is left of the body
 * now may be dropped later, if it is little, and if it is known to come. */
static bool leaves_too_much(const struct proxying *p)
{
    const uint64_t before = p->held.len > 0 ? p->held.len : p->first_bytes;
    const uint64_t taken = before + p->uploaded.bytes;

    if (!proxy_has_body(p) || p->body_read)
        return false;
    return p->body_length < 0 || (uint64_t)p->body_length - taken > PROXY_DISCARD_BYTES ||
           weir_request_awaits_continue(p->req);
}

bool proxy_answer_remove_headers(struct proxying *p, const struct proxy_headers *made)
{
    bool late = false;

    for (size_t i = 0; i < made->count; i++)
        late = weir_response_header_set(p->res, made->header[i].name, NULL) == -WEIR_EBUSY;
    return late;
}

int proxy_answer_add_headers(struct proxying *p, struct proxy_headers *made)
{
    const struct proxy_memory memory = proxy_memory_of(p->req);
    int err = proxy_response_headers(&p->reply, &memory, made);

    for (size_t i = 0; err == 0 && i < made->count; i++)
        err = weir_response_header_add(p->res, made->header[i].name, made->header[i].value);
    if (err == 0)
        return 0;
    (void)proxy_answer_remove_headers(p, made);
    return err == -EINVAL ? -WEIR_EPROTOCOL : err; /* they are more than an answer holds */
}

bool proxy_answer_passes_trailer(void *arg, const char *name)
{
    const struct proxy_named none = {.count = 0};

    (void)arg;
    return proxy_passes_trailer(&none, name);
}

int proxy_answer_begin(struct proxying *p, struct proxy_headers *made)
{
    int err = proxy_answer_add_headers(p, made);

    return err == 0 && leaves_too_much(p) ? weir_response_close(p->res) : err;
}

/* Each piece is sent as it comes: it may be an event. */
int proxy_answer_pass(struct proxying *p)
{
    const weir_body_source backend = {.fetch = p->fetch};
    const weir_body_pump_options options = {.idle_timeout = p->state->settings->timeout,
                                            .passes_trailer = proxy_answer_passes_trailer};
    weir_body_pumped pumped;
    struct proxy_headers made;
    int err = proxy_answer_begin(p, &made);

    if (err < 0)
        return err;
    err = weir_respond_pump(p->res, p->reply.status, NULL, &backend, &options, &pumped);
    if (err < 0)
        p->began = proxy_answer_remove_headers(
            p, &made); /* a fault in what came with the head is found before it is sent */
    return err < 0 && pumped.failed == WEIR_BODY_SOURCE ? proxy_failed(p, err) : err;
}
