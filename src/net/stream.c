/* SPDX-License-Identifier: MIT */
/* Byte streams: reading, writing, closing, and waiting without a task. */
#include "net/stream.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "core/task.h"
#include "core/wait.h"
#include "net/address.h"

enum { PIECES_MAX = 64 };

/* --- making and freeing --- */

weir_stream *weir__stream_new(size_t extra_bytes)
{
    weir_stream *s = calloc(1, sizeof *s + extra_bytes);

    if (s == NULL)
        return NULL;
    weir__socket_init(&s->socket);
    s->transport = &s->socket.transport;
    return s;
}

int weir__stream_adopt(int fd, size_t extra_bytes, weir_stream **out)
{
    weir_stream *s = weir__stream_new(extra_bytes);
    int err = s == NULL ? -ENOMEM : weir__socket_attach(&s->socket, fd, false);

    if (err < 0) {
        weir__io_close_fd(weir__loop_current()->io, fd);
        free(s);
        return err;
    }
    *out = s;
    return 0;
}

int weir__stream_release(weir_stream *s)
{
    assert(s->users == 0 && !s->awaiting && !s->closing);
    int fd = s->transport->type->release(s->transport);

    if (fd >= 0)
        free(s);
    return fd;
}

/* What is inside a stream keeps it; the last to leave a closed one frees it. */
static void enter(weir_stream *s)
{
    s->users++;
}

static void leave(weir_stream *s)
{
    if (--s->users > 0 || !s->closing)
        return;
    if (s->closed != NULL)
        s->closed(s);
    free(s);
}

/* The end of a task's time in a stream, with what it is to be told. Once the stream is closed, nothing that
 * came of it counts any more, not even success: after this it may be gone. */
static int leave_with(weir_stream *s, int result)
{
    if (s->closing && (result >= 0 || result != weir_cancelled()))
        result = -WEIR_ECLOSED;
    leave(s);
    return result;
}

/* --- reading and writing --- */

static bool describe(const struct weir__look *look, const struct weir__task *task,
                     struct weir__wait_words *out, const char *doing)
{
    char peer[WEIR_ADDRESS_BYTES];

    if (!weir__transport_wait_address(look, task, true, peer))
        return false;
    (void)snprintf(out->text, sizeof out->text, "%s %s", doing, peer);
    return true;
}

static bool describe_reading(const struct weir__look *look, const struct weir__task *task,
                             struct weir__wait_words *out)
{
    return describe(look, task, out, "reading from");
}

static bool describe_writing(const struct weir__look *look, const struct weir__task *task,
                             struct weir__wait_words *out)
{
    return describe(look, task, out, "writing to");
}

static const struct weir__wait_class reading = {"reading from a stream", describe_reading,
                                                .charge = WEIR_CHARGE_STREAM},
                                     writing = {"writing to a stream", describe_writing,
                                                .charge = WEIR_CHARGE_STREAM};

static ssize_t receive(weir_stream *s, struct weir__transport_wait *w)
{
    int got;

    if (s->closing)
        return -WEIR_ECLOSED;
    if (s->reading || s->awaiting)
        return -WEIR_EBUSY;
    s->reading = true;
    s->reader = w;
    enter(s);
    w->transport = s->transport;
    got = weir__transport_wait(w, &reading);
    s->reading = false;
    if (got > 0 && w->op.type == WEIR__IO_RECV_LENT) {
        if (s->closing)
            s->transport->type->give_back(s->transport, w->op.data);
        else
            enter(s);
    }
    return leave_with(s, got);
}

ssize_t weir_read(weir_stream *s, void *data, size_t bytes)
{
    struct weir__transport_wait w;

    if (bytes == 0)
        return -EINVAL; /* nothing read could not be told from the end */
    memset(&w, 0, sizeof w);
    w.op.type = WEIR__IO_RECV;
    w.op.data = data;
    w.op.len = bytes;
    return receive(s, &w);
}

ssize_t weir__stream_read_lent(weir_stream *s, char **data)
{
    struct weir__transport_wait w;
    ssize_t got;

    memset(&w, 0, sizeof w);
    w.op.type = WEIR__IO_RECV_LENT;
    got = receive(s, &w);
    *data = got > 0 ? w.op.data : NULL;
    return got;
}

void weir__stream_return(weir_stream *s, char *data)
{
    if (data == NULL)
        return;
    s->transport->type->give_back(s->transport, data);
    leave(s);
}

static void advance(struct msghdr *msg, size_t sent)
{
    while (msg->msg_iovlen > 0 && sent >= msg->msg_iov->iov_len) {
        sent -= msg->msg_iov->iov_len;
        msg->msg_iov++;
        msg->msg_iovlen--;
    }
    if (msg->msg_iovlen > 0) {
        msg->msg_iov->iov_base = (char *)msg->msg_iov->iov_base + sent;
        msg->msg_iov->iov_len -= sent;
    }
}

