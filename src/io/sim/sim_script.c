/* SPDX-License-Identifier: MIT */
/* The script of a simulated kernel: options, hooks, counters. */
#include "io/sim/sim_kernel.h"

#include <stdlib.h>

enum { MICROSECOND = 1000, MILLISECOND = 1000000 };

struct sim *weir__sim_of(const struct weir__io *io)
{
    if (io->backend != &weir__io_sim)
        weir__sim_die(NULL, "the script was given an io that is not simulated");
    return weir__container_of(io, struct sim, io);
}

struct weir__sim_options weir__sim_calm(void)
{
    return (struct weir__sim_options){
        .latency_min_ns = 20 * MICROSECOND,
        .latency_max_ns = 60 * MICROSECOND,
        .slow_ns = 50 * MILLISECOND,
        .retransmit_ns = 200 * MILLISECOND,
        .give_up_ns = (int64_t)924000 * MILLISECOND,
        .kernel_buffer_bytes = 65536,
        .connect_timeout_ns = (int64_t)127000 * MILLISECOND,
        .inline_per_million = 500000,
        .cancel_late_per_million = 100000,
        .cancel_max_ns = 10 * MICROSECOND,
    };
}

struct weir__sim_options weir__sim_rough(void)
{
    struct weir__sim_options o = weir__sim_calm();
    o.latency_min_ns = 10 * MICROSECOND;
    o.latency_max_ns = 5 * MILLISECOND;
    o.slow_per_million = 20000;
    o.loss_per_million = 10000;
    o.stall_per_million = 1000;
    o.reset_per_million = 5000;
    o.kernel_buffer_bytes = 4096;
    o.refuse_per_million = 20000;
    o.connect_stall_per_million = 5000;
    o.short_read_per_million = 300000;
    o.short_send_per_million = 200000;
    o.accept_emfile_per_million = 10000;
    o.cancel_late_per_million = 500000;
    o.cancel_max_ns = MILLISECOND;
    o.lent_max = 8;
    return o;
}

void weir__sim_configure(struct weir__io *io, const struct weir__sim_options *options)
{
    weir__sim_of(io)->options = *options;
}

void weir__sim_configure_address(struct weir__io *io, const struct sockaddr *addr, socklen_t len,
                                 const struct weir__sim_options *options)
{
    struct sim *sim = weir__sim_of(io);
    struct sim_address to = weir__sim_address_of(addr, len);
    struct sim_link *link = weir__sim_link_to(sim, &to);
    link->overridden = options != NULL;
    if (options != NULL)
        link->options = *options;
}

void weir__sim_partition(struct weir__io *io, const struct sockaddr *addr, socklen_t len, bool on)
{
    struct sim *sim = weir__sim_of(io);
    struct sim_address to = weir__sim_address_of(addr, len);
    struct sim_link *link = weir__sim_link_to(sim, &to);
    if (link->partitioned == on)
        return;
    link->partitioned = on;
    weir__sim_mark(sim, "partition", on, 0, 0);
    if (!on)
        weir__sim_heal(sim, link);
}

/* What a hook is to do travels in the subject, so that the queue of events stays one kind of thing. */
void weir__sim_hook_due(struct sim *sim, void *subject, uint64_t tag)
{
    (void)tag;
    struct sim_hook *hook = subject;
    weir__sim_mark(sim, "hook", 0, 0, 0);
    sim->hooks = weir__sim_grow(sim->hooks, &sim->hook_capacity, sim->hook_count + 1, sizeof *sim->hooks);
    sim->hooks[sim->hook_count++] = *hook;
    free(hook);
}

void weir__sim_at(struct weir__io *io, int64_t at_ns, void (*fn)(void *arg), void *arg)
{
    struct sim_hook *hook = weir__sim_alloc(sizeof *hook);
    hook->fn = fn;
    hook->arg = arg;
    weir__sim_push(weir__sim_of(io), at_ns, weir__sim_hook_due, hook, 0);
}

static short *ready_of(struct sim *sim, int fd)
{
    for (size_t i = 0; i < sim->foreign_count; i++)
        if (sim->foreign[i].fd == fd)
            return &sim->foreign[i].ready;
    size_t capacity = sim->foreign_count;
    sim->foreign = weir__sim_grow(sim->foreign, &capacity, capacity + 1, sizeof *sim->foreign);
    sim->foreign[sim->foreign_count] = (struct sim_foreign){.fd = fd};
    return &sim->foreign[sim->foreign_count++].ready;
}

void weir__sim_foreign_set_ready(struct weir__io *io, int fd, short events)
{
    struct sim *sim = weir__sim_of(io);
    *ready_of(sim, fd) = events;
    for (uint32_t slot = 0; slot < sim->socket_capacity; slot++) {
        const struct sim_socket *s = sim->sockets[slot];
        if (s != NULL && s->type == SIM_FOREIGN && s->foreign_fd == fd)
            weir__sim_kick(sim, slot);
    }
}

struct weir__random *weir__sim_random(struct weir__io *io)
{
    return &weir__sim_of(io)->random;
}

struct weir__sim_stats weir__sim_stats(const struct weir__io *io)
{
    const struct sim *sim = weir__sim_of(io);
    struct weir__sim_stats stats = sim->stats;
    stats.pending_events = (uint32_t)sim->queue.count;
    return stats;
}

void weir__sim_note(struct weir__io *io, uint64_t fact)
{
    weir__sim_mark(weir__sim_of(io), "note", fact, 0, 0);
}

void weir__sim_trace(struct weir__io *io, FILE *out)
{
    weir__sim_of(io)->trace = out;
}
