/* SPDX-License-Identifier: MIT */
/* The script of a simulated kernel: what a test sets and reads. */
#include "io/sim/sim_kernel.h"

static struct sim *sim_of(const struct weir__io *io)
{
    if (io->backend != &weir__io_sim)
        weir__sim_die(NULL, "the script was given an io that is not simulated");
    return weir__container_of(io, struct sim, io);
}

void weir__sim_configure(struct weir__io *io, const struct weir__sim_options *options)
{
    sim_of(io)->options = *options;
}

void weir__sim_configure_address(struct weir__io *io, const struct sockaddr *addr, socklen_t len,
                                 const struct weir__sim_options *options)
{
    struct sim *sim = sim_of(io);
    struct sim_address to = weir__sim_address_of(addr, len);
    struct sim_link *link = weir__sim_link_to(sim, &to);

    link->overridden = options != NULL;
    if (options != NULL)
        link->options = *options;
}

void weir__sim_partition(struct weir__io *io, const struct sockaddr *addr, socklen_t len, bool on)
{
    struct sim *sim = sim_of(io);
    struct sim_address to = weir__sim_address_of(addr, len);
    struct sim_link *link = weir__sim_link_to(sim, &to);

    if (link->partitioned == on)
        return;
    link->partitioned = on;
    weir__sim_mark(sim, "partition", on, 0, 0);
    if (!on)
        weir__sim_heal(sim, link);
}

void weir__sim_at(struct weir__io *io, int64_t at_ns, void (*fn)(void *arg), void *arg)
{
    weir__sim_add_hook(sim_of(io), at_ns, fn, arg);
}

static short *ready_of(struct sim *sim, int fd)
{
    size_t capacity = sim->foreign_count;

    for (size_t i = 0; i < sim->foreign_count; i++)
        if (sim->foreign[i].fd == fd)
            return &sim->foreign[i].ready;
    sim->foreign = weir__sim_grow(sim->foreign, &capacity, capacity + 1, sizeof *sim->foreign);
    sim->foreign[sim->foreign_count] = (struct sim_foreign){.fd = fd};
    return &sim->foreign[sim->foreign_count++].ready;
}

void weir__sim_foreign_set_ready(struct weir__io *io, int fd, short events)
{
    struct sim *sim = sim_of(io);

    *ready_of(sim, fd) = events;
    for (uint32_t slot = 0; slot < sim->socket_capacity; slot++) {
        const struct sim_socket *s = sim->sockets[slot];
        if (s != NULL && s->type == SIM_FOREIGN && s->foreign_fd == fd)
            weir__sim_kick(sim, slot);
    }
}

struct weir__random *weir__sim_random(struct weir__io *io)
{
    return &sim_of(io)->random;
}

struct weir__sim_stats weir__sim_stats(const struct weir__io *io)
{
    const struct sim *sim = sim_of(io);
    struct weir__sim_stats stats = sim->stats;

    stats.pending_events = (uint32_t)sim->queue.count;
    return stats;
}

void weir__sim_note(struct weir__io *io, uint64_t fact)
{
    weir__sim_mark(sim_of(io), "note", fact, 0, 0);
}

void weir__sim_trace(struct weir__io *io, FILE *out)
{
    sim_of(io)->trace = out;
}
