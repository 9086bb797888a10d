/* SPDX-License-Identifier: MIT */
/* The lent buffers of a simulated loop: each is an allocation of its own, freed when it is handed back. */
#include <stdlib.h>
#include <string.h>

#include "io/sim/sim_kernel.h"

char *weir__sim_lend(struct sim *sim)
{
    uint32_t max = sim->options.lent_max;
    char *data;

    if (max == 0 || max > WEIR__IO_BUFFERS_COUNT)
        max = WEIR__IO_BUFFERS_COUNT;
    if (sim->stats.lent >= max) {
        sim->starving = true;
        return NULL;
    }
    data = weir__sim_alloc(WEIR__IO_BUFFERS_BYTES);
    memset(data, SIM_POISON, WEIR__IO_BUFFERS_BYTES);
    sim->lent = weir__sim_grow(sim->lent, &sim->lent_capacity, sim->stats.lent + 1, sizeof(char *));
    sim->lent[sim->stats.lent++] = data;
    return data;
}

void weir__sim_give_back(struct sim *sim, char *data)
{
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
