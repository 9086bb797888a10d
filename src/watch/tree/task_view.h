/* SPDX-License-Identifier: MIT */
/* One task as another thread sees it, while its loop goes on.
 *
 * Threading: any thread, while the runtime lives. The loop is never stopped, asked or waited for.
 *
 * What is seen is of one moment: a record's `id` is that of no other task and 0 between two, so as long as it
 * stays, what holds for a task's whole life was read right: who it is, and the scope it was spawned in, which
 * outlives it. `runs` grows whenever it is resumed, and sp is NULL while it runs; so as long as these stay
 * too, it lay still, and so did its scopes, its wait and its stack. All else is read again.
 */
#ifndef WEIR__WATCH_TREE_TASK_VIEW_H
#define WEIR__WATCH_TREE_TASK_VIEW_H

#include "core/task.h"
#include "core/wait.h"

enum { WEIR__TASK_VIEW_SCOPES_MAX = 32, WEIR__TASK_VIEW_TEXT_BYTES = 128 };

enum weir__task_view_state { WEIR__TASK_VIEW_READY, WEIR__TASK_VIEW_RUNNING, WEIR__TASK_VIEW_PARKED };

struct weir__scope_view {
    uint64_t id;
    int64_t deadline_ns; /* in force */
    int cause;
    unsigned live;
};

struct weir__task_view {
    uint64_t id;
    uint64_t parent;          /* whose scope it was spawned in; 0: no task's */
    struct weir__task *owner; /* the parent's record; or NULL */
    uint64_t home;            /* the id of that scope */
    enum weir__task_view_state state;
    int64_t created_ns;
    int64_t deadline_ns; /* it is under */
    const void *spawned_at;
    char name[WEIR__TASK_VIEW_TEXT_BYTES];
    char route[WEIR__TASK_VIEW_TEXT_BYTES];                     /* "": none */
    struct weir__wait_words wait;                               /* while parked */
    struct weir__scope_view scopes[WEIR__TASK_VIEW_SCOPES_MAX]; /* its own, innermost first */
    unsigned scope_count;
    /* When asked for, of a task that does not run: its stack, from where it was left to its base. */
    uintptr_t sp;
    size_t stack_bytes; /* 0: not had */
};

/* Where a copy of a stack goes; room 0: it is not wanted. */
struct weir__task_view_room {
    char *stack;
    size_t room;
};

/* Looks at a record. look->now_ns is set for the loop.
 * Returns: false when there is no task on that stack now, or ever another one. */
bool weir__task_view_take(struct weir__look *look, struct weir__task *record,
                          struct weir__task_view_room room, struct weir__task_view *out);

/* Whether that task still lives. */
static inline bool weir__task_view_lives(struct weir__task *record, uint64_t id)
{
    return atomic_load_explicit(&record->id, memory_order_acquire) == id;
}

struct weir_runtime;

/* What stays mapped while the runtime lives, for look.peek: stacks, constants. Returns: ordered, to be freed;
 * NULL: no memory. */
struct weir__span *weir__mapped_spans(const struct weir_runtime *r, size_t *count);

/* The time by the clock of a loop, from any thread. */
int64_t weir__task_view_now_ns(const struct weir__look *look, const struct weir__loop *loop);

#endif
