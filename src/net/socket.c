/* SPDX-License-Identifier: MIT */
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "core/loop.h"

static struct weir__socket *socket_of(struct weir__transport *t)
{
    return weir__container_of(t, struct weir__socket, transport);
}

static struct weir__io *io_here(void)
{
    return weir__loop_current()->io;
}

void weir__socket_init(struct weir__socket *s)
{
    s->transport.type = &weir__socket_type;
    s->file.fd = -1;
}

int weir__socket_attach(struct weir__socket *s, int fd, bool foreign)
{
    return weir__io_attach(io_here(), &s->file, fd, foreign);
}

static bool submit(struct weir__transport *t, struct weir__io_op *op)
{
    op->file = &socket_of(t)->file;
    return weir__io_submit(io_here(), op);
}

static void cancel(struct weir__transport *t, struct weir__io_op *op)
{
    (void)t;
    weir__io_cancel(io_here(), op);
}

static void give_back(struct weir__transport *t, char *data)
{
    (void)t;
    weir__io_return(io_here(), data);
}

static ssize_t send_now(struct weir__transport *t, const void *data, size_t bytes)
{
    return weir__io_send_now(io_here(), &socket_of(t)->file, data, bytes);
}

static ssize_t receive_now(struct weir__transport *t, void *data, size_t bytes)
{
    return weir__io_receive_now(io_here(), &socket_of(t)->file, data, bytes);
}

static int shut_down(struct weir__transport *t)
{
    return weir__io_shutdown(io_here(), &socket_of(t)->file);
}

static void reset_on_close(struct weir__transport *t)
{
    weir__io_reset_on_close(io_here(), &socket_of(t)->file);
}

static bool close_socket(struct weir__transport *t, struct weir__io_op *op)
{
    struct weir__io_file *file = &socket_of(t)->file;

    return file->fd < 0 || weir__io_close_file(io_here(), file, op);
}

static void free_nothing(struct weir__transport *t)
{
    (void)t;
}

static int release(struct weir__transport *t)
{
    return weir__io_detach(io_here(), &socket_of(t)->file);
}

static bool has_input(struct weir__transport *t)
{
    return weir__io_ask(io_here(), &socket_of(t)->file, POLLIN) > 0;
}

static bool counts_acknowledged(const struct weir__transport *t)
{
    return weir__container_of(t, struct weir__socket, transport)->file.tcp;
}

static int acknowledged(struct weir__transport *t, uint64_t *bytes)
{
    int err = weir__io_taken(io_here(), &socket_of(t)->file, bytes);

    return err < 0 ? err : 0;
}

static int tune(struct weir__transport *t, const struct weir__io_tuning *tuning)
{
    return weir__io_tune(io_here(), &socket_of(t)->file, tuning);
}

static int address(struct weir__transport *t, bool peer, struct sockaddr_storage *addr, socklen_t *len)
{
    return weir__io_address(io_here(), &socket_of(t)->file, peer, addr, len);
}

static const char *alpn(const struct weir__transport *t)
{
    (void)t;
    return "";
}

/* --- queues --- */

static int accept_now(struct weir__transport *t)
{
    return weir__io_accept(io_here(), &socket_of(t)->file);
}

static void stop(struct weir__transport *t)
{
    weir__io_stop_listening(io_here(), &socket_of(t)->file);
}

static int share(const struct weir__transport *t)
{
    int fd = fcntl(weir__container_of(t, struct weir__socket, transport)->file.fd, F_DUPFD_CLOEXEC, 0);

    return fd < 0 ? -errno : fd;
}

static const struct weir__queue_type queue_type = {accept_now, stop, share};

const struct weir__transport_type weir__socket_type = {
    .submit = submit,
    .cancel = cancel,
    .give_back = give_back,
    .send_now = send_now,
    .receive_now = receive_now,
    .shutdown = shut_down,
    .reset_on_close = reset_on_close,
    .close = close_socket,
    .free = free_nothing,
    .release = release,
    .counts_acknowledged = counts_acknowledged,
    .acknowledged = acknowledged,
    .tune = tune,
    .address = address,
    .alpn = alpn,
    .has_input = has_input,
    .queue = &queue_type,
};
