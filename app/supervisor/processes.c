/* SPDX-License-Identifier: MIT */
#include "supervisor/processes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/log.h>
#include <weir/task.h>

#include "gateway/handed.h"

enum { FAULTS_BYTES_MAX = 32 << 10 };

void processes_init(struct processes *all, weir_scope *scope, const struct process_place *place,
                    weir_shared *shared)
{
    *all = (struct processes){.scope = scope, .place = *place, .patience = weir_never()};
    members_init(&all->members, shared);
    weir_event_init(&all->changed);
    all->place.members = &all->members;
    all->place.changed = &all->changed;
    all->place.restarts = &all->restarts;
}

/* Waits until something changes. Returns: < 0: the task is cancelled, or the instant has come. */
static int await_change(struct processes *all, weir_instant until)
{
    weir_scope scope;
    int err;

    weir_event_reset(&all->changed);
    weir_scope_open(&scope, until, 0);
    err = weir_event_wait(&all->changed);
    (void)weir_scope_close(&scope);
    return err;
}

/* --- a generation --- */

static void free_generation(struct generation *g)
{
    struct processes *all = g->all;

    for (struct generation **link = &all->newest; *link != NULL; link = &(*link)->next)
        if (*link == g) {
            *link = g->next;
            break;
        }
    in_force_release(g->in_force);
    weir_buffer_free(&g->faults.text);
    free(g->listeners);
    free(g);
    weir_event_set(&all->changed);
}

static void let_go(struct generation *g)
{
    if (!g->lent && g->over == g->started && g->leaves)
        free_generation(g);
}

static struct generation *new_generation(struct processes *all, struct in_force *in_force,
                                         const int *listeners)
{
    const struct config *config = &in_force->config;
    const size_t count = (size_t)config->processes;
    struct generation *g = calloc(1, sizeof *g + count * sizeof *g->processes);

    if (g == NULL)
        return NULL;
    g->listeners = calloc(config->listen_count, sizeof *g->listeners);
    if (g->listeners == NULL) {
        free(g);
        return NULL;
    }
    memcpy(g->listeners, listeners, config->listen_count * sizeof *g->listeners);
    g->all = all;
    g->number = ++all->generations;
    g->in_force = in_force_hold(in_force);
    g->count = count;
    g->lent = true;
    text_out_init(&g->faults, FAULTS_BYTES_MAX);
    g->next = all->newest;
    all->newest = g;
    return g;
}

/* --- hurrying those that drain --- */

static void hurry(struct generation *g, const char *why)
{
    if (g->hurried)
        return;
    g->hurried = true;
    weir_log(WEIR_LOG_WARN, "a generation that drains is ended at once", WEIR_KV_INT("generation", g->number),
             WEIR_KV("why", why));
    for (size_t i = 0; i < g->started; i++)
        gateway_process_hurry(&g->processes[i]);
}

/* Of those that drain: the list is in order. */
static struct generation *oldest_patient(const struct processes *all)
{
    struct generation *found = NULL;

    for (struct generation *g = all->newest; g != NULL; g = g->next)
        if (g->leaves && !g->hurried)
            found = g;
    return found;
}

static void drain_generation(struct generation *g)
{
    if (g->leaves)
        return;
    g->leaves = true;
    for (size_t i = 0; i < g->started; i++)
        gateway_process_leave(&g->processes[i]);
    let_go(g);
}

size_t processes_draining(const struct processes *all)
{
    size_t count = 0;

    for (const struct generation *g = all->newest; g != NULL; g = g->next)
        count += g->leaves && !g->hurried;
    return count;
}

/* --- starting --- */

static int run_process(void *arg)
{
    struct gateway_process *p = arg;
    struct generation *g =
        (struct generation *)((char *)(p - (p->number - 1)) - offsetof(struct generation, processes));
    int err = gateway_process_run(p);

    g->over++;
    let_go(g);
    return err;
}

static int start_one(struct generation *g)
{
    struct gateway_process *p = &g->processes[g->started];

    gateway_process_init(p, &g->all->place, g->in_force, g->listeners);
    p->generation = g->number;
    p->number = (int)g->started + 1;
    p->faults = &g->faults;
    g->started++;
    if (weir_spawn(g->all->scope, "gateway process", run_process, p) < 0) {
        g->started--;
        return -ENOMEM;
    }
    return 0;
}

static size_t count_in(const struct generation *g, enum process_state state)
{
    size_t count = 0;

    for (size_t i = 0; i < g->started; i++)
        count += g->processes[i].state == state;
    return count;
}

/* Why a generation did not get ready: its processes have said so, or it may be better luck the next time. */
static int why(const struct generation *g)
{
    for (size_t i = 0; i < g->started; i++)
        if (g->processes[i].state == PROCESS_OVER && !g->processes[i].crashed)
            return -WEIR_ECONFIG;
    return -EAGAIN;
}

/* Waits until all that were started are ready. */
static int await_ready(struct generation *g)
{
    struct processes *all = g->all;
    int err = 0;

    while (err == 0 && count_in(g, PROCESS_READY) < g->started) {
        if (all->ending)
            return -WEIR_ECANCELED;
        if (count_in(g, PROCESS_OVER) > 0)
            return why(g);
        if (members_left(&all->members) == 0 && oldest_patient(all) != NULL)
            hurry(oldest_patient(all), "there is no place for another process");
        err = await_change(all, all->patience);
    }
    return err;
}

