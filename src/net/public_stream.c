/* SPDX-License-Identifier: MIT */
/* The functions of <weir/stream.h> for connected streams. */
#include "net/public_stream.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/reserved.h"
#include "core/runtime.h"
#include "core/task.h"
#include "io/os.h"
#include "net/idle_limit.h"
#include "net/network.h"

/* --- the record --- */

static weir_stream *stream_of(struct weir__handle *h)
{
    return weir__stream_of_extra(weir__container_of(h, struct weir__public_stream, handle));
}

static bool end(struct weir__handle *h)
{
    weir__stream_close_detached(stream_of(h), NULL);
    return true;
}

static void free_handle(struct weir__handle *h)
{
    free(stream_of(h));
}

static const struct weir__handle_type streams = {"streams", end, free_handle};

weir_stream *weir__public_stream_open(weir_stream *s, const void *opened_at)
{
    s->is_public = true;
    weir__handle_open(&weir__public_stream(s)->handle, &streams, opened_at);
    return s;
}

void weir__public_stream_belongs(weir_stream *s)
{
    weir__list_remove(&weir__public_stream(s)->handle.node);
}

/* --- making --- */

int weir_connect(const char *address, weir_stream **out)
{
    int err;

    (void)weir__calling_task(__func__);
    err = weir__connect(address, WEIR__PUBLIC_STREAM_BYTES, out);
    if (err == 0)
        (void)weir__public_stream_open(*out, __builtin_return_address(0));
    return err;
}

int weir_stream_of_fd(int fd, weir_stream **out)
{
    const struct weir__network *network;
    weir_stream *s;
    int err;

    (void)weir__calling_task(__func__);
    if (weir__loop_current()->runtime->options.io == WEIR_IO_SIM)
        return -ENOTSUP;
    err = weir__io_os_adopt(fd, false);
    if (err < 0)
        return err;
    s = weir__stream_new(WEIR__PUBLIC_STREAM_BYTES);
    if (s == NULL)
        return -ENOMEM;
    network = weir__network_here();
    err = network->attach(network, &s->socket, fd, &s->transport);
    if (err < 0) {
        free(s);
        return err;
    }
    *out = weir__public_stream_open(s, __builtin_return_address(0));
    return 0;
}

/* --- an upgrade --- */

/* Moves what carries the bytes from one stream to another: the socket lies in the stream, what stands on it
 * elsewhere. Returns: 0; -EBUSY; -ENOMEM or as attaching. */
static int move_transport(weir_stream *from, weir_stream *to)
{
    const struct weir__network *network = weir__network_here();
    struct weir__transport **bottom = &from->transport, *moved;
    int fd, err;

    while (weir__transport_lower(*bottom) != NULL)
        bottom = weir__transport_lower(*bottom);
    if (*bottom == &from->socket.transport) {
        fd = (*bottom)->type->release(*bottom);
        if (fd < 0)
            return fd;
        err = network->attach(network, &to->socket, fd, &moved);
        if (err < 0) {
            network->close_fd(network, fd);
            return err;
        }
        *bottom = moved;
    }
    to->transport = from->transport;
    return 0;
}

static int copy_unread(struct weir__public_stream *p, const void *ahead, size_t bytes)
{
    if (bytes == 0)
        return 0;
    p->unread = malloc(bytes);
    if (p->unread == NULL)
        return -ENOMEM;
    memcpy(p->unread, ahead, bytes);
    p->unread_from = 0;
    p->unread_bytes = bytes;
    return 0;
}

int weir__stream_unread(weir_stream *s, const void *data, size_t bytes)
{
    return copy_unread(weir__public_stream(s), data, bytes);
}

int weir__stream_publish(weir_stream *s, const void *ahead, size_t bytes, weir_stream **out)
{
    weir_stream *published;
    int err;

    if (s->users > 0 || s->awaiting || s->closing) /* a watch counts as a user */
        return -EBUSY;
    published = weir__stream_new(WEIR__PUBLIC_STREAM_BYTES);
    if (published == NULL)
        return -ENOMEM;
    err = copy_unread(weir__public_stream(published), ahead, bytes);
    if (err == 0)
        err = move_transport(s, published);
    if (err < 0) {
        free(weir__public_stream(published)->unread);
        free(published);
        return err;
    }
    published->broken = s->broken;
    free(s);
    *out = weir__public_stream_open(published, __builtin_return_address(0));
    return 0;
}

