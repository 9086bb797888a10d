/* SPDX-License-Identifier: MIT */
/* One attempt at an operation: what the system call would return now. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "io/sim/sim_kernel.h"

static int32_t at_most_int(size_t n)
{
    return n < INT32_MAX ? (int32_t)n : INT32_MAX;
}

/* --- connections --- */

static int32_t try_accept(struct sim *sim, struct sim_socket *s, struct weir__io_op *op)
{
    struct sim_connection *c;
    struct sim_socket *accepted;

    if (s->type != SIM_LISTENER)
        return -EINVAL;
    if (weir__list_is_empty(&s->queue))
        return SIM_WOULD_BLOCK;
    if (weir__sim_is_full(sim) ||
        weir__sim_fault(sim, sim->options.accept_emfile_per_million, "emfile", s->slot))
        return -EMFILE;
    c = weir__container_of(weir__list_pop_front(&s->queue), struct sim_connection, queued);
    s->queue_count--;
    accepted = weir__sim_add_socket(sim, SIM_STREAM, s->family);
    accepted->connection = c;
    accepted->side = 1;
    c->end[1].slot = accepted->slot;
    if (op->addr != NULL) {
        memcpy(op->addr, &c->name[0].name, op->addr_len < c->name[0].len ? op->addr_len : c->name[0].len);
        op->addr_len = c->name[0].len;
    }
    return weir__sim_fd_of(accepted);
}

static int32_t begin_connect(struct sim *sim, struct sim_socket *s, const struct weir__io_op *op)
{
    struct sim_address to = weir__sim_address_of(op->addr, op->addr_len);
    int err = weir__sim_connect(sim, s, &to);

    if (err != 0)
        sim->stats.connects_failed++;
    return err != 0 ? err : SIM_WOULD_BLOCK;
}

static int32_t try_connect(struct sim *sim, struct sim_socket *s, const struct weir__io_op *op, bool first)
{
    const struct sim_end *end;
    int error;

    if (s->type == SIM_FRESH && first)
        return begin_connect(sim, s, op);
    if (s->type != SIM_STREAM)
        return -EINVAL;
    end = &s->connection->end[s->side];
    if (first)
        return end->established ? -EISCONN : -EALREADY;
    if (end->established)
        return 0;
    if (!end->gone)
        return SIM_WOULD_BLOCK;
    error = end->error;
    weir__sim_leave(sim, s->connection, s->side, false);
    s->type = SIM_FRESH;
    s->connection = NULL;
    sim->stats.connects_failed++;
    return -error;
}

/* --- bytes --- */

static int32_t take_error(struct sim_end *end, int32_t otherwise)
{
    int error = end->error;

    end->error = 0;
    return error != 0 ? -error : otherwise;
}

/* The number of bytes a receive may take now. Not positive: the result the receive ends with, or
 * SIM_WOULD_BLOCK. */
static int32_t receivable(struct sim *sim, struct sim_socket *s, size_t len)
{
    struct sim_end *end;
    size_t unread;
    int32_t n;

    if (s->type != SIM_STREAM)
        return -ENOTCONN;
    end = &s->connection->end[s->side];
    unread = weir__sim_unread(s->connection, s->side);
    if (unread > 0) {
        n = at_most_int(unread < len ? unread : len);
        if (n > 1 && weir__sim_fault(sim, sim->options.short_read_per_million, "short read", s->slot))
            n = 1 + (int32_t)weir__random_below(&sim->random, (uint64_t)n);
        return n;
    }
    if (end->fin_seen)
        return 0;
    return end->gone ? take_error(end, 0) : SIM_WOULD_BLOCK;
}

static int32_t try_recv(struct sim *sim, struct sim_socket *s, struct weir__io_op *op)
{
    int32_t n = receivable(sim, s, op->len);

    if (n > 0)
        weir__sim_take(sim, s->connection, s->side, op->data, (size_t)n);
    return n;
}

static int32_t try_recv_lent(struct sim *sim, struct sim_socket *s, struct weir__io_op *op)
{
    int32_t n = receivable(sim, s, WEIR__IO_BUFFERS_BYTES);

    op->data = n > 0 ? weir__sim_lend(sim) : NULL;
    if (n <= 0)
        return n;
    if (op->data == NULL)
        return SIM_WOULD_BLOCK;
    weir__sim_take(sim, s->connection, s->side, op->data, (size_t)n);
    return n;
}

