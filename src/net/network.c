/* SPDX-License-Identifier: MIT */
/* The network of sockets. */
#include "net/network.h"

#include "core/loop.h"
#include "core/runtime.h"

static int open_socket(const struct weir__network *n, struct weir__socket *room, int family,
                       struct weir__transport **out)
{
    (void)n;
    weir__socket_init(room);
    *out = &room->transport;
    return weir__io_socket(weir__loop_current()->io, &room->file, family);
}

static int listen_on(const struct weir__network *n, struct weir__socket *room, const struct sockaddr *addr,
                     socklen_t len, int backlog, bool reuse_port, struct weir__transport **out)
{
    (void)n;
    weir__socket_init(room);
    *out = &room->transport;
    return weir__io_listen(weir__loop_current()->io, &room->file, addr, len, backlog, reuse_port);
}

static void close_fd(const struct weir__network *n, int fd)
{
    (void)n;
    weir__io_close_fd(weir__loop_current()->io, fd);
}

static int attach(const struct weir__network *n, struct weir__socket *room, int fd,
                  struct weir__transport **out)
{
    (void)n;
    weir__socket_init(room);
    *out = &room->transport;
    return weir__socket_attach(room, fd, false);
}

static const struct weir__network sockets = {open_socket, listen_on, attach, close_fd, .makes_paths = true},
                                  simulated_sockets = {open_socket, listen_on, attach, close_fd,
                                                       .makes_paths = false};

const struct weir__network *weir__network_here(void)
{
    struct weir__loop *loop = weir__loop_current();

    if (loop->network != NULL)
        return loop->network;
    return loop->runtime->options.io == WEIR_IO_SIM ? &simulated_sockets : &sockets;
}
