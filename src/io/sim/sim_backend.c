/* SPDX-License-Identifier: MIT */
/* The backend "sim" of the kernel seam: descriptors, turns, opening; its table of functions. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "io/os.h"
#include "io/sim/sim_kernel.h"

enum { START_NS = 1000000000 };

static struct sim *of(struct weir__io *io)
{
    return weir__container_of(io, struct sim, io);
}

/* --- descriptors --- */

static int sim_socket(struct weir__io *io, int family)
{
    struct sim *sim = of(io);

    if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
        return -EAFNOSUPPORT;
    return weir__sim_is_full(sim) ? -EMFILE : weir__sim_fd_of(weir__sim_add_socket(sim, SIM_FRESH, family));
}

static int sim_listen(struct weir__io *io, const struct sockaddr *addr, socklen_t len, int backlog,
                      bool reuse_port)
{
    struct sim *sim = of(io);
    struct sim_address wanted = weir__sim_address_of(addr, len), bound;
    int err = weir__sim_bind(sim, &wanted, reuse_port, &bound);
    struct sim_socket *s;

    if (err != 0)
        return err;
    if (weir__sim_is_full(sim))
        return -EMFILE;
    s = weir__sim_add_socket(sim, SIM_LISTENER, wanted.name.ss_family);
    s->bound = bound;
    s->reuse_port = reuse_port;
    s->queue_max = backlog > 0 ? (unsigned)backlog : 1;
    weir__list_push_back(&sim->listeners, &s->listener);
    return weir__sim_fd_of(s);
}

static void sim_close_fd(struct weir__io *io, int fd)
{
    struct sim *sim = of(io);
    struct sim_socket *s = weir__sim_socket_at(sim, fd);

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
    weir__sim_remove_socket(sim, s);
}

static int sim_attach(struct weir__io *io, struct weir__io_file *file)
{
    struct sim *sim = of(io);
    struct sim_socket *s = file->foreign ? weir__sim_add_socket(sim, SIM_FOREIGN, AF_UNSPEC)
                                         : weir__sim_socket_at(sim, file->fd);

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
    struct sim_socket *s = weir__sim_socket_of(sim, file);

    s->file = NULL;
    if (s->op_count > 0)
        weir__sim_die(sim, "detached with operations pending");
    if (s->type == SIM_FOREIGN)
        weir__sim_remove_socket(sim, s);
}

static int sim_address(struct weir__io *io, struct weir__io_file *file, bool peer,
                       struct sockaddr_storage *addr, socklen_t *len)
{
    const struct sim_socket *s = weir__sim_socket_of(of(io), file);
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
    struct sim_socket *s = weir__sim_socket_of(sim, file);
    const struct sim_end *end = s->type == SIM_STREAM ? &s->connection->end[s->side] : NULL;

    if (end == NULL || !end->established || end->gone)
        return -ENOTCONN;
    weir__sim_finish(sim, s->connection, s->side);
    weir__sim_kick(sim, s->slot);
    return 0;
}

static void sim_reset_on_close(struct weir__io *io, struct weir__io_file *file)
{
    weir__sim_socket_of(of(io), file)->reset_on_close = true;
}

static int sim_accept(struct weir__io *io, struct weir__io_file *file)
{
    struct sim *sim = of(io);
    struct weir__io_op op = {.type = WEIR__IO_ACCEPT, .file = file};
    int32_t result = weir__sim_attempt(sim, weir__sim_socket_at(sim, file->fd), &op, false);

    return result == SIM_WOULD_BLOCK ? -EAGAIN : result;
}

/* Nothing to do. A simulation has one seam, so no queue is shared, and closing stops the listener. */
static void sim_stop_listening(struct weir__io *io, struct weir__io_file *file)
{
    (void)io, (void)file;
}

static ssize_t sim_send_now(struct weir__io *io, struct weir__io_file *file, const void *data, size_t len)
{
    struct sim *sim = of(io);
    struct iovec piece = {(void *)(uintptr_t)data, len};
    struct msghdr msg = {.msg_iov = &piece, .msg_iovlen = 1};
    struct weir__io_op op = {.type = WEIR__IO_SEND, .msg = &msg};
    int32_t n = weir__sim_attempt(sim, weir__sim_socket_of(sim, file), &op, false);

    return n == SIM_WOULD_BLOCK ? -EAGAIN : n;
}

