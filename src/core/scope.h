/* SPDX-License-Identifier: MIT */
/* The content of a weir_scope. Threading as in <weir/scope.h>. */
#ifndef WEIR__SCOPE_H
#define WEIR__SCOPE_H

#include <weir/scope.h>

#include "base/list.h"
#include "core/loop.h"

struct weir__task;
struct weir__activity;

struct weir__scope {
    struct weir__loop *loop; /* NULL once closed */
    struct weir__scope *parent;
    struct weir__task *owner; /* NULL: the root of a loop, or detached */
    const char *name;         /* of a detached scope; else NULL */
    const void *opened_at;    /* an address in the code that opened it; or NULL */
    uint64_t id;              /* unique on its loop; greater than that of the scope around it; 0: the root */
    struct weir__activity *activity; /* of the tasks spawned here: the opener's; or NULL */
    struct weir__list children;      /* scopes opened by tasks that were in this one */
    struct weir__list sibling;
    struct weir__list tasks; /* spawned here and not ended */
    struct weir__timeout timeout;
    int64_t deadline_ns; /* the deadline in force: the nearest of this scope and all around */
    int64_t own_ns;      /* this scope's own */
    int64_t shield_ns;   /* the latest that may be set; INT64_MAX: any */
    int cause;           /* why waits fail; 0: they don't */
    int failure;         /* of the first task that failed */
    unsigned flags;
    unsigned live; /* number of tasks */
    bool expired;
    bool closing;
};

/* What lives as long as a scope, besides its tasks. end() is called once, as the scope closes, by the task
 * that closes it, when all tasks have ended. It does not wait. */
struct weir__owned {
    struct weir__list node; /* in those of the loop */
    struct weir__scope *scope;
    void (*end)(struct weir__owned *owned);
};

void weir__scope_own(struct weir__scope *s, struct weir__owned *owned,
                     void (*end)(struct weir__owned *owned));

static inline struct weir__scope *weir__scope_of(weir_scope *scope)
{
    _Static_assert(sizeof(struct weir__scope) <= sizeof(weir_scope), "weir_scope is too small");
    return (struct weir__scope *)(void *)scope;
}

void weir__scope_init_root(struct weir__scope *s, struct weir__loop *loop);
/* The same for tasks that the runtime starts in scopes of their own, directly below the root. */
void weir__scope_init_below_root(struct weir__scope *s, struct weir__loop *loop);
/* Makes a scope that no task has opened, below the root of its loop, whose cancel does not reach it. The
 * caller cancels it, awaits the end of its tasks, and ends it. name: a literal. */
void weir__scope_init_detached(struct weir__scope *s, struct weir__loop *loop, const char *name);
/* Waits until the tasks of a detached scope have ended, however long; a cancel does not end the wait. */
void weir__scope_await_detached(struct weir__scope *s);
void weir__scope_end_detached(struct weir__scope *s);
/* As weir_scope_open() with WEIR_COLLECT and without a deadline, and as weir_scope_close(), for the running
 * task. It knows that s is not open, then that s is its innermost scope. */
void weir__scope_open(struct weir__scope *s, struct weir__task *self);
int weir__scope_close(struct weir__scope *s, struct weir__task *self);
/* As weir_scope_open() with WEIR_SHIELD, for as long as the deadline says. */
void weir__scope_open_long_shield(weir_scope *scope, weir_instant deadline);
/* Cancels s: every wait in it and below fails with cause from now on. */
void weir__scope_cancel(struct weir__scope *s, int cause);
/* Ends the program if the running task has opened a scope inside s and not closed it; called where a function
 * of the caller's has returned. what: that function, "the handler". */
void weir__scope_check_innermost(const struct weir__scope *s, const char *what);
/* Spawns a task into s. A failure to spawn is only returned; it does not fail the scope. Returns: as
 * weir_spawn(). */
int weir__spawn(struct weir__scope *s, const char *name, int (*fn)(void *), void *arg,
                struct weir__task **out);
/* As weir__spawn(), for what the activity works for that opened the scope. Also on the loop's own stack. */
int weir__spawn_inside(struct weir__scope *s, const char *name, int (*fn)(void *), void *arg);
/* As weir__spawn(), also into a cancelled scope: the waits of the task fail then. */
int weir__spawn_cancelled(struct weir__scope *s, const char *name, int (*fn)(void *), void *arg);
/* Ends a task of s with its outcome. */
void weir__scope_task_ended(struct weir__scope *s, struct weir__task *task, int outcome);

#endif
