/* SPDX-License-Identifier: MIT */
/* A stall in words: task, scopes, route, named frames, and the key of its place. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "core/account/activity.h"
#include "core/scope.h"
#include "core/task.h"
#include "symbols/symbols.h"
#include "watch/stall_hint.h"
#include "watch/watch_inside.h"

enum { SCOPES_MAX = 24 };

/* --- the task: read while the loop may be changing it; valid only if the loop is in the same slice
 * afterwards --- */

/* Writes the names of the tasks in whose scopes the task is, outermost first, then its own. */
static void add_scopes(const struct weir__watch *w, const struct weir__task *task, char *out, size_t room)
{
    char names[SCOPES_MAX][WEIR__TASK_NAME_BYTES];
    const struct weir__scope *at = task->home;
    struct weir__scope scope;
    size_t n = 0, used = 0;

    for (int steps = 0; at != NULL && steps < 4 * SCOPES_MAX && n < SCOPES_MAX; steps++) {
        struct weir__task owner;
        if (!weir__peek(&w->peek, at, &scope, sizeof scope))
            break;
        at = scope.parent;
        if (scope.owner != NULL) {
            if (!weir__peek(&w->peek, scope.owner, &owner, sizeof owner))
                break;
            at = owner.home;
        }
        if ((scope.owner != NULL || scope.name != NULL) &&
            weir__peek_text(&w->peek, scope.owner != NULL ? owner.name : scope.name, names[n],
                            sizeof names[n]))
            n++;
    }
    out[0] = '\0';
    while (n > 0 && used < room - 1)
        used += (size_t)snprintf(out + used, room - used, "%s > ", names[--n]);
    if (used < room - 1)
        (void)weir__peek_text(&w->peek, task->name, out + used, room - used);
}

static bool describe_task(const struct weir__watch *w, const struct weir__watched *x, struct weir__stall *out,
                          const void **spawned_at)
{
    struct weir__task task;
    struct weir__activity activity;

    *spawned_at = NULL;
    if (!weir__peek(&w->peek, weir__container_of(x->runner, struct weir__task, runs), &task, sizeof task) ||
        !weir__peek_text(&w->peek, task.name, out->task, sizeof out->task))
        return false;
    if (task.stack == NULL) /* the loop itself */
        return true;
    *spawned_at = task.spawned_at;
    add_scopes(w, &task, out->scope, sizeof out->scope);
    out->has_route =
        task.activity != NULL && weir__peek(&w->peek, task.activity, &activity, sizeof activity) &&
        activity.route != NULL && weir__peek_text(&w->peek, activity.route, out->route, sizeof out->route);
    return true;
}

/* --- the stack: a copy, so naming it may take its time --- */

static void name_frames(struct weir__watch *w, const uintptr_t *addresses, size_t count,
                        struct weir__stall *out)
{
    struct weir__symbols *symbols = w->runtime->symbols;
    bool is_system[WEIR__STALL_FRAMES_MAX];
    size_t n = 0;

    for (size_t i = 0; i < count && n < WEIR__STALL_FRAMES_MAX; i++) {
        size_t more =
            weir__symbols_name(symbols, addresses[i], i > 0, out->frames + n, WEIR__STALL_FRAMES_MAX - n);
        bool system = weir__symbols_is_system(symbols, addresses[i]);
        for (size_t k = 0; k < more; k++)
            is_system[n + k] = system;
        n += more;
    }
    out->shown.stack_depth = n;
    out->user_frame = weir__stall_user_frame(out->frames, is_system, n);
}

static void take_stack(struct weir__watch *w, struct weir__watched *x, const struct weir__thread_probe *probe,
                       struct weir__stall *out)
{
    const struct weir__stack_copy copy = {x->capture.stack, x->capture.low, x->capture.count};
    uintptr_t addresses[WEIR__UNWIND_MAX];
    bool complete;
    size_t count;

    if (!probe->has_stack)
        return;
    count = weir__symbols_unwind(w->runtime->symbols, &probe->registers, &copy, addresses, WEIR__UNWIND_MAX,
                                 &complete);
    name_frames(w, addresses, count, out);
}

static void take_spawned_at(struct weir__watch *w, const void *address, struct weir__stall *out)
{
    if (address != NULL)
        (void)weir__symbols_name(w->runtime->symbols, (uintptr_t)address, true, &out->shown.spawned_at, 1);
}

/* --- the place --- */

static uint64_t mix(uint64_t hash, const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return (hash ^ 0xff) * UINT64_C(1099511628211);
}

static uint64_t key_of(const struct weir__stall *s)
{
    uint64_t key = UINT64_C(14695981039346656037) ^ (uint64_t)s->shown.type;

    if (s->shown.type > WEIR_STALL_BLOCKED)
        return (key ^ ((uint64_t)s->shown.loop << 8)) * UINT64_C(1099511628211);
    key = mix(key, s->has_route ? s->route : NULL);
    if (s->shown.stack_depth == 0)
        return mix(key, s->task);
    key = mix(key, s->frames[s->user_frame].function);
    return mix(key, s->frames[s->user_frame].file);
}

bool weir__watch_describe(struct weir__watch *w, struct weir__watched *x, enum weir_stall_type kind,
                          const struct weir__thread_probe *probe, struct weir__stall *out)
{
    const void *spawned_at;

    out->shown = (weir_stall){.type = kind, .loop = x->loop->index, .ongoing = true, .count = 1};
    if (!describe_task(w, x, out, &spawned_at) || !weir__watch_is_same(x))
        return false;
    out->shown.held.ns = out->shown.held_max.ns = weir__clock_monotonic_ns() - x->began_ns;
    out->shown.first_ns = out->shown.last_ns = weir__clock_wall_ns();
    take_spawned_at(w, spawned_at, out);
    if (kind <= WEIR_STALL_BLOCKED)
        take_stack(w, x, probe, out);
    out->has_hint = weir__stall_hint(kind, out->frames, out->shown.stack_depth, out->user_frame,
                                     &probe->state, out->hint, sizeof out->hint);
    out->key = key_of(out);
    out->shown.ongoing = weir__watch_is_same(x);
    return true;
}
