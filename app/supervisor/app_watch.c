/* SPDX-License-Identifier: MIT */
#include "supervisor/app_watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/pool.h>
#include <weir/task.h>

#include "apps/app_held.h"
#include "apps/app_stalls.h"
#include "apps/helpers.h"
#include "apps/proc_family.h"

enum { TURN_MS = 50, QUIET_TURN_MS = 200, HELPERS_EVERY_MS = 1000, FOLDER_BYTES = 512 };

/* Looks in a row that find a process not held any more end its stall: on a virtual machine a single one may
 * miss time that the host has taken. */
enum { MISSES_MAX = 2 };

/* A process that is never held, though its requests last, is looked at less often: at one of so many turns.
 */
enum { MISSES_A_TURN = 4, TURNS_MAX = 4 };

/* A process that has requests. */
struct watched {
    const struct app_block *block;
    const struct app_process *process;
    uint32_t serial; /* with its entry, what it is known by */
    bool seen;       /* in this turn */
    char app[CONFIG_APP_NAME_BYTES + 1], folder[FOLDER_BYTES];
    unsigned number;
    int places, in_flight;
    pid_t pid;
    int64_t stall_after_ns;
    int64_t since_ns;    /* it has had requests, and has ended none */
    uint64_t waited_ago; /* app_block.waited, and who waited, at that moment */
    /* what the looks have found since */
    bool suspected, idle;                /* idle: its helper says that it waits for work */
    struct proc_family *before;          /* NULL: no look yet */
    int misses;                          /* looks in a row that did not find it held */
    int rest;                            /* turns to come without a look */
    int beside;                          /* requests beside the one that holds it, at most */
    bool held;                           /* at the latest look */
    struct app_held_by by;               /* as it was found first */
    int64_t held_from_ns, held_until_ns; /* 0: it is not held; and the latest look that found it so */
    bool asked;
    struct app_stack stack;
    uint64_t stall; /* id of the stall; 0: none */
    char request[APP_REQUEST_BYTES];
    struct watched *next;
};

struct app_watch {
    const struct apps *apps;
    weir_shared *shared;
    struct helpers *helpers;
    struct app_stalls *stalls;
    struct watched *watched;
    struct proc_family *family; /* of the present look */
    int64_t now_ns, helpers_at_ns;
    bool suspects;
};

/* --- stalls --- */

static int64_t wall_of(const struct app_watch *watch, int64_t at_ns)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - (watch->now_ns - at_ns);
}

/* Requests that began to wait for a place since the process is held, those that did so before and still
 * waited, and those beside the one that holds it. */
static uint64_t late_by(const struct watched *w)
{
    return atomic_load(&w->block->waited) - w->waited_ago + (uint64_t)w->beside;
}

static void note(struct app_watch *watch, const struct watched *w, int64_t until_ns, bool ongoing,
                 uint64_t *id)
{
    struct app_stall stall = {
        .number = w->number,
        .pid = w->by.pid,
        .how = w->by.how,
        .others = w->beside,
        .stack = w->stack,
        .held_ns = until_ns - w->held_from_ns,
        .late = late_by(w),
        .ongoing = ongoing,
        .at_ns = wall_of(watch, w->held_from_ns),
    };

    memcpy(stall.app, w->app, sizeof stall.app);
    memcpy(stall.request, w->request, sizeof stall.request);
    if (app_stalls_note(watch->stalls, &stall, id))
        app_stall_log(&stall);
}

/* The process is held: it becomes a stall, or its stall lasts. */
static void go_on(struct app_watch *watch, struct watched *w)
{
    if (w->beside < w->in_flight - 1)
        w->beside = w->in_flight - 1;
    note(watch, w, w->held_until_ns, true, &w->stall);
}

/* What the looks have found is over, since at_ns if that can be. */
static void let_go(struct app_watch *watch, struct watched *w, int64_t at_ns)
{
    if (w->stall != 0)
        note(watch, w, at_ns > w->held_from_ns ? at_ns : watch->now_ns, false, &w->stall);
    free(w->before);
    w->before = NULL;
    w->suspected = w->asked = w->held = false;
    w->held_from_ns = 0;
    w->misses = w->rest = w->beside = 0;
    w->stall = 0;
    w->stack = (struct app_stack){0};
}

/* --- a turn: which processes are to be looked at --- */

static struct watched *find(struct app_watch *watch, const struct app_block *block, size_t entry)
{
    const struct app_process *process = &block->processes[entry];
    uint32_t serial = atomic_load(&process->serial);
    struct watched *w = watch->watched;

    while (w != NULL && (w->process != process || w->serial != serial))
        w = w->next;
    if (w != NULL)
        return w;
    w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->block = block;
    w->process = process;
    w->serial = serial;
    w->next = watch->watched;
    watch->watched = w;
    return w;
}

