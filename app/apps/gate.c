/* SPDX-License-Identifier: MIT */
#include "apps/gate.h"

#include <errno.h>
#include <stdlib.h>

/* --- open, close --- */

static int open_app(struct app_gate *gate, const struct config_app *app, struct app_here *out)
{
    int err;

    out->gate = gate;
    out->app = app;
    out->slots = calloc((size_t)gate->loops, sizeof *out->slots);
    if (out->slots == NULL)
        return -ENOMEM;
    for (int i = 0; i < gate->loops; i++)
        out->slots[i].here = out;
    err = app_block_open(gate->shared, app->name, &out->block);
    if (err == 0)
        atomic_store(&out->block->waiting_since_ns[gate->member], 0); /* an earlier member had this number */
    return err;
}

int app_gate_open(const struct config *config, weir_shared *shared, const char *folder, int loops,
                  struct app_gate **out)
{
    struct app_gate *gate = calloc(1, sizeof *gate + config->app_count * sizeof gate->apps[0]);
    int err = 0;

    if (gate == NULL)
        return -ENOMEM;
    (void)pthread_mutex_init(&gate->lock, NULL);
    gate->shared = shared;
    gate->member = weir_shared_member(shared);
    gate->folder = folder;
    gate->loops = loops;
    while (err == 0 && gate->count < config->app_count) {
        err = open_app(gate, &config->apps[gate->count], &gate->apps[gate->count]);
        gate->count++;
    }
    if (err < 0) {
        app_gate_close(gate);
        return err;
    }
    *out = gate;
    return 0;
}

void app_gate_close(struct app_gate *gate)
{
    if (gate == NULL)
        return;
    if (gate->listens)
        weir_shared_unlisten(gate->shared, &gate->listener);
    for (size_t i = 0; i < gate->count; i++)
        free(gate->apps[i].slots);
    (void)pthread_mutex_destroy(&gate->lock);
    free(gate);
}

/* --- hearing of free places --- */

/* On a thread of the shared memory. While it has the lock the runtime does not end. */
static void hear(void *arg)
{
    struct app_gate *gate = arg;
    struct app_longest longest;

    (void)pthread_mutex_lock(&gate->lock);
    for (size_t i = 0; i < gate->count && gate->runtime != NULL; i++)
        if (app_here_longest(&gate->apps[i], weir_now(), &longest) && longest.member == gate->member)
            app_here_wake(&gate->apps[i], &longest);
    (void)pthread_mutex_unlock(&gate->lock);
}

int app_gate_listen(struct app_gate *gate)
{
    int err = weir_shared_listen(gate->shared, &gate->listener, hear, gate);

    gate->listens = err == 0;
    return err;
}

void app_gate_enter(struct app_gate *gate)
{
    (void)pthread_mutex_lock(&gate->lock);
    gate->queues++;
    if (gate->runtime == NULL)
        gate->runtime = weir_runtime_here();
    (void)pthread_mutex_unlock(&gate->lock);
}

void app_gate_leave(struct app_gate *gate)
{
    (void)pthread_mutex_lock(&gate->lock);
    gate->queues--;
    if (gate->queues == 0)
        gate->runtime = NULL;
    (void)pthread_mutex_unlock(&gate->lock);
}

/* --- the loop that waits longest --- */

/* The loop whose request waits longest, or -1. */
static int longest_loop(struct app_here *here, int64_t *since_ns)
{
    int longest = -1;

    *since_ns = 0;
    for (int i = 0; i < here->gate->loops; i++) {
        const int64_t since = atomic_load(&here->slots[i].since_ns);

        if (since == 0 || (longest >= 0 && since >= *since_ns))
            continue;
        longest = i;
        *since_ns = since;
    }
    return longest;
}

/* Loops may do this at the same time: the last one to store has seen what all had stored before. */
void app_here_publish(struct app_here *here, int loop, int64_t since_ns)
{
    _Atomic int64_t *shown = &here->block->waiting_since_ns[here->gate->member];
    int64_t longest_ns, again_ns;

    atomic_store(&here->slots[loop].since_ns, since_ns);
    (void)longest_loop(here, &longest_ns);
    do {
        atomic_store(shown, longest_ns);
        again_ns = longest_ns;
        (void)longest_loop(here, &longest_ns);
    } while (longest_ns != again_ns);
}

bool app_here_longest(struct app_here *here, weir_instant now, struct app_longest *out)
{
    const int64_t stale_ns = now.ns - here->app->wait.ns - weir_seconds(1).ns;
    int64_t longest_ns = INT64_MAX;

    out->member = out->loop = -1;
    for (int i = 0; i < WEIR_SHARED_MEMBERS_MAX; i++) {
        const int64_t since = atomic_load(&here->block->waiting_since_ns[i]);

        if (since == 0 || since >= longest_ns || (since < stale_ns && i != here->gate->member))
            continue;
        longest_ns = since;
        out->member = i;
    }
    if (out->member == here->gate->member)
        out->loop = longest_loop(here, &longest_ns);
    return out->member >= 0;
}

static void wake_loop(struct app_here *here, int loop)
{
    struct app_slot *slot = &here->slots[loop];

    if (atomic_exchange(&slot->woken, true))
        return;
    if (weir_post(here->gate->runtime, loop, "a place of an application is free", slot->look, slot) < 0)
        atomic_store(&slot->woken, false);
}

void app_here_wake(struct app_here *here, const struct app_longest *longest)
{
    if (longest->member != here->gate->member)
        weir_shared_ring(here->gate->shared, longest->member);
    else if (longest->loop >= 0)
        wake_loop(here, longest->loop);
}

struct app_load app_here_load(struct app_here *here, int ready)
{
    struct app_block *block = here->block;

    return (struct app_load){.waiting = weir_shared_count_sum(here->gate->shared, &block->waiting),
                             .places = ready * (int)atomic_load(&block->concurrency),
                             .service_ns = atomic_load(&block->service_ns)};
}
