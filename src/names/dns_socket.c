/* SPDX-License-Identifier: MIT */
/* The sockets of c-ares: made, polled and closed by the seam. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "names/dns.h"

enum {
    HEAD_BYTES = 12,
    RCODE_MASK = 15,
    RCODE_SERVFAIL = 2,
    RCODE_NOTIMP = 4,
    RCODE_REFUSED = 5,
    EMPTY_MAX = 16, /* datagrams without a byte that are passed over at once */
};

struct dns_socket {
    struct weir__list node; /* in dns->sockets */
    struct weir__resolver *resolver;
    struct weir__dns *dns; /* NULL: it is being closed */
    struct weir__io_file file;
    struct weir__io_op in, out, close;
    int fd;
    bool is_datagram;
    bool wants_in, wants_out;
    bool polls_in, polls_out; /* the operation is pending */
    int sending_failed;       /* an error that the next receive is to report; 0: none */
    struct weir__name_server server;
};

static struct dns_socket *socket_of(struct weir__dns *dns, int fd)
{
    weir__list_each (node, &dns->sockets) {
        struct dns_socket *s = weir__container_of(node, struct dns_socket, node);
        if (s->fd == fd)
            return s;
    }
    return NULL;
}

/* --- polling --- */

static void polled_in(struct weir__io_op *op)
{
    struct dns_socket *s = weir__container_of(op, struct dns_socket, in);

    s->polls_in = false;
    if (s->dns != NULL)
        weir__dns_process(s->dns, s->fd, ARES_SOCKET_BAD);
}

static void polled_out(struct weir__io_op *op)
{
    struct dns_socket *s = weir__container_of(op, struct dns_socket, out);

    s->polls_out = false;
    if (s->dns != NULL)
        weir__dns_process(s->dns, ARES_SOCKET_BAD, s->fd);
}

/* Returns: whether the operation is pending; false: it has ended already, and is to be followed at once. */
static bool poll_one(struct dns_socket *s, struct weir__io_op *op, unsigned events,
                     void (*done)(struct weir__io_op *op))
{
    memset(op, 0, sizeof *op);
    op->type = WEIR__IO_POLL;
    op->file = &s->file;
    op->events = (uint16_t)events;
    op->done = done;
    return !weir__io_submit(s->resolver->loop->io, op);
}

/* The kernel reports the error of a datagram once: to the question that is sent next. The question before
 * must learn of it, too. */
ares_socket_t weir__dns_failed_socket(const struct weir__dns *dns)
{
    weir__list_each (node, &dns->sockets) {
        struct dns_socket *s = weir__container_of(node, struct dns_socket, node);
        if (s->sending_failed != 0)
            return s->fd;
    }
    return ARES_SOCKET_BAD;
}

void weir__dns_poll(struct weir__dns *dns)
{
    bool is_ready = false;

    weir__list_each (node, &dns->sockets) {
        struct dns_socket *s = weir__container_of(node, struct dns_socket, node);
        if (s->wants_in && !s->polls_in) {
            s->polls_in = poll_one(s, &s->in, POLLIN, polled_in);
            is_ready |= !s->polls_in;
        }
        if (s->wants_out && !s->polls_out) {
            s->polls_out = poll_one(s, &s->out, POLLOUT, polled_out);
            is_ready |= !s->polls_out;
        }
    }
    if (is_ready || weir__dns_failed_socket(dns) != ARES_SOCKET_BAD) /* the next turn goes on */
        weir__timeout_set(dns->lookup->resolver->loop, &dns->timeout, 0);
}

void weir__dns_socket_wanted(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct dns_socket *s = socket_of(arg, fd);

    if (s == NULL)
        return;
    s->wants_in = readable != 0;
    s->wants_out = writable != 0;
}

/* --- what c-ares calls --- */

static void free_socket(struct dns_socket *s)
{
    s->resolver->socket_count--;
    close(s->fd);
    free(s);
}

static void closed(struct weir__io_op *op)
{
    free_socket(weir__container_of(op, struct dns_socket, close));
}

static ares_socket_t make(int family, int type, int protocol, void *arg)
{
    struct weir__dns *dns = arg;
    struct weir__resolver *r = dns->lookup->resolver;
    struct dns_socket *s = calloc(1, sizeof *s);
    int err;

    if (s == NULL) {
        errno = dns->error = ENOMEM;
        return ARES_SOCKET_BAD;
    }
    s->fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    err = s->fd < 0 ? -errno : weir__io_attach(r->loop->io, &s->file, s->fd, true);
    if (err < 0) {
        if (s->fd >= 0)
            close(s->fd);
        free(s);
        errno = dns->error = -err;
        return ARES_SOCKET_BAD;
    }
    s->resolver = r;
    s->dns = dns;
    s->is_datagram = type == SOCK_DGRAM;
    weir__list_push_back(&dns->sockets, &s->node);
    r->socket_count++;
    return s->fd;
}

