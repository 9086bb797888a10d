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
    return p->upload == PROXY_FROM_CLIENT && !weir_request_awaits_continue(p->req);
}

/* When the backend will have let its time pass, as things stand. */
static weir_instant due(const struct proxying *p)
{
    const weir_duration timeout = p->state->settings->timeout;

    return awaits_client(p) ? weir_after(timeout) : weir_add(p->since, timeout);
}

/* Waits for an informational answer, or the head. Returns: 1; 0; < 0. */
static int await_next(struct proxying *p, weir_reply *reply)
{
    for (;;) {
        weir_scope time;
        int err;

        weir_scope_open(&time, due(p), 0);
        err = weir_fetch_informational(p->fetch, reply);
        (void)weir_scope_close(&time);
        if (err != -WEIR_EDEADLINE || !weir_scope_expired(&time))
            return err;
        /* Meanwhile the body may have gone on, which only its own task knew. */
        if (!awaits_client(p) && weir_between(weir_now(), due(p)).ns <= 0)
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
    weir_reply informational;
    int err;

    while ((err = await_next(p, &informational)) > 0) {
        err = pass_informational(p, &informational);
        if (err < 0)
            return err;
    }
    return err < 0 ? err : weir_fetch_head(p->fetch, &p->reply); /* which does not wait any more */
}

/* --- the head --- */

/* The connection to the client can be used again only if all of its request is read. What is left of the body
 * now may be dropped later, if it is little, and if it is known to come. */
static bool leaves_too_much(const struct proxying *p)
{
    if (!proxy_has_body(p) || p->body_read)
        return false;
    return p->body_length < 0 || (uint64_t)p->body_length - p->body_taken > PROXY_DISCARD_BYTES ||
           weir_request_awaits_continue(p->req);
}

int proxy_answer_add_headers(struct proxying *p)
{
    const struct proxy_memory memory = proxy_memory_of(p->req);
    struct proxy_headers made;
    int err = proxy_response_headers(&p->reply, &memory, &made);
    size_t added = 0;

    while (err == 0 && added < made.count) {
        err = weir_response_header_add(p->res, made.header[added].name, made.header[added].value);
        added += err == 0;
    }
    if (err == 0)
        return 0;
    for (size_t i = 0; i < added; i++)
        (void)weir_response_header_set(p->res, made.header[i].name, NULL);
    return err == -EINVAL ? -WEIR_EPROTOCOL : err; /* they are more than an answer holds */
}

static int pass_head(struct proxying *p)
{
    int err = proxy_answer_add_headers(p);

    if (err == 0 && leaves_too_much(p))
        err = weir_response_close(p->res);
    if (err < 0)
        return err;
    p->began = true;
    return weir_respond_begin(p->res, p->reply.status, NULL, proxy_content_length(&p->reply));
}

/* --- the body --- */

/* Reads the next bytes, of a backend that may be silent for so long. Returns: as weir_fetch_read(). */
static ssize_t read_piece(struct proxying *p, void *data, size_t bytes)
{
    weir_scope idle;
    ssize_t got;

    weir_scope_open(&idle, weir_after(p->state->settings->timeout), 0);
    got = weir_fetch_read(p->fetch, data, bytes);
    (void)weir_scope_close(&idle);
    return got;
}

/* Each piece is sent as it comes: it may be an event. */
static int move_body(struct proxying *p)
{
    char *piece = weir_request_alloc(p->req, PROXY_PIECE_BYTES);

    if (piece == NULL)
        return -ENOMEM;
    for (;;) {
        ssize_t got = read_piece(p, piece, PROXY_PIECE_BYTES);
        int err;

        if (got <= 0)
            return got < 0 && weir_cancelled() == 0 ? proxy_failed(p, (int)got) : (int)got;
        err = weir_respond_write(p->res, piece, (size_t)got);
        if (err < 0)
            return err;
    }
}

static int pass_trailers(struct proxying *p)
{
    size_t count;
    const weir_header *trailers = weir_fetch_trailers(p->fetch, &count);
    struct proxy_named none = {.count = 0};

    for (size_t i = 0; i < count; i++) {
        int err = 0;
        if (proxy_passes_trailer(&none, trailers[i].name))
            err = weir_response_trailer_add(p->res, trailers[i].name, trailers[i].value);
        if (err < 0 && err != -ENOTSUP) /* a client of HTTP/1.0 gets none */
            return err;
    }
    return 0;
}

int proxy_answer_pass(struct proxying *p)
{
    int err = pass_head(p);

    if (err == 0)
        err = move_body(p);
    return err < 0 ? err : pass_trailers(p);
}
