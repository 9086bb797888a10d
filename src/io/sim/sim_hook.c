/* SPDX-License-Identifier: MIT */
/* Hooks: functions of the script that a turn calls at an instant. */
#include <stdlib.h>

#include "io/sim/sim_kernel.h"

/* The hook travels as the subject of the event, so that all events have the same form. */
static void hook_due(struct sim *sim, void *subject, uint64_t tag)
{
    struct sim_hook *hook = subject;

    (void)tag;
    weir__sim_mark(sim, "hook", 0, 0, 0);
    sim->hooks = weir__sim_grow(sim->hooks, &sim->hook_capacity, sim->hook_count + 1, sizeof *sim->hooks);
    sim->hooks[sim->hook_count++] = *hook;
    free(hook);
}

void weir__sim_add_hook(struct sim *sim, int64_t at_ns, void (*fn)(void *arg), void *arg)
{
    struct sim_hook *hook = weir__sim_alloc(sizeof *hook);

    hook->fn = fn;
    hook->arg = arg;
    weir__sim_push(sim, at_ns, hook_due, hook, 0);
}

/* A hook may add further hooks. They are due in the next turn at the earliest. */
void weir__sim_call_hooks(struct sim *sim)
{
    if (sim->hook_count == 0)
        return;
    for (size_t i = 0; i < sim->hook_count; i++)
        sim->hooks[i].fn(sim->hooks[i].arg);
    sim->hook_count = 0;
    weir__io_wake(&sim->io);
}

void weir__sim_free_hooks(struct sim *sim)
{
    for (size_t i = 0; i < sim->queue.count; i++)
        if (sim->queue.heap[i].run == hook_due)
            free(sim->queue.heap[i].subject);
    free(sim->hooks);
}