static ssize_t sim_receive_now(struct weir__io *io, struct weir__io_file *file, void *data, size_t len)
{
    struct sim *sim = of(io);
    struct weir__io_op op = {.type = WEIR__IO_RECV, .data = data, .len = len};
    int32_t n = weir__sim_attempt(sim, weir__sim_socket_of(sim, file), &op, false);

    return n == SIM_WOULD_BLOCK ? -EAGAIN : n;
}

static int sim_taken(struct weir__io *io, struct weir__io_file *file, uint64_t *taken)
{
    const struct sim_socket *s = weir__sim_socket_of(of(io), file);

    if (s->type != SIM_STREAM)
        return -ENOTCONN;
    *taken = s->connection->end[1 - s->side].taken_bytes;
    return 1;
}

static int sim_ask(struct weir__io *io, struct weir__io_file *file, short events)
{
    int scripted, present;

    if (!file->foreign)
        return weir__sim_ask(of(io), weir__sim_socket_of(of(io), file), events);
    scripted = weir__sim_foreign_ready(of(io), file->fd);
    if (scripted >= 0)
        return (scripted & (events | POLLERR | POLLHUP)) != 0 ? scripted & (events | POLLERR | POLLHUP)
                                                              : -EAGAIN;
    present = weir__io_os_ask(io, file, events);
    return present == -EAGAIN ? -ENOTSUP : present;
}

static int sim_tune(struct weir__io *io, struct weir__io_file *file, const struct weir__io_tuning *tuning)
{
    (void)io, (void)file, (void)tuning;
    return 0;
}

/* --- operations --- */

static bool sim_submit(struct weir__io *io, struct weir__io_op *op)
{
    return weir__sim_submit(of(io), op);
}

static void sim_cancel(struct weir__io *io, struct weir__io_op *op)
{
    weir__sim_cancel(of(io), op);
}

static void sim_give_back(struct weir__io *io, char *data)
{
    weir__sim_give_back(of(io), data);
}

/* --- turns --- */

static void run_due(struct sim *sim)
{
    struct sim_event event;

    while (weir__sim_pop_due(sim, &event)) {
        sim->stats.events++;
        event.run(sim, event.subject, event.tag);
    }
}

/* Returns: false: nothing has ended, and no hook was due. */
static bool report(struct sim *sim)
{
    bool something = sim->ended_count > 0 || sim->hook_count > 0;

    weir__sim_report_ended(sim);
    weir__sim_call_hooks(sim);
    return something;
}

/* Never sleeps, so the table has no wake(): io.c looks for a wake when this returns. */
static int sim_turn(struct weir__io *io, int64_t wait_until_ns)
{
    struct sim *sim = of(io);
    int64_t next_ns;

    sim->stats.turns++;
    for (;;) {
        run_due(sim);
        if (report(sim) || wait_until_ns <= sim->now_ns)
            return 0;
        next_ns = weir__sim_next_ns(sim);
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

static const int64_t *sim_virtual_ns(struct weir__io *io)
{
    return &of(io)->now_ns;
}

/* --- opening and freeing --- */

static int sim_open(const struct weir__io_options *options, struct weir__io **out)
{
    struct sim *sim = calloc(1, sizeof *sim);

    if (sim == NULL)
        return -ENOMEM;
    sim->now_ns = START_NS;
    sim->retry = weir__sim_retry;
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
    weir__sim_free_hooks(sim);
    free(sim->queue.heap);
    free(sim->sockets);
    free(sim->foreign);
    free(sim->lent);
    free(sim->ended);
    free(sim);
}

const struct weir__io_backend weir__io_sim = {
    .name = "sim",
    .open = sim_open,
    .free = sim_free,
    .now_ns = sim_now_ns,
    .virtual_ns = sim_virtual_ns,
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
    .receive_now = sim_receive_now,
    .ask = sim_ask,
    .tune = sim_tune,
    .taken = sim_taken,
    .submit = sim_submit,
    .cancel = sim_cancel,
    .give_back = sim_give_back,
    .turn = sim_turn,
};
