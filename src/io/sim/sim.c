/* SPDX-License-Identifier: MIT */
/* The simulated kernel's files and operations: a backend whose kernel is in memory and whose time is virtual.
 *
 * A file's pending operations are looked at when something about it has changed (a "kick"): each that can end
 * now is taken off and told at the end of the turn, in an order drawn from the seed.
 */
#include "io/sim/sim_kernel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
    POISON = 0xc3,
    CHECKED_BYTES = 16384, /* of a held buffer, so that large ones stay affordable */
    WOULD_BLOCK = INT32_MIN,
    START_NS = 1000000000,
};

static struct sim *of(struct weir__io *io)
{
    return weir__container_of(io, struct sim, io);
}

/* ---- descriptors ---- */

static struct sim_socket *socket_at(const struct sim *sim, int fd)
{
    uint32_t slot = (uint32_t)(fd - SIM_FIRST_FD);
    return fd >= SIM_FIRST_FD && slot < sim->socket_capacity ? sim->sockets[slot] : NULL;
}

static struct sim_socket *socket_of(const struct sim *sim, const struct weir__io_file *file)
{
    struct sim_socket *s = file->slot < sim->socket_capacity ? sim->sockets[file->slot] : NULL;
    if (s == NULL || s->file != file)
        weir__sim_die(sim, "a file that is not attached");
    return s;
}

static struct sim_socket *add_socket(struct sim *sim, enum sim_socket_type type, int family)
{
    uint32_t slot = 0;
    while (slot < sim->socket_capacity && sim->sockets[slot] != NULL)
        slot++;
    if (slot == sim->socket_capacity) {
        size_t capacity = sim->socket_capacity;
        sim->sockets = weir__sim_grow(sim->sockets, &capacity, capacity + 1, sizeof(struct sim_socket *));
        for (size_t i = slot; i < capacity; i++)
            sim->sockets[i] = NULL;
        sim->socket_capacity = (uint32_t)capacity;
    }
    struct sim_socket *s = weir__sim_alloc(sizeof *s);
    s->type = type;
    s->slot = slot;
    s->id = ++sim->next_id;
    s->family = family;
    weir__list_init(&s->listener);
    weir__list_init(&s->queue);
    sim->sockets[slot] = s;
    if (type != SIM_FOREIGN)
        sim->stats.open_files++;
    return s;
}

static int fd_of(const struct sim_socket *s)
{
    return SIM_FIRST_FD + (int)s->slot;
}

static void remove_socket(struct sim *sim, struct sim_socket *s)
{
    if (s->op_count > 0)
        weir__sim_die(sim, "closed or detached with operations pending");
    if (s->type != SIM_FOREIGN)
        sim->stats.open_files--;
    sim->sockets[s->slot] = NULL;
    free(s->ops);
    free(s);
}

static bool is_full(const struct sim *sim)
{
    return sim->options.files_max > 0 && sim->stats.open_files >= sim->options.files_max;
}

static int sim_socket(struct weir__io *io, int family)
{
    struct sim *sim = of(io);
    if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
        return -EAFNOSUPPORT;
    return is_full(sim) ? -EMFILE : fd_of(add_socket(sim, SIM_FRESH, family));
}

static int sim_listen(struct weir__io *io, const struct sockaddr *addr, socklen_t len, int backlog,
                      bool reuse_port)
{
    struct sim *sim = of(io);
    struct sim_address wanted = weir__sim_address_of(addr, len), bound;
    int err = weir__sim_bind(sim, &wanted, reuse_port, &bound);
    if (err != 0)
        return err;
    if (is_full(sim))
        return -EMFILE;
    struct sim_socket *s = add_socket(sim, SIM_LISTENER, wanted.name.ss_family);
    s->bound = bound;
    s->reuse_port = reuse_port;
    s->queue_max = backlog > 0 ? (unsigned)backlog : 1;
    weir__list_push_back(&sim->listeners, &s->listener);
    return fd_of(s);
}