static void forget(struct app_watch *watch, struct watched **at)
{
    struct watched *w = *at;

    *at = w->next;
    let_go(watch, w, atomic_load(&w->process->serial) == w->serial ? atomic_load(&w->process->ended_ns) : 0);
    free(w);
}

static void take_settings(struct watched *w, const struct app_process_seen *seen)
{
    (void)snprintf(w->app, sizeof w->app, "%s", seen->app->name);
    (void)snprintf(w->folder, sizeof w->folder, "%s", seen->app->cwd);
    w->number = seen->number;
    w->pid = seen->pid;
    w->places = seen->app->concurrency;
    w->stall_after_ns = seen->app->stall_after.ns;
}

/* When the present time without an end began. A single request began when its place was taken; of several,
 * that is known from the first turn on that sees them. */
static int64_t since_ns(const struct app_watch *watch, const struct watched *w, int64_t ended_ns)
{
    int64_t used_ns = atomic_load(&w->process->used_ns), since = w->since_ns;

    if (since == 0 && (w->in_flight > 1 || used_ns == 0 || used_ns > watch->now_ns))
        since = watch->now_ns;
    if (w->in_flight == 1 && used_ns > since && used_ns <= watch->now_ns)
        since = used_ns;
    return ended_ns > since ? ended_ns : since;
}

static void see(void *arg, const struct app_process_seen *seen)
{
    struct app_watch *watch = arg;
    struct app_block *block =
        (struct app_block *)(uintptr_t)seen->block; /* counts are read through their memory */
    int in_flight = weir_shared_count_sum(watch->shared, &block->in_flight[seen->entry]) -
                    weir_shared_count_sum(watch->shared, &block->behind[seen->entry]);
    struct watched *w = in_flight > 0 ? find(watch, block, seen->entry) : NULL;
    int64_t since;

    if (w == NULL)
        return; /* what is not seen is forgotten */
    w->seen = true;
    w->in_flight = in_flight;
    take_settings(w, seen);
    since = since_ns(watch, w, atomic_load(&w->process->ended_ns));
    if (since != w->since_ns) {
        let_go(watch, w, since);
        w->idle = false;
        w->since_ns = since;
        w->waited_ago =
            atomic_load(&block->waited) - (uint64_t)weir_shared_count_sum(watch->shared, &block->waiting);
    }
    if (w->before == NULL)
        (void)app_process_noted(w->process, w->request);
    w->suspected = !w->idle && w->rest == 0 && watch->now_ns - w->since_ns >= w->stall_after_ns / 2;
    if (w->rest > 0)
        w->rest--;
    watch->suspects |= w->suspected;
}

/* --- a look, in a job --- */

static void judge(struct app_watch *watch, struct watched *w)
{
    struct proc_family *now = watch->family, *before = w->before;
    struct app_held_by by;

    proc_family_read(w->pid, now);
    w->before = now;
    watch->family = before; /* is used for the next look */
    if (before == NULL)
        return;
    by = app_held_of(before, now, w->places);
    w->held = by.how != APP_NOT_HELD;
    w->misses = w->held ? 0 : w->misses + 1;
    w->rest = w->misses / MISSES_A_TURN < TURNS_MAX ? w->misses / MISSES_A_TURN : TURNS_MAX - 1;
    if (!w->held)
        return;
    if (w->held_from_ns == 0) /* before the first look it did the same, as far as that is short */
        w->held_from_ns = before->at_ns - w->since_ns <= w->stall_after_ns ? w->since_ns : before->at_ns;
    w->held_until_ns = now->at_ns;
    if (w->stall == 0)
        w->by = by;
}

static bool is_stall(const struct watched *w)
{
    return w->held && w->held_until_ns - w->held_from_ns >= w->stall_after_ns;
}

static void ask(struct app_watch *watch, struct watched *w)
{
    helpers_stack(watch->helpers, w->by.pid, w->by.tid, w->folder, &w->stack);
    w->asked = true;
    w->idle = w->by.how == APP_BLOCKED && w->stack.idle;
    w->held = w->held && !w->idle;
}

static int look(weir_job *job, void *arg)
{
    struct app_watch *watch = arg;

    for (struct watched *w = watch->watched; w != NULL && weir_job_cancelled(job) == 0; w = w->next) {
        if (!w->suspected)
            continue;
        if (watch->family == NULL)
            watch->family = malloc(sizeof *watch->family);
        if (watch->family == NULL)
            return -ENOMEM;
        judge(watch, w);
        if (is_stall(w) && !w->asked)
            ask(watch, w);
    }
    return 0;
}

/* --- what came of it --- */

static void conclude(struct app_watch *watch, struct watched *w)
{
    if (!w->suspected)
        return;
    if (is_stall(w))
        go_on(watch, w);
    else if (w->held_from_ns != 0 && (w->misses >= MISSES_MAX || w->idle))
        let_go(watch, w, w->held_until_ns);
}

