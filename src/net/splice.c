/* SPDX-License-Identifier: MIT */
#include "net/splice.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/runtime.h"
#include "core/task.h"
#include "core/wait.h"
#include "net/idle_limit.h"
#include "net/proxy_transport.h"
#include "net/wait_address.h"

static struct weir__io *io_here(void)
{
    return weir__loop_current()->io;
}

static bool is_socket(const weir_stream *s)
{
    return weir__proxy_transport_through(s->transport)->type == &weir__socket_type;
}

bool weir__stream_can_splice(const weir_stream *s)
{
    return is_socket(s) && weir__loop_current()->runtime->options.io != WEIR_IO_SIM;
}

bool weir__stream_can_splice_in(const weir_stream *s, const struct weir__splice *splice)
{
    return splice->copies || weir__stream_can_splice(s);
}

size_t weir__splice_bytes(const struct weir__splice *splice)
{
    return splice->file != NULL   ? splice->file->bytes
           : splice->pipe != NULL ? splice->pipe->bytes
                                  : splice->copy.iov_len;
}

void weir__splice_end(struct weir__splice *splice)
{
    weir__io_pipe_return(io_here(), splice->pipe);
    splice->pipe = NULL;
    free(splice->copy.iov_base);
    splice->copy = (struct iovec){0};
    splice->file = NULL;
}

/* --- waiting for readiness --- */

static bool describe(const struct weir__look *look, const struct weir__task *task,
                     struct weir__wait_words *out)
{
    char peer[WEIR_ADDRESS_BYTES];

    if (!weir__transport_wait_address(look, task, true, peer))
        return false;
    (void)snprintf(out->text, sizeof out->text, "%s %s", task->wait->words, peer);
    return true;
}

static const struct weir__wait_class from_source = {"pumping from", describe, .charge = WEIR_CHARGE_STREAM},
                                     to_sink = {"pumping to", describe, .charge = WEIR_CHARGE_STREAM};

/* Waits for an operation of the stream. Returns: its result; as weir__transport_wait(); -WEIR_EIDLE. */
static int wait_for(weir_stream *s, struct weir__transport_wait *w, int64_t idle_ns,
                    const struct weir__wait_class *wait_class)
{
    struct weir__idle_limit limit;
    int result;

    w->transport = s->transport;
    if (idle_ns == 0) {
        result = weir__transport_wait(w, wait_class);
    } else {
        weir__idle_limit_begin(&limit, s, w, idle_ns);
        result = weir__transport_wait(w, wait_class);
        result = (int)weir__idle_limit_end(&limit, result);
    }
    return s->closing && result >= 0 ? -WEIR_ECLOSED : result;
}

/* Waits until a socket can be read or written. */
static int wait_ready(weir_stream *s, struct weir__transport_wait *w, short events, int64_t idle_ns,
                      const struct weir__wait_class *wait_class)
{
    w->op.type = WEIR__IO_POLL;
    w->op.events = (uint16_t)events;
    return wait_for(s, w, idle_ns, wait_class);
}

/* --- rounds --- */

static void choose_most(struct weir__splice *splice)
{
    if (splice->most == 0 || splice->waited)
        splice->most = WEIR__SPLICE_BYTES_MIN;
    else if (splice->most < WEIR__IO_PIPE_BYTES)
        splice->most *= 2;
    splice->waited = false;
}

static size_t take_memory(struct weir__splice *splice, size_t most)
{
    size_t room = most < WEIR__SPLICE_COPY_BYTES ? most : WEIR__SPLICE_COPY_BYTES;

    splice->copy.iov_base = malloc(room);
    return splice->copy.iov_base != NULL ? room : 0;
}

static ssize_t note_copy(struct weir__splice *splice, ssize_t got)
{
    if (got > 0)
        splice->copy.iov_len = (size_t)got;
    else
        weir__splice_end(splice);
    return got;
}

/* Takes what is there into memory. Returns: as fill(). */
static ssize_t fill_copy(weir_stream *s, struct weir__splice *splice, size_t most)
{
    size_t room = take_memory(splice, most);

    if (room == 0)
        return -ENOBUFS;
    return note_copy(splice, weir__io_receive_now(io_here(), &s->socket.file, splice->copy.iov_base, room));
}

/* Receives into memory from a transport that something has come for: while none has, no memory is held.
 * Returns: as weir__stream_splice_in(). */
static ssize_t receive_copy(weir_stream *s, struct weir__splice *splice, size_t most, int64_t idle_ns,
                            struct weir__transport_wait *w)
{
    size_t room;

