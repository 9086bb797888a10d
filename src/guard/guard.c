/* SPDX-License-Identifier: MIT */
/* Records the calls that the guard catches. The records belong to the process, so this is state outside a
 * runtime. */
#include "guard/guard.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <weir/log.h>

#include "base/guard_exempt.h"
#include "core/account/activity.h"
#include "core/loop.h"
#include "core/runtime.h"
#include "core/task.h"
#include "guard/calls.h"
#include "guard/places.h"
#include "guard/policy.h"
#include "guard/report.h"

static struct {
    _Atomic uint64_t calls[WEIR__GUARD_CALLS_MAX]; /* times that each was caught */
    _Atomic(struct weir__places *) places;
} guard;

/* --- caught calls --- */

static void copy(char *to, const char *from)
{
    size_t length = strnlen(from, WEIR__PLACE_TEXT_BYTES - 1);

    memcpy(to, from, length);
    to[length] = '\0';
}

/* Follows the frame records, as long as they lie on the task's stack, each above the one before. */
static unsigned walk(const struct weir__task *task, const void *frame, const void **stack)
{
    uintptr_t low = (uintptr_t)task->stack, high = (uintptr_t)task;
    uintptr_t at = (uintptr_t)frame;
    unsigned depth = 0;

    while (at > low && at + 16 <= high && at % sizeof(void *) == 0 && depth < WEIR__PLACE_STACK_MAX) {
        const void *const *record = (const void *const *)at; /* the caller's frame, the return address */
        if (record[1] == NULL)
            break;
        stack[depth++] = record[1];
        low = at;
        at = (uintptr_t)record[0];
    }
    return depth;
}

/* Copies what is gone when the task goes on. */
static void describe(struct weir__place *place, struct weir__places *places, const struct weir__task *task,
                     const void *frame, const char *waited)
{
    copy(place->task, task->name);
    place->has_route = task->activity != NULL && task->activity->route != NULL;
    if (place->has_route)
        copy(place->route, task->activity->route);
    place->waited = waited;
    place->depth = walk(task, frame, place->stack);
    place->copy = weir__place_copy_stack(places, (uintptr_t)frame + 2 * sizeof(void *), (uintptr_t)task,
                                         *(const uintptr_t *)frame);
}

static void note(struct weir__task *task, int call, const void *address, const void *frame,
                 const char *waited)
{
    struct weir__places *places = atomic_load_explicit(&guard.places, memory_order_acquire);
    enum weir_guard_mode mode = weir__guard_mode_in_force();
    struct weir__place *place;
    bool is_new;

    if (weir__guard_is_allowed(task, call))
        return;
    atomic_fetch_add_explicit(&guard.calls[call], 1, memory_order_relaxed);
    place = weir__place_count(places, call, address, &is_new);
    if (place != NULL && is_new) {
        describe(place, places, task, frame, waited);
        place->is_reportable = mode >= WEIR_GUARD_WARN;
        atomic_store_explicit(&place->is_whole, true, memory_order_release);
        atomic_fetch_add(&places->whole, 1);
        weir__guard_reporter_wake(task->loop->runtime->guard_reporter);
    }
    if (mode == WEIR_GUARD_ABORT) {
        weir__guard_reporter_await(task->loop->runtime->guard_reporter);
        abort(); /* fault.c then writes the log */
    }
}

/* False in a signal handler that has a stack of its own: there the task makes no call. */
static bool is_on_stack_of(const struct weir__task *task, const void *frame)
{
    return (const char *)frame >= task->stack && (const char *)frame < (const char *)task;
}

static void caught(struct weir__guard_link *link, const struct weir__guard_call *seen)
{
    struct weir__task *task = ((struct weir__guard *)(void *)link)->loop->running;
    int call = weir__guard_call_find(seen->function, strlen(seen->function));
    int saved = errno;

    if (call < 0 || !is_on_stack_of(task, seen->frame))
        return;
    weir__guard_exempt_begin();
    note(task, call, seen->place, seen->frame, NULL);
    weir__guard_exempt_end();
    errno = saved;
}

/* --- locks --- */

static void locked(struct weir__guard_link *link, const void *lock, const char *function, const void *place)
{
    struct weir__guard *g = (struct weir__guard *)(void *)link;
    struct weir__task *task = g->loop->running;

    if (link->locks == WEIR__GUARD_LOCKS_MAX)
        return;
    g->locks[link->locks++] = (struct weir__guard_lock){lock, function, place, task, task->id};
    task->locks++;
}