int weir__stream_write_pieces(weir_stream *s, struct iovec *pieces, size_t count,
                              struct weir__stream_write *write)
{
    struct weir__transport_wait *w = &write->wait;
    struct msghdr msg = {.msg_iov = pieces, .msg_iovlen = count};
    int sent = 0;

    if (count > PIECES_MAX)
        return -EINVAL;
    if (s->closing)
        return -WEIR_ECLOSED;
    if (s->writing)
        return -WEIR_EBUSY;
    s->writing = true;
    enter(s);
    w->transport = s->transport;
    w->op.type = WEIR__IO_SEND;
    w->op.msg = &msg;
    advance(&msg, 0); /* passes over empty pieces */
    if (msg.msg_iovlen == 0)
        sent = weir__wait_begin(); /* a wait like any other */
    while (sent >= 0 && msg.msg_iovlen > 0) {
        sent = weir__transport_wait(w, &writing);
        if (sent > 0)
            advance(&msg, (size_t)sent);
    }
    s->writing = false;
    return leave_with(s, sent < 0 ? sent : 0);
}

int weir_write_pieces(weir_stream *s, struct iovec *pieces, size_t count)
{
    struct weir__stream_write write;

    memset(&write, 0, sizeof write);
    return weir__stream_write_pieces(s, pieces, count, &write);
}

int weir_write(weir_stream *s, const void *data, size_t bytes)
{
    struct iovec piece = {(void *)(uintptr_t)data, bytes};

    return weir_write_pieces(s, &piece, 1);
}

int weir_stream_shutdown(weir_stream *s)
{
    return s->closing ? -WEIR_ECLOSED : s->transport->type->shutdown(s->transport);
}

const char *weir_stream_peer(const weir_stream *s, char *text)
{
    struct sockaddr_storage addr;
    socklen_t len;

    if (s->transport->type->address(s->transport, true, &addr, &len) < 0)
        return strcpy(text, "?");
    if (addr.ss_family == AF_UNIX)
        return strcpy(text, "unix");
    return weir__address_format((struct sockaddr *)&addr, len, text);
}

int weir__stream_peer_address(weir_stream *s, struct sockaddr_storage *addr, socklen_t *len)
{
    return s->transport->type->address(s->transport, true, addr, len);
}

bool weir__stream_counts_acknowledged(const weir_stream *s)
{
    return s->transport->type->counts_acknowledged(s->transport);
}

uint64_t weir__stream_acknowledged(weir_stream *s)
{
    uint64_t bytes;

    return s->transport->type->acknowledged(s->transport, &bytes) < 0 ? 0 : bytes;
}

/* --- sending without a task --- */

static void finish_send(struct weir__stream_send *send, int result)
{
    weir_stream *s = send->stream;

    s->writing = false;
    send->sent(send, s, s->closing ? -ECANCELED : result); /* send is gone from here on */
    leave(s);
}

static void send_ended(struct weir__io_op *op);

/* Returns: 1 the rest is on its way; else how it ended. */
static int send_rest(struct weir__stream_send *send)
{
    struct weir__transport *t = send->stream->transport;

    while (send->msg.msg_iovlen > 0) {
        if (!t->type->submit(t, &send->op))
            return 1;
        if (send->op.result < 0)
            return send->op.result;
        advance(&send->msg, (size_t)send->op.result);
    }
    return 0;
}

static void send_ended(struct weir__io_op *op)
{
    struct weir__stream_send *send = weir__container_of(op, struct weir__stream_send, op);
    int result = op->result;

    if (result >= 0) {
        advance(&send->msg, (size_t)result);
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
    enter(s);
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
            enter(s);
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
        enter(s);
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

void weir__stream_stop_reading(weir_stream *s)
{
    if (s->reading && !s->closing)
        weir__transport_wait_stop(s->reader);
}

void weir__stream_await_cancel(weir_stream *s)
{
    if (s->awaiting)
        s->transport->type->cancel(s->transport, &s->op);
}

/* --- closing --- */

static void closed_detached(struct weir__io_op *op)
{
    leave(weir__container_of(op, weir_stream, op));
}

static void close_now(weir_stream *s)
{
    s->close_after_await = false;
    s->op.done = closed_detached;
    if (s->transport->type->close(s->transport, &s->op))
        leave(s);
}

void weir__stream_close_detached(weir_stream *s, void (*closed)(weir_stream *s))
{
    assert(!s->closing);
    s->closing = true;
    s->closed = closed;
    enter(s);
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

void weir_stream_close(weir_stream *s)
{
    if (s == NULL || s->closing)
        return;
    s->closing = true;
    s->closed = NULL;
    enter(s);
    weir__transport_wait_close(s->transport);
    leave(s);
}

void weir_stream_abort(weir_stream *s)
{
    if (s == NULL || s->closing)
        return;
    s->transport->type->reset_on_close(s->transport);
    weir_stream_close(s);
}
