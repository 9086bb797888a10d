/* SPDX-License-Identifier: MIT */
/* A stall: who it was, where, on whose behalf; then everybody who wants to know is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "watch/stall_hint.h"
#include "watch/stall_report.h"
#include "symbols/symbols.h"
#include "core/scope.h"
#include "core/task.h"
#include "watch/watch_inside.h"
#include "core/account/activity.h"

enum { SCOPES_MAX = 24, FRAMES_NAMED_MAX = 2 * WEIR__UNWIND_MAX, LINES_IN_WINDOW = 20 };
static const int64_t log_after_ns =
    100000000; /* a line says how long it was; unless it lasts longer than this */
static const int64_t window_ns = 10000000000, interval_ns = 1000000000, interval_most_ns = 600000000000;

/* --- who: all by looking at what the loop may be changing; it counts only if the loop has not moved
 * meanwhile --- */

/* The names of the tasks in whose scopes this one is, from the outermost on, then its own. */
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
    while (n > 0 && used < room - 1) {
        used += (size_t)snprintf(out + used, room - used, "%s > ", names[--n]);
    }
    if (used < room - 1)
        (void)weir__peek_text(&w->peek, task->name, out + used, room - used);
}

static bool describe(const struct weir__watch *w, const struct weir__watched *x, struct weir__stall *out,
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

/* --- where: from copies, so it may take its time --- */

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
    out->shown.frame_count = n;
    out->user_frame = weir__stall_user_frame(out->frames, is_system, n);
}

static void take_stack(struct weir__watch *w, struct weir__watched *x, const struct weir__task_viewing *view,
                       struct weir__stall *out)
{
    const struct weir__stack_copy copy = {x->capture.stack, x->capture.low, x->capture.count};
    uintptr_t addresses[WEIR__UNWIND_MAX];
    bool complete;
    size_t count;

    if (!view->has_stack)
        return;
    count = weir__symbols_unwind(w->runtime->symbols, &view->registers, &copy, addresses, WEIR__UNWIND_MAX,
                                 &complete);
    name_frames(w, addresses, count, out);
}

static void take_spawned_at(struct weir__watch *w, const void *address, struct weir__stall *out)
{
    if (address != NULL)
        (void)weir__symbols_name(w->runtime->symbols, (uintptr_t)address, true, &out->shown.spawned_at, 1);
}

/* --- which place --- */

static uint64_t mix(uint64_t hash, const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return (hash ^ 0xff) * UINT64_C(1099511628211);
}

static uint64_t key_of(const struct weir__stall *s)
{
    uint64_t key = UINT64_C(14695981039346656037) ^ (uint64_t)s->shown.kind;

    if (s->shown.kind > WEIR_STALL_BLOCKED)
        return (key ^ ((uint64_t)s->shown.loop << 8)) * UINT64_C(1099511628211);
    key = mix(key, s->has_route ? s->route : NULL);
    if (s->shown.frame_count == 0)
        return mix(key, s->task);
    key = mix(key, s->frames[s->user_frame].function);
    return mix(key, s->frames[s->user_frame].file);
}

/* --- telling --- */

/* False: so many lines have been written lately that this one is left out. */
static bool may_log(struct weir__watch *w, int64_t wall_ns)
{
    bool may;

    pthread_mutex_lock(&w->log_lock);
    if (wall_ns - w->log_window_ns > window_ns || wall_ns < w->log_window_ns) {
        w->log_window_ns = wall_ns;
        w->logged = 0;
    }
    may = w->logged < LINES_IN_WINDOW;
    pthread_mutex_unlock(&w->log_lock);
    return may;
}

static void count_line(struct weir__watch *w)
{
    pthread_mutex_lock(&w->log_lock);
    w->logged++;
    pthread_mutex_unlock(&w->log_lock);
}

static void log_now(struct weir__watch *w, struct weir__watched *x)
{
    int64_t wall_ns = weir__clock_wall_ns();
    struct weir__stall stall;

    if (!may_log(w, wall_ns) || !weir__stalls_take_for_log(w->runtime->stalls, x->key, wall_ns, interval_ns,
                                                           interval_most_ns, &stall))
        return;
    x->log_due = false;
    count_line(w);
    weir__stall_report(&w->runtime->logger, &stall);
}

static void tell(struct weir__watch *w, struct weir__watched *x, struct weir__stall *s)
{
    const weir_options *o = &w->runtime->options;

    (void)weir__stalls_add(w->runtime->stalls, s);
    x->told = true;
    x->key = s->key;
    x->held_ns = s->shown.held.ns;
    x->log_due = true;
    if (o->on_stall != NULL)
        o->on_stall(o->on_stall_arg, weir__stall_show(s));
    if (o->stall_then == WEIR_STALL_ABORT && s->shown.kind <= WEIR_STALL_BLOCKED) {
        weir__stall_report(&w->runtime->logger, s);
        abort();
    }
}

void weir__watch_tell(struct weir__watch *w, struct weir__watched *x, enum weir_stall_kind kind,
                      const struct weir__task_viewing *view)
{
    struct weir__stall *s = calloc(1, sizeof *s);
    const void *spawned_at;

    if (s == NULL)
        return;
    s->shown = (weir_stall){.kind = kind, .loop = x->loop->index, .ongoing = true, .count = 1};
    if (describe(w, x, s, &spawned_at) && weir__watch_is_same(x)) {
        s->shown.held.ns = s->shown.held_max.ns = weir__clock_monotonic_ns() - x->began_ns;
        s->shown.first_ns = s->shown.last_ns = weir__clock_wall_ns();
        take_spawned_at(w, spawned_at, s);
        if (kind <= WEIR_STALL_BLOCKED)
            take_stack(w, x, view, s);
        s->has_hint = weir__stall_hint(kind, s->frames, s->shown.frame_count, s->user_frame, &view->where,
                                       s->hint, sizeof s->hint);
        s->key = key_of(s);
        s->shown.ongoing = weir__watch_is_same(x);
        tell(w, x, s);
    }
    free(s);
}

/* --- how it goes on --- */

void weir__watch_goes_on(struct weir__watch *w, struct weir__watched *x, int64_t held_ns)
{
    x->held_ns = held_ns;
    weir__stalls_lasts(w->runtime->stalls, x->key, held_ns, true);
    if (x->log_due && held_ns >= w->after_ns + log_after_ns)
        log_now(w, x);
}

/* How long it was in the end, as the loop itself has noted; else as last seen. */
static int64_t held_in_the_end(const struct weir__watch *w, const struct weir__watched *x)
{
    struct weir__slices slices;
    const struct weir__slice *slice;

    if (!x->exact || !weir__peek(&w->peek, &x->loop->slices, &slices, sizeof slices))
        return x->held_ns;
    for (unsigned i = 0; (slice = weir__slice_latest(&slices, i)) != NULL; i++)
        if (slice->began == x->began_ticks && slice->ended > slice->began && !slice->several)
            return weir__clock_ticks_ns(slice->ended - slice->began);
    return x->held_ns;
}

void weir__watch_ended(struct weir__watch *w, struct weir__watched *x)
{
    x->told = false;
    weir__stalls_lasts(w->runtime->stalls, x->key, held_in_the_end(w, x), false);
    if (x->log_due)
        log_now(w, x);
}