    if (!s->transport->type->has_input(s->transport))
        return -EAGAIN;
    room = take_memory(splice, most);
    if (room == 0)
        return -EAGAIN;
    w->op.type = WEIR__IO_RECV;
    w->op.data = splice->copy.iov_base;
    w->op.len = room;
    return note_copy(splice, wait_for(s, w, idle_ns, &from_source));
}

/* Takes what is there. Returns: > 0; 0; -EAGAIN nothing; -ENOBUFS there is no pipe; < 0. */
static ssize_t fill(weir_stream *s, struct weir__splice *splice, size_t most)
{
    ssize_t got;

    if (splice->copies)
        return fill_copy(s, splice, most);
    splice->pipe = weir__io_pipe_lend(io_here());
    if (splice->pipe == NULL)
        return -ENOBUFS;
    got = weir__io_splice_in(io_here(), &s->socket.file, splice->pipe, most);
    if (got <= 0)
        weir__splice_end(splice);
    return got;
}

static ssize_t fill_or_wait(weir_stream *s, struct weir__splice *splice, size_t most, int64_t idle_ns,
                            struct weir__transport_wait *w)
{
    if (!is_socket(s))
        return receive_copy(s, splice, most, idle_ns, w);
    for (;;) {
        ssize_t got = fill(s, splice, most);
        int ready;

        if (got == -ENOBUFS)
            return -EAGAIN;
        if (got != -EAGAIN)
            return got;
        ready = wait_ready(s, w, POLLIN, idle_ns, &from_source);
        if (ready < 0)
            return ready;
    }
}

ssize_t weir__stream_splice_in(weir_stream *s, struct weir__splice *splice, uint64_t most, int64_t idle_ns)
{
    struct weir__transport_wait w;
    ssize_t got = weir__wait_begin(); /* spends budget though there may be nothing to wait for */

    if (got < 0)
        return got;
    if (s->closing)
        return -WEIR_ECLOSED;
    if (s->reading || s->awaiting)
        return -WEIR_EBUSY;
    choose_most(splice);
    memset(&w, 0, sizeof w);
    s->reading = true;
    s->reader = &w;
    weir__stream_enter(s);
    got = fill_or_wait(s, splice, most < splice->most ? (size_t)most : splice->most, idle_ns, &w);
    s->reading = false;
    weir__stream_leave(s);
    return got;
}

/* Returns: > 0; -EAGAIN; < 0. */
static ssize_t send_some(weir_stream *s, struct weir__splice *splice, size_t bytes)
{
    struct weir__splice_file *file = splice->file;
    ssize_t sent;

    if (file == NULL)
        return weir__io_splice_out(io_here(), &s->socket.file, splice->pipe, bytes);
    sent = weir__io_send_file(io_here(), &s->socket.file, file->fd, &file->offset, bytes);
    if (sent > 0)
        file->bytes -= (size_t)sent;
    return sent == 0 ? -WEIR_ETRUNCATED : sent;
}

/* Returns: 0; < 0. */
static int drain(weir_stream *s, struct weir__splice *splice, size_t bytes, int64_t idle_ns,
                 struct weir__transport_wait *w)
{
    while (bytes > 0) {
        ssize_t sent = send_some(s, splice, bytes);
        int ready;

        if (sent > 0) {
            bytes -= (size_t)sent;
            continue;
        }
        if (sent != -EAGAIN)
            return sent < 0 ? (int)sent : -EIO;
        splice->waited = true;
        ready = wait_ready(s, w, POLLOUT, idle_ns, &to_sink);
        if (ready >= 0 && splice->file != NULL)
            ready = splice->file->bring(splice->file);
        if (ready < 0)
            return ready;
    }
    return 0;
}

int weir__stream_splice_out(weir_stream *s, struct weir__splice *splice, size_t bytes, int64_t idle_ns,
                            struct weir__stream_write *write)
{
    struct weir__transport_wait *w = &write->wait;
    int err;

    if (s->closing || s->broken)
        return -WEIR_ECLOSED;
    if (s->writing)
        return -WEIR_EBUSY;
    if (w->stopped)
        return -WEIR_ECLOSED;
    s->writing = true;
    weir__stream_enter(s);
    err = drain(s, splice, bytes, idle_ns, w);
    s->writing = false;
    if (err < 0)
        s->broken = true; /* what is in the pipe is lost */
    else if (weir__splice_bytes(splice) == 0)
        weir__splice_end(splice);
    weir__stream_leave(s);
    return err;
}