static bool is_of(const struct weir__guard_lock *held, const struct weir__task *task)
{
    return held->task == task && held->task_id == task->id;
}

/* Searches from the latest on, because locks are mostly released in reverse order. The releasing task need
 * not be the one that took the lock. */
static void unlocked(struct weir__guard_link *link, const void *lock)
{
    struct weir__guard *g = (struct weir__guard *)(void *)link;

    for (unsigned i = link->locks; i-- > 0;) {
        struct weir__guard_lock *held = &g->locks[i];
        if (held->lock != lock)
            continue;
        if (is_of(held, held->task))
            held->task->locks--;
        memmove(held, held + 1, (--link->locks - i) * sizeof *held);
        return;
    }
}

void weir__guard_holds_locks(struct weir__task *task, const char *waits_for)
{
    struct weir__guard *g = task->loop->guard;
    int saved = errno;

    weir__guard_exempt_begin();
    for (unsigned i = 0; i < g->link.locks; i++) {
        const struct weir__guard_lock *held = &g->locks[i];
        if (is_of(held, task))
            note(task, weir__guard_call_find(held->function, strlen(held->function)), held->place,
                 __builtin_frame_address(0), waits_for);
    }
    weir__guard_exempt_end();
    errno = saved;
}

/* --- loops --- */

static bool have_places(void)
{
    struct weir__places *none = NULL, *made;

    if (atomic_load(&guard.places) != NULL)
        return true;
    made = calloc(1, sizeof *made); /* never freed */
    if (made != NULL && !atomic_compare_exchange_strong(&guard.places, &none, made))
        free(made);
    return made != NULL;
}

void weir__guard_runtime_begins(struct weir_runtime *r)
{
    if (weir_guard_mode_get() != WEIR_GUARD_OFF && have_places())
        weir__guard_reporter_start(r->guard_reporter, atomic_load(&guard.places), &r->logger);
}

void weir__guard_runtime_ends(struct weir_runtime *r)
{
    weir__guard_reporter_stop(r->guard_reporter);
}

void weir__guard_enter(struct weir__loop *loop)
{
    struct weir__guard *g;

    if (weir_guard_mode_get() == WEIR_GUARD_OFF || !have_places())
        return;
    g = calloc(1, sizeof *g);
    if (g == NULL)
        return;
    g->loop = loop;
    g->link = (struct weir__guard_link){
        .running = (struct weir__task *const *)(void *)&loop->running, /* only this thread reads it */
        .scheduler = loop->scheduler,
        .own_calls = &weir__guard_exempt,
        .caught = caught,
        .locked = locked,
        .unlocked = unlocked,
    };
    loop->guard = g;
    if (!weir__guard_attach(WEIR__GUARD_LINK_VERSION, &g->link))
        weir_log(WEIR_LOG_WARN, "libweir-guard.so is of another version, so nothing is checked");
}

void weir__guard_leave(struct weir__loop *loop)
{
    if (loop->guard == NULL)
        return;
    (void)weir__guard_attach(WEIR__GUARD_LINK_VERSION, NULL);
    free(loop->guard);
    loop->guard = NULL;
}

/* --- findings --- */

static weir_guard_finding finding_of(const struct weir__place *place)
{
    return (weir_guard_finding){
        .function = weir_guard_call_name((size_t)place->call),
        .task = place->task,
        .route = place->has_route ? place->route : NULL,
        .hint = weir__guard_call_hint(place->call),
        .waited = place->waited,
        .place = place->frame,
        .stack = place->frames,
        .stack_depth = place->frame_count,
        .count = atomic_load_explicit(&place->count, memory_order_relaxed),
    };
}

int weir_guard_each(int (*fn)(void *arg, const weir_guard_finding *finding), void *arg)
{
    struct weir__places *table = atomic_load(&guard.places);
    int result = 0;

    if (table == NULL)
        return 0;
    if (weir_in_task())
        weir__guard_reporter_await(weir__loop_current()->runtime->guard_reporter);
    else
        weir__guard_name(table, NULL);
    for (size_t i = 0; i < WEIR__PLACES_MAX && result == 0; i++) {
        struct weir__place *place = &table->places[i];
        if (atomic_load_explicit(&place->is_named, memory_order_acquire)) {
            const weir_guard_finding finding = finding_of(place);
            result = fn(arg, &finding);
        }
    }
    return result;
}

uint64_t weir_guard_call_count(const char *name)
{
    int call = weir__guard_call_find(name, strlen(name));

    return call < 0 ? 0 : atomic_load_explicit(&guard.calls[call], memory_order_relaxed);
}
