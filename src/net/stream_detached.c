/* SPDX-License-Identifier: MIT */
/* Waiting, sending and closing without a task. */
#include <assert.h>
#include <errno.h>

#include "net/stream.h"
#include "net/stream_advance.h"

/* --- waiting without a task --- */

static void close_now(weir_stream *s);

static void await_ended(struct weir__io_op *op)
{
    weir_stream *s = weir__container_of(op, weir_stream, op);
    int32_t result = op->result;
    char *data = result > 0 && op->type == WEIR__IO_RECV_LENT ? op->data : NULL;

    s->awaiting = false;
    if (!s->closing) {
        if (data != NULL)
            weir__stream_enter(s);
        s->ready(s, data, result);
        return;
    }
    if (data != NULL)
        s->transport->type->give_back(s->transport, data);
    if (s->close_after_await)
        close_now(s);
}

bool weir__stream_await(weir_stream *s, void (*ready)(weir_stream *s, char *data, int32_t result),
                        char **data, int32_t *result)
{
    assert(!s->closing && !s->awaiting && !s->reading);
    s->op.type = WEIR__IO_RECV_LENT;
    s->op.done = await_ended;
    s->ready = ready;
    s->awaiting = !s->transport->type->submit(s->transport, &s->op);
    if (s->awaiting)
        return false;
    *result = s->op.result;
    *data = s->op.result > 0 ? s->op.data : NULL;
    if (*data != NULL)
        weir__stream_enter(s);
    return true;
}

bool weir__stream_await_end(weir_stream *s, void (*ready)(weir_stream *s, char *data, int32_t result))
{
    assert(!s->closing && !s->awaiting && !s->reading);
    s->op.type = WEIR__IO_POLL;
    s->op.events = 0;
    s->op.done = await_ended;
    s->ready = ready;
    s->awaiting = !s->transport->type->submit(s->transport, &s->op);
    return !s->awaiting;
}

void weir__stream_await_cancel(weir_stream *s)
{
    if (s->awaiting)
        s->transport->type->cancel(s->transport, &s->op);
}

/* --- sending without a task --- */

static void finish_send(struct weir__stream_send *send, int result)
{
    weir_stream *s = send->stream;

    s->writing = false;
    send->sent(send, s, s->closing ? -ECANCELED : result); /* send is gone from here on */
    weir__stream_leave(s);
}

static void send_ended(struct weir__io_op *op);

/* Sends what is left. Returns: 1 it is on its way; 0 all was sent; < 0. */
static int send_rest(struct weir__stream_send *send)
{
    struct weir__transport *t = send->stream->transport;

    while (send->msg.msg_iovlen > 0) {
        if (!t->type->submit(t, &send->op))
            return 1;
        if (send->op.result < 0)
            return send->op.result;
        weir__stream_advance(&send->msg, (size_t)send->op.result);
    }
    return 0;
}

static void send_ended(struct weir__io_op *op)
{
    struct weir__stream_send *send = weir__container_of(op, struct weir__stream_send, op);
    int result = op->result;

    if (result >= 0) {
        weir__stream_advance(&send->msg, (size_t)result);
        result = send_rest(send);
    }
    if (result <= 0)
        finish_send(send, result);
}

void weir__stream_send_detached(weir_stream *s, struct weir__stream_send *send)
{
    int result;

    assert(!s->writing && !s->closing);
    s->writing = true;
    weir__stream_enter(s);
    send->stream = s;
    send->piece = (struct iovec){(void *)(uintptr_t)send->data, send->bytes};
    send->msg = (struct msghdr){.msg_iov = &send->piece, .msg_iovlen = 1};
    send->op = (struct weir__io_op){.type = WEIR__IO_SEND, .done = send_ended, .msg = &send->msg};
    result = send_rest(send);
    if (result <= 0)
        finish_send(send, result);
}

ssize_t weir__stream_send_now(weir_stream *s, const void *data, size_t bytes)
{
    return s->transport->type->send_now(s->transport, data, bytes);
}

/* --- closing --- */

static void closed_detached(struct weir__io_op *op)
{
    weir__stream_leave(weir__container_of(op, weir_stream, op));
}

static void close_now(weir_stream *s)
{
    s->close_after_await = false;
    s->op.done = closed_detached;
    if (s->transport->type->close(s->transport, &s->op))
        weir__stream_leave(s);
}

void weir__stream_close_detached(weir_stream *s, void (*closed)(weir_stream *s))
{
    assert(!s->closing);
    s->closing = true;
    s->closed = closed;
    if (s->is_public)
        weir__public_stream_closed(weir__public_stream(s));
    weir__stream_enter(s);
    if (s->awaiting) { /* op is needed for the close, and not free yet */
        s->close_after_await = true;
        s->transport->type->cancel(s->transport, &s->op);
    } else {
        close_now(s);
    }
}

void weir__stream_abort_detached(weir_stream *s, void (*closed)(weir_stream *s))
{
    s->transport->type->reset_on_close(s->transport);
    weir__stream_close_detached(s, closed);
}