static void sim_close_fd(struct weir__io *io, int fd)
{
    struct sim *sim = of(io);
    struct sim_socket *s = socket_at(sim, fd);
    if (s == NULL || s->type == SIM_FOREIGN)
        weir__sim_die(sim, "close of a descriptor that is not open");
    if (s->file != NULL)
        weir__sim_die(sim, "close of a descriptor that is attached");
    weir__sim_mark(sim, "close", (uint64_t)fd, 0, 0);
    if (s->connection != NULL)
        weir__sim_leave(sim, s->connection, s->side, s->reset_on_close);
    weir__list_each_safe (node, &s->queue) {
        weir__list_remove(node);
        weir__sim_leave(sim, weir__container_of(node, struct sim_connection, queued), 1, true);
    }
    weir__list_remove(&s->listener);
    remove_socket(sim, s);
}

static int sim_attach(struct weir__io *io, struct weir__io_file *file)
{
    struct sim *sim = of(io);
    struct sim_socket *s = file->foreign ? add_socket(sim, SIM_FOREIGN, AF_UNSPEC) : socket_at(sim, file->fd);
    if (s == NULL)
        return -EBADF;
    if (s->file != NULL)
        return -EEXIST;
    s->foreign_fd = file->fd;
    s->file = file;
    file->slot = s->slot;
    file->tcp = !file->foreign && s->family != AF_UNIX;
    return 0;
}

static void sim_detach(struct weir__io *io, struct weir__io_file *file)
{
    struct sim *sim = of(io);
    struct sim_socket *s = socket_of(sim, file);
    s->file = NULL;
    if (s->op_count > 0)
        weir__sim_die(sim, "detached with operations pending");
    if (s->type == SIM_FOREIGN)
        remove_socket(sim, s);
}

static int sim_address(struct weir__io *io, struct weir__io_file *file, bool peer,
                       struct sockaddr_storage *addr, socklen_t *len)
{
    const struct sim_socket *s = socket_of(of(io), file);
    struct sim_address a = {.name.ss_family = (sa_family_t)s->family, .len = sizeof(sa_family_t)};
    if (s->type == SIM_FOREIGN)
        return -ENOTSOCK;
    if (s->type == SIM_LISTENER && !peer)
        a = s->bound;
    else if (s->type == SIM_STREAM && (!peer || s->connection->end[s->side].established))
        a = s->connection->name[peer ? 1 - s->side : s->side];
    else if (peer)
        return -ENOTCONN;
    *addr = a.name;
    *len = a.len;
    return 0;
}

static int sim_shutdown(struct weir__io *io, struct weir__io_file *file)
{
    struct sim *sim = of(io);
    struct sim_socket *s = socket_of(sim, file);
    if (s->type != SIM_STREAM || !s->connection->end[s->side].established || s->connection->end[s->side].gone)
        return -ENOTCONN;
    weir__sim_finish(sim, s->connection, s->side);
    weir__sim_kick(sim, s->slot);
    return 0;
}

static void sim_reset_on_close(struct weir__io *io, struct weir__io_file *file)
{
    socket_of(of(io), file)->reset_on_close = true;
}

/* ---- what the kernel holds ---- */

