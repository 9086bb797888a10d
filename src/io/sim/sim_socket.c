/* SPDX-License-Identifier: MIT */
/* The table of simulated descriptors. */
#include <stdlib.h>

#include "io/sim/sim_kernel.h"

struct sim_socket *weir__sim_socket_at(const struct sim *sim, int fd)
{
    uint32_t slot = (uint32_t)(fd - SIM_FIRST_FD);

    return fd >= SIM_FIRST_FD && slot < sim->socket_capacity ? sim->sockets[slot] : NULL;
}

struct sim_socket *weir__sim_socket_of(const struct sim *sim, const struct weir__io_file *file)
{
    struct sim_socket *s = file->slot < sim->socket_capacity ? sim->sockets[file->slot] : NULL;

    if (s == NULL || s->file != file)
        weir__sim_die(sim, "a file that is not attached");
    return s;
}

static uint32_t free_slot(struct sim *sim)
{
    uint32_t slot = 0;
    size_t capacity = sim->socket_capacity;

    while (slot < sim->socket_capacity && sim->sockets[slot] != NULL)
        slot++;
    if (slot < sim->socket_capacity)
        return slot;
    sim->sockets = weir__sim_grow(sim->sockets, &capacity, capacity + 1, sizeof(struct sim_socket *));
    for (size_t i = slot; i < capacity; i++)
        sim->sockets[i] = NULL;
    sim->socket_capacity = (uint32_t)capacity;
    return slot;
}

struct sim_socket *weir__sim_add_socket(struct sim *sim, enum sim_socket_type type, int family)
{
    uint32_t slot = free_slot(sim);
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

void weir__sim_remove_socket(struct sim *sim, struct sim_socket *s)
{
    if (s->op_count > 0)
        weir__sim_die(sim, "closed or detached with operations pending");
    if (s->type != SIM_FOREIGN)
        sim->stats.open_files--;
    sim->sockets[s->slot] = NULL;
    free(s->ops);
    free(s);
}

int weir__sim_fd_of(const struct sim_socket *s)
{
    return SIM_FIRST_FD + (int)s->slot;
}

bool weir__sim_is_full(const struct sim *sim)
{
    return sim->options.files_max > 0 && sim->stats.open_files >= sim->options.files_max;
}

void weir__sim_kick(struct sim *sim, uint32_t slot)
{
    struct sim_socket *s = slot != SIM_NO_SLOT ? sim->sockets[slot] : NULL;

    if (s == NULL || s->kicked || s->op_count == 0)
        return;
    s->kicked = true;
    weir__sim_push(sim, sim->now_ns, sim->retry, (void *)(uintptr_t)slot, s->id);
}
