/* SPDX-License-Identifier: MIT */
/* Reads and writes of tasks. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/task.h"
#include "core/wait.h"
#include "net/stream.h"
#include "net/stream_advance.h"
#include "net/wait_address.h"

enum { PIECES_MAX = 64 };

/* Ends an operation of a task in a stream. Returns: its result; once the stream is closed not even a success
 * counts any more. The stream may be gone afterwards. */
static inline int leave_with(weir_stream *s, int result)
{
    if (s->closing && (result >= 0 || result != weir_cancelled()))
        result = -WEIR_ECLOSED;
    weir__stream_leave(s);
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

ssize_t weir__stream_receive(weir_stream *s, struct weir__transport_wait *w)
{
    int got;

    if (s->closing)
        return -WEIR_ECLOSED;
    if (s->reading || s->awaiting)
        return -WEIR_EBUSY;
    s->reading = true;
    s->reader = w;
    weir__stream_enter(s);
    w->transport = s->transport;
    got = weir__transport_wait(w, &reading);
    s->reading = false;
    if (got > 0 && w->op.type == WEIR__IO_RECV_LENT) {
        if (s->closing)
            s->transport->type->give_back(s->transport, w->op.data);
        else
            weir__stream_enter(s);
    }
    return leave_with(s, got);
}

ssize_t weir__stream_read(weir_stream *s, void *data, size_t bytes)
{
    struct weir__transport_wait w;

    memset(&w, 0, sizeof w);
    w.op.type = WEIR__IO_RECV;
    w.op.data = data;
    w.op.len = bytes;
    return weir__stream_receive(s, &w);
}

ssize_t weir__stream_read_lent(weir_stream *s, char **data)
{
    struct weir__transport_wait w;
    ssize_t got;

    memset(&w, 0, sizeof w);
    w.op.type = WEIR__IO_RECV_LENT;
    got = weir__stream_receive(s, &w);
    *data = got > 0 ? w.op.data : NULL;
    return got;
}

void weir__stream_stop_reading(weir_stream *s)
{
    if (s->reading && !s->closing && s->reader != NULL)
        weir__transport_wait_stop(s->reader);
}

/* --- writing --- */

/* Whether a failure is the connection's. After one of ours, a cancel, nothing of the operation was sent. */
static bool is_of_kernel(int err)
{
    return err > -WEIR_ECANCELED;
}

int weir__stream_write_pieces(weir_stream *s, struct iovec *pieces, size_t count,
                              struct weir__stream_write *write)
{
    struct weir__transport_wait *w = &write->wait;
    struct msghdr msg = {.msg_iov = pieces, .msg_iovlen = count};
    bool partly = false;
    int sent = 0;

    if (count > PIECES_MAX)
        return -EINVAL;
    if (s->closing || s->broken)
        return -WEIR_ECLOSED;
    if (s->writing)
        return -WEIR_EBUSY;
    s->writing = true;
    weir__stream_enter(s);
    w->transport = s->transport;
    w->op.type = WEIR__IO_SEND;
    w->op.msg = &msg;
    weir__stream_advance(&msg, 0); /* passes over empty pieces */
    if (msg.msg_iovlen == 0)
        sent = weir__wait_begin(); /* spends budget like any other */
    while (sent >= 0 && msg.msg_iovlen > 0) {
        sent = weir__transport_wait(w, &writing);
        if (sent > 0) {
            weir__stream_advance(&msg, (size_t)sent);
            partly = true;
        }
    }
    s->writing = false;
    if (sent < 0 && (partly || is_of_kernel(sent)))
        s->broken = true;
    return leave_with(s, sent < 0 ? sent : 0);
}

int weir__stream_write_whole(weir_stream *s, struct iovec *pieces, size_t count)
{
    struct weir__stream_write write;

    memset(&write, 0, sizeof write);
    return weir__stream_write_pieces(s, pieces, count, &write);
}

int weir__stream_write(weir_stream *s, const void *data, size_t bytes)
{
    struct iovec piece = {(void *)(uintptr_t)data, bytes};

    return weir__stream_write_whole(s, &piece, 1);
}