size_t weir__public_stream_take_unread(struct weir__public_stream *p, void *data, size_t bytes)
{
    size_t left = p->unread_bytes - p->unread_from, taken = bytes < left ? bytes : left;

    memcpy(data, p->unread + p->unread_from, taken);
    p->unread_from += taken;
    if (taken == left) {
        free(p->unread);
        p->unread = NULL;
    }
    return taken;
}

/* --- options --- */

enum { KEEPALIVE_MAX_S = 32767 }; /* of the kernel */

static int int_of(size_t bytes, int *out)
{
    *out = bytes > INT_MAX ? 0 : (int)bytes;
    return bytes > INT_MAX ? -EINVAL : 0;
}

int weir__stream_options_check(const weir_stream_options *o, struct weir__io_tuning *out)
{
    enum { SECOND_NS = 1000000000 };
    int64_t keepalive_s =
        o->keepalive.ns < 0 ? -1 : o->keepalive.ns / SECOND_NS + (o->keepalive.ns % SECOND_NS > 0);

    *out = (struct weir__io_tuning){.keepalive_s = (int)keepalive_s, .delay = o->delay};
    if (!weir__reserved_is_zero(o->reserved, sizeof o->reserved) || keepalive_s > KEEPALIVE_MAX_S ||
        int_of(o->send_buffer_bytes, &out->send_bytes) < 0)
        return -EINVAL;
    return int_of(o->receive_buffer_bytes, &out->receive_bytes);
}

int weir_stream_set_options(weir_stream *s, const weir_stream_options *options)
{
    struct weir__public_stream *p = weir__public_stream_check(s, __func__);
    struct weir__io_tuning tuning;
    int err = weir__stream_options_check(options, &tuning);

    if (err == 0)
        err = s->transport->type->tune(s->transport, &tuning);
    if (err == 0 && options->idle_timeout.ns != 0)
        p->idle_ns = options->idle_timeout.ns < 0 ? 0 : options->idle_timeout.ns;
    return err;
}

/* --- reading and writing --- */

static ssize_t read_unread(struct weir__public_stream *p, void *data, size_t bytes)
{
    int err = weir__wait_begin();

    return err < 0 ? err : (ssize_t)weir__public_stream_take_unread(p, data, bytes);
}

ssize_t weir_read(weir_stream *s, void *data, size_t bytes)
{
    struct weir__public_stream *p = weir__public_stream_check(s, __func__);
    struct weir__idle_limit limit;
    struct weir__transport_wait w;

    if (bytes == 0)
        return -EINVAL; /* a read of nothing would look like the end */
    if (p->unread != NULL)
        return read_unread(p, data, bytes);
    if (p->idle_ns == 0)
        return weir__stream_read(s, data, bytes);
    memset(&w, 0, sizeof w);
    w.op.type = WEIR__IO_RECV;
    w.op.data = data;
    w.op.len = bytes;
    weir__idle_limit_begin(&limit, s, &w, p->idle_ns);
    return weir__idle_limit_end(&limit, weir__stream_receive(s, &w));
}

static int write_pieces(weir_stream *s, struct iovec *pieces, size_t count, const char *function)
{
    struct weir__public_stream *p = weir__public_stream_check(s, function);
    struct weir__idle_limit limit;
    struct weir__stream_write write;

    if (p->idle_ns == 0)
        return weir__stream_write_whole(s, pieces, count);
    memset(&write, 0, sizeof write);
    weir__idle_limit_begin(&limit, s, &write.wait, p->idle_ns);
    return (int)weir__idle_limit_end(&limit, weir__stream_write_pieces(s, pieces, count, &write));
}

int weir_write_pieces(weir_stream *s, struct iovec *pieces, size_t count)
{
    return write_pieces(s, pieces, count, __func__);
}

int weir_write(weir_stream *s, const void *data, size_t bytes)
{
    struct iovec piece = {(void *)(uintptr_t)data, bytes};

    return write_pieces(s, &piece, 1, __func__);
}

int weir_stream_shutdown(weir_stream *s)
{
    (void)weir__public_stream_check(s, __func__);
    return weir__stream_shutdown(s);
}

const char *weir_stream_peer(const weir_stream *s, char *text)
{
    (void)weir__public_stream_check(s, __func__);
    return weir__stream_peer(s, text);
}

/* --- closing --- */

void weir_stream_close(weir_stream *s)
{
    if (s == NULL)
        return;
    (void)weir__public_stream_check(s, __func__);
    weir__stream_close(s);
}

void weir_stream_abort(weir_stream *s)
{
    if (s == NULL)
        return;
    (void)weir__public_stream_check(s, __func__);
    weir__stream_abort(s);
}