static uint64_t sum(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t checksum(const struct weir__io_op *op)
{
    uint64_t hash = 0xcbf29ce484222325u;
    if (op->type == WEIR__IO_CONNECT)
        return sum(hash, op->addr, op->addr_len);
    if (op->type == WEIR__IO_RECV)
        return sum(hash, op->data, op->len < CHECKED_BYTES ? op->len : CHECKED_BYTES);
    if (op->type != WEIR__IO_SEND)
        return hash;
    size_t left = CHECKED_BYTES;
    for (size_t i = 0; i < op->msg->msg_iovlen && left > 0; i++) {
        const struct iovec *v = &op->msg->msg_iov[i];
        size_t n = v->iov_len < left ? v->iov_len : left;
        hash = sum(hash, v->iov_base, n);
        left -= n;
    }
    return hash;
}

static void hold_buffer(struct sim_op *held)
{
    struct weir__io_op *op = held->op;
    if (op->type == WEIR__IO_RECV)
        memset(op->data, POISON, op->len < CHECKED_BYTES ? op->len : CHECKED_BYTES);
    held->checksum = checksum(op);
}

static void check_buffer(const struct sim *sim, const struct sim_op *held)
{
    if (checksum(held->op) == held->checksum)
        return;
    weir__sim_die(sim, held->op->type == WEIR__IO_RECV
                           ? "the buffer of a pending receive was written by somebody else"
                           : "the bytes of a pending send or connect were changed");
}

/* ---- lent buffers ---- */

static char *lend(struct sim *sim)
{
    uint32_t max = sim->options.lent_max;
    if (max == 0 || max > WEIR__IO_BUFFERS_COUNT)
        max = WEIR__IO_BUFFERS_COUNT;
    if (sim->stats.lent >= max) {
        sim->starving = true;
        return NULL;
    }
    char *data = weir__sim_alloc(WEIR__IO_BUFFERS_BYTES);
    memset(data, POISON, WEIR__IO_BUFFERS_BYTES);
    sim->lent = weir__sim_grow(sim->lent, &sim->lent_capacity, sim->stats.lent + 1, sizeof(char *));
    sim->lent[sim->stats.lent++] = data;
    return data;
}

static void sim_give_back(struct weir__io *io, char *data)
{
    struct sim *sim = of(io);
    uint32_t i = 0;
    while (i < sim->stats.lent && sim->lent[i] != data)
        i++;
    if (i == sim->stats.lent)
        weir__sim_die(sim, "a buffer was handed back that is not lent");
    sim->lent[i] = sim->lent[--sim->stats.lent];
    free(data);
    if (!sim->starving)
        return;
    sim->starving = false;
    for (uint32_t slot = 0; slot < sim->socket_capacity; slot++)
        if (sim->sockets[slot] != NULL && sim->sockets[slot]->op_count > 0)
            weir__sim_kick(sim, slot);
}

/* ---- attempts: each the result, or WOULD_BLOCK ---- */

static int32_t try_accept(struct sim *sim, struct sim_socket *s, struct weir__io_op *op)
{
    if (s->type != SIM_LISTENER)
        return -EINVAL;
    if (weir__list_is_empty(&s->queue))
        return WOULD_BLOCK;
    if (is_full(sim) || weir__sim_fault(sim, sim->options.accept_emfile_per_million, "emfile", s->slot))
        return -EMFILE;
    struct sim_connection *c =
        weir__container_of(weir__list_pop_front(&s->queue), struct sim_connection, queued);
    s->queue_count--;
    struct sim_socket *accepted = add_socket(sim, SIM_STREAM, s->family);
    accepted->connection = c;
    accepted->side = 1;
    c->end[1].slot = accepted->slot;
    if (op->addr != NULL) {
        memcpy(op->addr, &c->name[0].name, op->addr_len < c->name[0].len ? op->addr_len : c->name[0].len);
        op->addr_len = c->name[0].len;
    }
    return fd_of(accepted);
}

static int sim_accept(struct weir__io *io, struct weir__io_file *file)
{
    struct sim *sim = of(io);
    struct weir__io_op op = {.file = file};
    int32_t result = try_accept(sim, socket_at(sim, file->fd), &op);
    return result == WOULD_BLOCK ? -EAGAIN : result;
}

/* A simulation has one seam: nobody shares a queue, and closing does the same. */
static void sim_stop_listening(struct weir__io *io, struct weir__io_file *file)
{
    (void)io, (void)file;
}

static int32_t try_connect(struct sim *sim, struct sim_socket *s, struct weir__io_op *op, bool first)
{
    if (s->type == SIM_FRESH && first) {
        struct sim_address to = weir__sim_address_of(op->addr, op->addr_len);
        int err = weir__sim_connect(sim, s, &to);
        if (err != 0)
            sim->stats.connects_failed++;
        return err != 0 ? err : WOULD_BLOCK;
    }
    if (s->type != SIM_STREAM)
        return -EINVAL;
    struct sim_end *end = &s->connection->end[s->side];
    if (first)
        return end->established ? -EISCONN : -EALREADY;
    if (end->established)
        return 0;
    if (!end->gone)
        return WOULD_BLOCK;
    int err = end->error;
    weir__sim_leave(sim, s->connection, s->side, false);
    s->type = SIM_FRESH;
    s->connection = NULL;
    sim->stats.connects_failed++;
    return -err;
}

static int32_t take_error(struct sim_end *end, int32_t otherwise)
{
    int error = end->error;
    end->error = 0;
    return error != 0 ? -error : otherwise;
}

/* How many bytes a receive may take now; not positive: the result it has to end with, or WOULD_BLOCK. */
static int32_t receivable(struct sim *sim, struct sim_socket *s, size_t len)
{
    if (s->type != SIM_STREAM)
        return -ENOTCONN;
    struct sim_end *end = &s->connection->end[s->side];
    size_t unread = weir__sim_unread(s->connection, s->side);
    if (unread > 0) {
        size_t n = unread < len ? unread : len;
        if (n > INT32_MAX)
            n = INT32_MAX;
        if (n > 1 && weir__sim_fault(sim, sim->options.short_read_per_million, "short read", s->slot))
            n = 1 + (size_t)weir__random_below(&sim->random, n);
        return (int32_t)n;
    }
    if (end->fin_seen)
        return 0;
    if (end->gone)
        return take_error(end, 0);
    return WOULD_BLOCK;
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
    op->data = NULL;
    if (n <= 0)
        return n;
    op->data = lend(sim);
    if (op->data == NULL)
        return WOULD_BLOCK;
    weir__sim_take(sim, s->connection, s->side, op->data, (size_t)n);
    return n;
}

static int32_t try_send(struct sim *sim, struct sim_socket *s, struct weir__io_op *op)
{
    if (s->type != SIM_STREAM)
        return s->family == AF_UNIX ? -ENOTCONN : -EPIPE;
    struct sim_end *end = &s->connection->end[s->side];
    if (end->gone || end->fin_sent)
        return take_error(end, -EPIPE);
    size_t all = 0;
    for (size_t i = 0; i < op->msg->msg_iovlen; i++)
        all += op->msg->msg_iov[i].iov_len;
    if (all == 0)
        return 0;
    size_t room = end->established ? weir__sim_room(sim, s->connection, s->side) : 0;
    if (room == 0)
        return WOULD_BLOCK;
    size_t n = all < room ? all : room;
    if (n > INT32_MAX)
        n = INT32_MAX;
    if (n > 1 && weir__sim_fault(sim, sim->options.short_send_per_million, "short send", s->slot))
        n = 1 + (size_t)weir__random_below(&sim->random, n);
    char *bytes = weir__sim_alloc(n);
    size_t copied = 0;
    for (size_t i = 0; copied < n; i++) {
        const struct iovec *v = &op->msg->msg_iov[i];
        size_t part = v->iov_len < n - copied ? v->iov_len : n - copied;
        if (part > 0)
            memcpy(bytes + copied, v->iov_base, part);
        copied += part;
    }
    weir__sim_transmit(sim, s->connection, s->side, bytes, n);
    free(bytes);
    return (int32_t)n;
}

static ssize_t sim_send_now(struct weir__io *io, struct weir__io_file *file, const void *data, size_t len)
{
    struct sim *sim = of(io);
    struct iovec piece = {(void *)(uintptr_t)data, len};
    struct msghdr msg = {.msg_iov = &piece, .msg_iovlen = 1};
    struct weir__io_op op = {.type = WEIR__IO_SEND, .msg = &msg};
    int32_t n = try_send(sim, socket_of(sim, file), &op);
    return n == WOULD_BLOCK ? -EAGAIN : n;
}

static int sim_taken(struct weir__io *io, struct weir__io_file *file, uint64_t *taken)
{
    const struct sim_socket *s = socket_of(of(io), file);
    if (s->type != SIM_STREAM)
        return -ENOTCONN;
    *taken = s->connection->end[1 - s->side].taken_bytes;
    return 1;
}

static int stream_events(const struct sim *sim, const struct sim_socket *s)
{
    const struct sim_end *end = &s->connection->end[s->side];
    int events = 0;
    if (end->arrived.head != NULL || end->fin_seen || end->gone)
        events |= POLLIN;
    if (end->gone || end->fin_sent || (end->established && weir__sim_room(sim, s->connection, s->side) > 0))
        events |= POLLOUT;
    if (end->gone || (end->fin_seen && end->fin_sent))
        events |= POLLHUP;
    return end->error != 0 ? events | POLLERR : events;
}

static int32_t try_poll(const struct sim *sim, const struct sim_socket *s, const struct weir__io_op *op)
{
    int events = 0;
    if (s->type == SIM_LISTENER) {
        events = weir__list_is_empty(&s->queue) ? 0 : POLLIN;
    } else if (s->type == SIM_STREAM) {
        events = stream_events(sim, s);
    } else if (s->type == SIM_FRESH) {
        events = POLLOUT | POLLHUP;
    } else {
        for (size_t i = 0; i < sim->foreign_count; i++)
            if (sim->foreign[i].fd == s->foreign_fd)
                events = sim->foreign[i].ready;
    }
    events &= op->events | POLLERR | POLLHUP;
    return events != 0 ? events : WOULD_BLOCK;
}

static int32_t attempt(struct sim *sim, struct sim_socket *s, struct weir__io_op *op, bool first)
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

/* ---- operations ---- */

static void note_end(struct sim *sim, const struct sim_socket *s, const struct weir__io_op *op,
                     int32_t result)
{
    sim->stats.completions++;
    weir__sim_mark(sim, "ends", s->slot, op->type, result);
}

static bool has_pending(const struct sim_socket *s, uint8_t type)
{
    for (size_t i = 0; i < s->op_count; i++)
        if (s->ops[i].op->type == type)
            return true;
    return false;
}

/* Connecting starts here whatever the seed says of its end: the address is read at once, as the kernel does.
 */
static bool sim_submit(struct weir__io *io, struct weir__io_op *op)
{
    struct sim *sim = of(io);
    struct sim_socket *s = socket_of(sim, op->file);
    bool at_once = op->type == WEIR__IO_CONNECT;
    if (!at_once && !has_pending(s, op->type))
        at_once = weir__sim_strikes(sim, sim->options.inline_per_million);
    if (at_once) {
        int32_t result = attempt(sim, s, op, true);
        if (result != WOULD_BLOCK) {
            sim->stats.inline_completions++;
            op->result = result;
            note_end(sim, s, op, result);
            return true;
        }
    }
    s->ops = weir__sim_grow(s->ops, &s->op_capacity, s->op_count + 1, sizeof *s->ops);
    struct sim_op *held = &s->ops[s->op_count++];
    *held = (struct sim_op){.op = op, .cancel_at_ns = INT64_MAX};
    hold_buffer(held);
    sim->stats.pending_ops++;
    weir__sim_kick(sim, s->slot);
    return false;
}

static void end_op(struct sim *sim, struct sim_socket *s, size_t i, int32_t result)
{
    struct weir__io_op *op = s->ops[i].op;
    memmove(&s->ops[i], &s->ops[i + 1], (--s->op_count - i) * sizeof *s->ops);
    sim->stats.pending_ops--;
    note_end(sim, s, op, result);
    sim->ended = weir__sim_grow(sim->ended, &sim->ended_capacity, sim->ended_count + 1, sizeof *sim->ended);
    sim->ended[sim->ended_count++] = (struct sim_ended){.op = op, .result = result};
}

static int32_t look_at(struct sim *sim, struct sim_socket *s, struct sim_op *held)
{
    check_buffer(sim, held);
    bool due = held->cancel_at_ns <= sim->now_ns;
    if (due && !weir__sim_strikes(sim, sim->options.cancel_late_per_million))
        return -ECANCELED;
    int32_t result = attempt(sim, s, held->op, false);
    return due && result == WOULD_BLOCK ? -ECANCELED : result;
}

static void look(struct sim *sim, void *subject, uint64_t id)
{
    uint32_t slot = (uint32_t)(uintptr_t)subject;
    struct sim_socket *s = sim->sockets[slot];
    if (s == NULL || s->id != id)
        return;
    s->kicked = false;
    for (size_t i = 0; i < s->op_count;) {
        int32_t result = look_at(sim, s, &s->ops[i]);
        if (result == WOULD_BLOCK)
            i++;
        else
            end_op(sim, s, i, result);
    }
}

void weir__sim_kick(struct sim *sim, uint32_t slot)
{
    struct sim_socket *s = slot != SIM_NO_SLOT ? sim->sockets[slot] : NULL;
    if (s == NULL || s->kicked || s->op_count == 0)
        return;
    s->kicked = true;
    weir__sim_push(sim, sim->now_ns, look, (void *)(uintptr_t)slot, s->id);
}

static void sim_cancel(struct weir__io *io, struct weir__io_op *op)
{
    struct sim *sim = of(io);
    struct sim_socket *s = socket_of(sim, op->file);
    for (size_t i = 0; i < s->op_count; i++) {
        if (s->ops[i].op != op)
            continue;
        int64_t at_ns = sim->now_ns + weir__sim_draw_ns(sim, 0, sim->options.cancel_max_ns);
        s->ops[i].cancel_at_ns = at_ns;
        weir__sim_push(sim, at_ns, look, (void *)(uintptr_t)s->slot, s->id);
        return;
    }
    weir__sim_die(sim, "cancel of an operation that is not pending");
}

/* ---- the turn ---- */

static void tell_ended(struct sim *sim)
{
    for (size_t i = sim->ended_count; i > 1; i--) {
        size_t j = (size_t)weir__random_below(&sim->random, i);
        struct sim_ended swap = sim->ended[j];
        sim->ended[j] = sim->ended[i - 1];
        sim->ended[i - 1] = swap;
    }
    for (size_t i = 0; i < sim->ended_count; i++)
        weir__io_finish(&sim->io, sim->ended[i].op, sim->ended[i].result);
    sim->ended_count = 0;
}

/* A hook may ask for further hooks; those are for the next turn. */
static void call_hooks(struct sim *sim)
{
    for (size_t i = 0; i < sim->hook_count; i++)
        sim->hooks[i].fn(sim->hooks[i].arg);
    sim->hook_count = 0;
    weir__io_wake(&sim->io);
}

static bool tell(struct sim *sim)
{
    bool something = sim->ended_count > 0 || sim->hook_count > 0;
    tell_ended(sim);
    if (sim->hook_count > 0)
        call_hooks(sim);
    return something;
}

/* Never sleeps, so there is nothing to wake: io.c sees a wake when this returns. */
static int sim_turn(struct weir__io *io, int64_t wait_until_ns)
{
    struct sim *sim = of(io);
    sim->stats.turns++;
    for (;;) {
        struct sim_event event;
        while (weir__sim_pop_due(sim, &event)) {
            sim->stats.events++;
            event.run(sim, event.subject, event.tag);
        }
        if (tell(sim) || wait_until_ns <= sim->now_ns)
            return 0;
        int64_t next_ns = weir__sim_next_ns(sim);
        if (next_ns == INT64_MAX && wait_until_ns == INT64_MAX)
            return -EDEADLK;
        weir__io_sleeps(io);
        sim->now_ns = next_ns < wait_until_ns ? next_ns : wait_until_ns;
        weir__io_woke(io);
    }
}

static int64_t sim_now_ns(struct weir__io *io)
{
    return of(io)->now_ns;
}

const int64_t *weir__sim_clock_ns(struct weir__io *io)
{
    return &of(io)->now_ns;
}

/* ---- open and free ---- */

static int sim_open(const struct weir__io_options *options, struct weir__io **out)
{
    struct sim *sim = calloc(1, sizeof *sim);
    if (sim == NULL)
        return -ENOMEM;
    sim->now_ns = START_NS;
    weir__random_seed(&sim->random, options->seed);
    sim->options = weir__sim_calm();
    weir__list_init(&sim->listeners);
    weir__list_init(&sim->connections);
    weir__list_init(&sim->links);
    *out = &sim->io;
    return 0;
}

static void sim_free(struct weir__io *io)
{
    struct sim *sim = of(io);
    for (uint32_t slot = 0; slot < sim->socket_capacity; slot++) {
        if (sim->sockets[slot] != NULL)
            free(sim->sockets[slot]->ops);
        free(sim->sockets[slot]);
    }
    weir__list_each_safe (c, &sim->connections)
        weir__sim_connection_free(sim, weir__container_of(c, struct sim_connection, node));
    weir__list_each_safe (link, &sim->links)
        free(weir__container_of(link, struct sim_link, node));
    for (uint32_t i = 0; i < sim->stats.lent; i++)
        free(sim->lent[i]);
    for (size_t i = 0; i < sim->queue.count; i++)
        if (sim->queue.heap[i].run == weir__sim_hook_due)
            free(sim->queue.heap[i].subject);
    free(sim->queue.heap);
    free(sim->sockets);
    free(sim->foreign);
    free(sim->lent);
    free(sim->ended);
    free(sim->hooks);
    free(sim);
}

const struct weir__io_backend weir__io_sim = {
    .name = "sim",
    .open = sim_open,
    .free = sim_free,
    .now_ns = sim_now_ns,
    .socket = sim_socket,
    .listen = sim_listen,
    .close_fd = sim_close_fd,
    .accept = sim_accept,
    .stop_listening = sim_stop_listening,
    .attach = sim_attach,
    .detach = sim_detach,
    .address = sim_address,
    .shutdown = sim_shutdown,
    .reset_on_close = sim_reset_on_close,
    .send_now = sim_send_now,
    .taken = sim_taken,
    .submit = sim_submit,
    .cancel = sim_cancel,
    .give_back = sim_give_back,
    .turn = sim_turn,
};