static size_t bytes_of(const struct msghdr *msg)
{
    size_t bytes = 0;

    for (size_t i = 0; i < msg->msg_iovlen; i++)
        bytes += msg->msg_iov[i].iov_len;
    return bytes;
}

static void send_first(struct sim *sim, struct sim_socket *s, const struct msghdr *msg, size_t n)
{
    char *bytes = weir__sim_alloc(n);
    size_t copied = 0;

    for (size_t i = 0; copied < n; i++) {
        const struct iovec *v = &msg->msg_iov[i];
        size_t part = v->iov_len < n - copied ? v->iov_len : n - copied;
        if (part > 0)
            memcpy(bytes + copied, v->iov_base, part);
        copied += part;
    }
    weir__sim_transmit(sim, s->connection, s->side, bytes, n);
    free(bytes);
}

static int32_t try_send(struct sim *sim, struct sim_socket *s, const struct weir__io_op *op)
{
    struct sim_end *end;
    size_t all, room;
    int32_t n;

    if (s->type != SIM_STREAM)
        return s->family == AF_UNIX ? -ENOTCONN : -EPIPE;
    end = &s->connection->end[s->side];
    if (end->gone || end->fin_sent)
        return take_error(end, -EPIPE);
    all = bytes_of(op->msg);
    if (all == 0)
        return 0;
    room = end->established ? weir__sim_room(sim, s->connection, s->side) : 0;
    if (room == 0)
        return SIM_WOULD_BLOCK;
    n = at_most_int(all < room ? all : room);
    if (n > 1 && weir__sim_fault(sim, sim->options.short_send_per_million, "short send", s->slot))
        n = 1 + (int32_t)weir__random_below(&sim->random, (uint64_t)n);
    send_first(sim, s, op->msg, (size_t)n);
    return n;
}

/* --- readiness --- */

static int stream_events(const struct sim *sim, const struct sim_socket *s)
{
    const struct sim_end *end = &s->connection->end[s->side];
    int events = 0;

    if (end->arrived.head != NULL || end->fin_seen || end->gone)
        events |= POLLIN;
    if (end->gone || end->fin_sent || (end->established && weir__sim_room(sim, s->connection, s->side) > 0))
        events |= POLLOUT;
    if (end->gone || end->fin_seen)
        events |= POLLRDHUP;
    if (end->gone || (end->fin_seen && end->fin_sent))
        events |= POLLHUP;
    return end->error != 0 ? events | POLLERR : events;
}

int weir__sim_foreign_ready(const struct sim *sim, int fd)
{
    for (size_t i = 0; i < sim->foreign_count; i++)
        if (sim->foreign[i].fd == fd)
            return sim->foreign[i].ready;
    return -1;
}

static int events_of(const struct sim *sim, const struct sim_socket *s)
{
    switch (s->type) {
    case SIM_LISTENER:
        return weir__list_is_empty(&s->queue) ? 0 : POLLIN;
    case SIM_STREAM:
        return stream_events(sim, s);
    case SIM_FRESH:
        return POLLOUT | POLLHUP;
    case SIM_FOREIGN:
        break;
    }
    return weir__sim_foreign_ready(sim, s->foreign_fd) < 0 ? 0 : weir__sim_foreign_ready(sim, s->foreign_fd);
}

int weir__sim_ask(const struct sim *sim, const struct sim_socket *s, short events)
{
    int present = events_of(sim, s) & (events | POLLERR | POLLHUP);

    return present != 0 ? present : -EAGAIN;
}

static int32_t try_poll(const struct sim *sim, const struct sim_socket *s, const struct weir__io_op *op)
{
    int events = events_of(sim, s) & (op->events | POLLERR | POLLHUP);

    return events != 0 ? events : SIM_WOULD_BLOCK;
}

int32_t weir__sim_attempt(struct sim *sim, struct sim_socket *s, struct weir__io_op *op, bool first)
{
    switch (op->type) {
    case WEIR__IO_ACCEPT:
        return try_accept(sim, s, op);
    case WEIR__IO_CONNECT:
        return try_connect(sim, s, op, first);
    case WEIR__IO_RECV:
        return try_recv(sim, s, op);
    case WEIR__IO_RECV_LENT:
        return try_recv_lent(sim, s, op);
    case WEIR__IO_SEND:
        return try_send(sim, s, op);
    case WEIR__IO_POLL:
        return try_poll(sim, s, op);
    default:
        return -EINVAL;
    }
}