/* Returns: 0; an error ends the watch. */
static int turn(struct app_watch *watch)
{
    int err = 0;

    watch->now_ns = weir_now().ns;
    watch->suspects = false;
    for (struct watched *w = watch->watched; w != NULL; w = w->next)
        w->seen = w->suspected = false;
    apps_each(watch->apps, see, watch);
    for (struct watched **at = &watch->watched; *at != NULL;)
        if ((*at)->seen)
            at = &(*at)->next;
        else
            forget(watch, at);
    if (watch->now_ns - watch->helpers_at_ns >= weir_ms(HELPERS_EVERY_MS).ns) {
        helpers_look(watch->helpers);
        watch->helpers_at_ns = watch->now_ns;
    }
    if (watch->suspects)
        err = weir_offload(weir_pool_blocking(), "look at applications", look, watch);
    watch->now_ns = weir_now().ns;
    for (struct watched *w = watch->watched; w != NULL && err == 0; w = w->next)
        conclude(watch, w);
    return err == -WEIR_ECANCELED || err == -WEIR_EDEADLINE ? err : 0;
}

static int run(void *arg)
{
    struct app_watch *watch = arg;
    int err = 0;

    while (err == 0) {
        err = weir_sleep(weir_ms(watch->watched != NULL ? TURN_MS : QUIET_TURN_MS));
        if (err == 0)
            err = turn(watch);
    }
    return 0;
}

int app_watch_open(weir_scope *scope, const struct apps *apps, weir_shared *shared, const char *folder,
                   struct app_watch **out)
{
    struct app_watch *watch = calloc(1, sizeof *watch);
    char path[FOLDER_BYTES];
    int err = -ENOMEM;

    if (watch != NULL && helpers_path(path, sizeof path, folder) == NULL)
        err = -ENAMETOOLONG;
    else if (watch != NULL)
        err = app_stalls_new(&watch->stalls);
    if (err == 0)
        err = helpers_open(path, &watch->helpers);
    if (err == 0) {
        watch->apps = apps;
        watch->shared = shared;
        err = weir_spawn(scope, "watch applications", run, watch);
    }
    if (err == 0)
        *out = watch;
    else
        app_watch_close(watch);
    return err;
}

void app_watch_close(struct app_watch *watch)
{
    if (watch == NULL)
        return;
    helpers_close(watch->helpers);
    for (struct watched *w = watch->watched, *next; w != NULL; w = next) {
        next = w->next;
        free(w->before);
        free(w);
    }
    app_stalls_free(watch->stalls);
    free(watch->family);
    free(watch);
}

/* --- pages --- */

void app_watch_stalls_write(const struct app_watch *watch, struct text_out *out)
{
    app_stalls_write(watch->stalls, out);
}

void app_watch_totals_each(const struct app_watch *watch,
                           void (*fn)(void *arg, const char *app, const char *kind, uint64_t count,
                                      int64_t held_ns),
                           void *arg)
{
    app_stalls_totals_each(watch->stalls, fn, arg);
}

/* One writing of the page of tasks. */
struct writing {
    const struct app_watch *watch;
    struct text_out *out;
    bool first;
};

static const char *state_of(const struct app_watch *watch, const struct app_process *process, int in_flight)
{
    switch (atomic_load(&process->state)) {
    case APP_PROCESS_STARTING:
        return "starting";
    case APP_PROCESS_LEAVING:
        return "leaving";
    default:
        break;
    }
    for (const struct watched *w = watch->watched; w != NULL; w = w->next)
        if (w->process == process && w->stall != 0)
            return app_held_name(w->by.how);
    return in_flight > 0 ? "busy" : "idle";
}

static void write_process(void *arg, const struct app_process_seen *seen)
{
    struct writing *writing = arg;
    struct app_block *block = (struct app_block *)(uintptr_t)seen->block;
    const struct app_process *process = &block->processes[seen->entry];
    struct text_out *out = writing->out;
    int in_flight = weir_shared_count_sum(writing->watch->shared, &block->in_flight[seen->entry]);
    char name[APP_TEXT_BYTES], request[APP_REQUEST_BYTES];

    (void)snprintf(name, sizeof name, "%s[%u]", seen->app->name, seen->number);
    text_out_add(out, writing->first ? "{\"name\":" : ",{\"name\":");
    writing->first = false;
    text_out_json(out, name);
    text_out_json_member(out, "app", seen->app->name);
    text_out_json_member(out, "state", state_of(writing->watch, process, in_flight));
    text_out_json_member(out, "route", in_flight > 0 ? app_process_noted(process, request) : NULL);
    text_out_printf(out, ",\"pid\":%d,\"in_flight\":%d,\"requests\":%llu}", (int)seen->pid, in_flight,
                    (unsigned long long)atomic_load(&process->requests));
}

void app_watch_tasks_write(const struct app_watch *watch, struct text_out *out)
{
    struct writing writing = {watch, out, true};

    apps_each(watch->apps, write_process, &writing);
}