static int start_all(struct generation *g)
{
    int err = 0;

    while (err == 0 && g->started < g->count) {
        err = start_one(g);
        if (err == 0)
            err = await_ready(g);
    }
    return err;
}

static void take_faults(struct generation *g, int err, struct text_out *faults)
{
    if (g->faults.text.len > 0)
        text_out_bytes(faults, (const char *)g->faults.text.data, g->faults.text.len);
    else if (err == -WEIR_EDEADLINE)
        text_out_printf(faults, "%s: given up, since it was not ready when a later one came\n",
                        g->all->place.file);
    else if (err != -WEIR_ECANCELED)
        text_out_printf(faults, "%s: no gateway process can be started: %s\n", g->all->place.file,
                        weir_error_text(err));
}

int processes_start(struct processes *all, struct in_force *in_force, const int *listeners,
                    struct text_out *faults, struct generation **out)
{
    struct generation *g;
    int err;

    *out = NULL;
    if (all->ending)
        return -WEIR_ECANCELED;
    g = new_generation(all, in_force, listeners);
    if (g == NULL)
        return -ENOMEM;
    all->patience = weir_never();
    err = start_all(g);
    if (err == 0) {
        *out = g;
        return 0;
    }
    take_faults(g, err, faults);
    processes_give_up(g);
    return err;
}

/* A connection that lives long would have more and more of them drain. */
static void limit_draining(struct processes *all)
{
    while (!all->ending && processes_draining(all) > GENERATIONS_DRAINING_MAX)
        hurry(oldest_patient(all), "so many drain already");
}

void processes_give_up(struct generation *g)
{
    struct processes *all = g->all;

    g->lent = false;
    drain_generation(g);
    limit_draining(all);
}

void processes_put_in_force(struct processes *all, struct generation *generation)
{
    struct generation *next;

    generation->lent = false;
    for (size_t i = 0; i < generation->started; i++)
        generation->processes[i].faults = NULL; /* from now on it is started again */
    all->in_force = generation;
    for (struct generation *g = generation->next; g != NULL; g = next) {
        next = g->next;
        drain_generation(g);
    }
    limit_draining(all);
}

void processes_lose_patience(struct processes *all, weir_instant until)
{
    if (until.ns < all->patience.ns)
        all->patience = until;
    weir_event_set(&all->changed);
}

/* --- the end --- */

void processes_drain(struct processes *all)
{
    struct generation *next;

    all->ending = true;
    all->in_force = NULL;
    for (struct generation *g = all->newest; g != NULL; g = next) {
        next = g->next;
        drain_generation(g);
    }
    weir_event_set(&all->changed);
}

void processes_hurry(struct processes *all)
{
    for (struct generation *g = all->newest; g != NULL; g = g->next)
        for (size_t i = 0; i < g->started; i++)
            gateway_process_hurry(&g->processes[i]);
}

void processes_await(struct processes *all)
{
    while (all->newest != NULL)
        if (await_change(all, weir_never()) < 0)
            return;
}

void processes_await_room(struct processes *all, weir_instant until)
{
    while (!all->ending && processes_draining(all) >= GENERATIONS_DRAINING_MAX)
        if (await_change(all, until) < 0)
            return;
}

/* --- seen from outside --- */

void processes_signal(const struct processes *all, int number)
{
    for (struct generation *g = all->newest; g != NULL; g = g->next)
        for (size_t i = 0; i < g->started; i++)
            gateway_process_signal(&g->processes[i], number);
}

bool processes_serve(const struct processes *all)
{
    return all->in_force != NULL && count_in(all->in_force, PROCESS_READY) > 0;
}

void processes_describe(const struct gateway_process *p, struct admin_process *out)
{
    char path[100];

    *out = (struct admin_process){.pid = p->pid,
                                  .number = p->number,
                                  .member = p->member,
                                  .generation = p->generation,
                                  .ready = p->state == PROCESS_READY,
                                  .draining = p->state == PROCESS_LEAVING,
                                  .since = p->since,
                                  .restarts = p->restarts};
    snprintf(out->last_end, sizeof out->last_end, "%s", p->last_end);
    if (p->pid != 0 && p->in_force->config.admin != NULL &&
        handed_admin_path(path, sizeof path, p->place->folder, p->member) != NULL)
        snprintf(out->address, sizeof out->address, "unix:%s", path);
}

static bool comes_first(const struct admin_process *a, const struct admin_process *b)
{
    return a->number != b->number ? a->number < b->number : a->generation < b->generation;
}

size_t processes_list(const struct processes *all, struct admin_process *out, size_t room)
{
    size_t count = 0;

    for (const struct generation *g = all->newest; g != NULL; g = g->next)
        for (size_t i = 0; i < g->started && count < room; i++) {
            struct admin_process seen;
            size_t at = count;
            if (g->processes[i].state == PROCESS_OVER)
                continue;
            processes_describe(&g->processes[i], &seen);
            for (count++; at > 0 && comes_first(&seen, &out[at - 1]); at--)
                out[at] = out[at - 1];
            out[at] = seen;
        }
    return count;
}
