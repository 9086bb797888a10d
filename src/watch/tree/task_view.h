/* SPDX-License-Identifier: MIT */
/* The view of one task from another thread, while its loop goes on.
 *
 * Threading: any thread, while the runtime lives. The loop is never stopped, asked or waited for.
 *
 * A view is of one moment. The `id` of a record is that of no other task, and 0 between two tasks. While it
 * stays the same, what holds for the whole life of a task was read correctly: its identity, and the scope it
 * was spawned in, which outlives it. `runs` grows whenever the task is resumed, and sp is NULL while it runs.
 * While these stay the same too, the task lay still, and so did its scopes, its wait and its stack. Otherwise
 * the record is read again.
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
    uint64_t parent;          /* the task in whose scope it was spawned; 0: none */
    struct weir__task *owner; /* the parent's record; or NULL */
    uint64_t home;            /* the id of that scope */
    enum weir__task_view_state state;
    int64_t created_ns;
    int64_t deadline_ns; /* in force for it */
    const void *spawned_at;
    char name[WEIR__TASK_VIEW_TEXT_BYTES];
    char route[WEIR__TASK_VIEW_TEXT_BYTES];                     /* "": none */
    struct weir__wait_words wait;                               /* while parked */
    struct weir__scope_view scopes[WEIR__TASK_VIEW_SCOPES_MAX]; /* its own, innermost first */
    unsigned scope_count;
    /* If asked for, and the task does not run: its stack, from the saved stack pointer to the base. */
    uintptr_t sp;
    size_t stack_bytes; /* 0: not read */
};

/* Where the copy of a stack goes; room 0: none is wanted. */
struct weir__task_view_room {
    char *stack;
    size_t room;
};

/* Views the task of a record, and sets look->now_ns for its loop.
 * Returns: false: there is no task on that stack now, or tasks come and go there all the time. */
bool weir__task_view_take(struct weir__look *look, struct weir__task *record,
                          struct weir__task_view_room room, struct weir__task_view *out);

/* Whether the task with this id still lives. */
static inline bool weir__task_view_lives(struct weir__task *record, uint64_t id)
{
    return atomic_load_explicit(&record->id, memory_order_acquire) == id;
}

#endif