static int shut(ares_socket_t fd, void *arg)
{
    struct dns_socket *s = socket_of(arg, fd);

    if (s == NULL)
        return 0;
    weir__list_remove(&s->node);
    s->dns = NULL;
    s->close.done = closed;
    if (weir__io_close_file(s->resolver->loop->io, &s->file, &s->close))
        free_socket(s);
    return 0;
}

static void note_server(struct dns_socket *s, const struct sockaddr *to)
{
    const struct sockaddr_in *in = (const void *)to;
    const struct sockaddr_in6 *in6 = (const void *)to;

    if (to->sa_family == AF_INET) {
        s->server.ip.family = WEIR__IPV4;
        memcpy(s->server.ip.bytes, &in->sin_addr, sizeof in->sin_addr);
        s->server.port = ntohs(in->sin_port);
    } else {
        s->server.ip.family = WEIR__IPV6;
        memcpy(s->server.ip.bytes, &in6->sin6_addr, sizeof in6->sin6_addr);
        s->server.port = ntohs(in6->sin6_port);
    }
}

/* Keeps an error of a socket that means something: it is told if all servers fail. */
static void note_error(struct weir__dns *dns, const struct dns_socket *s, int error)
{
    if (error == EAGAIN || error == EINPROGRESS || error == EINTR)
        return;
    dns->error = error;
    dns->rcode = 0;
    (void)weir__name_server_format(&s->server, dns->server);
}

static int connect_to(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t len, void *arg)
{
    struct dns_socket *s = socket_of(arg, fd);
    int result;

    if (s == NULL) {
        errno = EBADF;
        return -1;
    }
    note_server(s, to);
    result = connect(fd, to, len);
    if (result < 0)
        note_error(arg, s, errno);
    return result;
}

/* c-ares passes over an answer with one of these codes, and does not say so. */
static void note_answer(struct weir__dns *dns, const struct dns_socket *s, const void *data, ssize_t len)
{
    const unsigned char *bytes = data;
    unsigned rcode = len >= HEAD_BYTES && s->is_datagram ? bytes[3] & RCODE_MASK : 0;

    if (rcode != RCODE_SERVFAIL && rcode != RCODE_NOTIMP && rcode != RCODE_REFUSED)
        return;
    dns->rcode = rcode;
    (void)weir__name_server_format(&s->server, dns->server);
}

/* An empty datagram would look like the end to c-ares. */
static ares_ssize_t receive(ares_socket_t fd, void *data, size_t len, int flags, struct sockaddr *from,
                            ares_socklen_t *from_len, void *arg)
{
    struct dns_socket *s = socket_of(arg, fd);
    socklen_t room = from_len != NULL ? *from_len : 0;
    ssize_t got = -1;

    if (s == NULL) {
        errno = EBADF;
        return -1;
    }
    if (s->sending_failed != 0) {
        errno = s->sending_failed;
        s->sending_failed = 0;
        return -1;
    }
    for (int i = 0; i < EMPTY_MAX; i++) {
        if (from_len != NULL)
            *from_len = room;
        got = recvfrom(fd, data, len, flags, from, from_len);
        if (got != 0 || !s->is_datagram)
            break;
    }
    if (got == 0 && s->is_datagram) {
        got = -1;
        errno = EAGAIN;
    }
    if (got > 0)
        note_answer(arg, s, data, got);
    else if (got < 0)
        note_error(arg, s, errno);
    return got;
}

static ares_ssize_t send_pieces(ares_socket_t fd, const struct iovec *pieces, int count, void *arg)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces, .msg_iovlen = (size_t)count};
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    struct dns_socket *s = socket_of(arg, fd);

    if (sent < 0 && s != NULL) {
        note_error(arg, s, errno);
        if (errno != EAGAIN && errno != EINTR)
            s->sending_failed = errno;
    }
    return sent;
}

static const struct ares_socket_functions functions = {make, shut, connect_to, receive, send_pieces};

void weir__dns_use_sockets(struct weir__dns *dns)
{
    ares_set_socket_functions(dns->channel, &functions, dns);
}
