/* SPDX-License-Identifier: MIT */
/* Scopes own tasks: nothing that is started in a scope outlives it.
 *
 * Threading: a scope belongs to the loop of the task that opened it; every function here is called by a task
 * of that loop. Between two waits no other task of the loop runs, so nothing here needs a lock.
 *
 * A scope carries a deadline and the cancel. They hold for the task that opened it, until it closes it, and
 * for every task spawned in it. A scope opened inside another can only tighten: it is cancelled with the
 * outer one. Once a scope is cancelled, or its deadline has passed, every wait in it fails, each time, with
 * -WEIR_ECANCELED or -WEIR_EDEADLINE. The loop notices a deadline when it turns: a task that computes past it
 * feels it at the next wait that does not succeed at once.
 *
 * (Structured concurrency after Sústrik, libdill, and Smith, "Notes on structured concurrency", 2018.)
 */
#ifndef WEIR_SCOPE_H
#define WEIR_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Storage for a scope: on the stack of the task that opens it, and not moved while it is open. */
typedef struct weir_scope {
    unsigned char storage[192] __attribute__((aligned(16)));
} weir_scope;

enum weir_scope_flags {
    WEIR_COLLECT = 1, /* a task that fails does not cancel its siblings: every outcome is wanted */
    WEIR_SHIELD =
        2, /* a cancel or deadline from outside is felt only when this scope's own deadline passes: for a
              polite goodbye. The deadline is at most WEIR_SHIELD_MAX_MS away, whatever is asked. */
};

enum { WEIR_SHIELD_MAX_MS = 5000 };

/* Opens a scope inside the one the task is in. The task is in it until weir_scope_close().
 * Owns:    scope is the caller's storage, lent until closed.
 * Takes:   deadline: absolute, weir_never() for none; an outer one that comes sooner holds. flags: of
 *          weir_scope_flags.
 * Where:   task. Does not wait and can't fail.
 */
void weir_scope_open(weir_scope *scope, weir_instant deadline, unsigned flags);

/* Waits until every task of the scope has ended, then leaves it. Scopes are closed in the reverse order of
 * opening.
 * Returns: 0; the failure (< 0) of the first task that failed, unless WEIR_COLLECT; else the cause of its
 *          cancel, -WEIR_ECANCELED or -WEIR_EDEADLINE, when there was one.
 * Cancel:  does not cut the wait short; the cancel reaches the tasks, and they end.
 * Where:   the task that opened it. Waits.
 */
int weir_scope_close(weir_scope *scope);

/* Cancels all that is in the scope, the caller's further waits in it too. May be called again; only the first
 * counts.
 * Where:   any task of the loop. Does not wait.
 */
void weir_scope_cancel(weir_scope *scope);

/* Why waits fail in this scope.
 * Returns: 0: they don't; -WEIR_ECANCELED; -WEIR_EDEADLINE.
 * Where:   any task of the loop. Does not wait.
 */
int weir_scope_cause(const weir_scope *scope);

/* Which deadline fired: true when it is this scope's own that passed, false when none did or an outer one.
 * Returns: as said.
 * Where:   any task of the loop. Does not wait.
 */
bool weir_scope_expired(const weir_scope *scope);

/* The deadline in force: the nearest of this scope and those around it.
 * Returns: an instant, weir_never() when there is none.
 * Where:   any task of the loop. Does not wait.
 */
weir_instant weir_scope_deadline(const weir_scope *scope);

/* Starts fn(arg) as a task in scope. It runs when the caller next waits. What it returns is its outcome: < 0
 * is a failure, which cancels the scope unless WEIR_COLLECT. A spawn that fails counts as a task that failed
 * so, so its result may be left unread; with WEIR_COLLECT nobody but the caller hears of it.
 * Owns:    name is lent while the task lives: a literal, or weir_task_set_name() later. arg is fn's
 *          business.
 * Returns: 0; -ENOMEM, no stack can be had (memory, mappings or the limit of tasks); -WEIR_ECANCELED or
 *          -WEIR_EDEADLINE, the scope is cancelled already and fn will not run.
 * Where:   any task of the loop. Does not wait.
 */
int weir_spawn(weir_scope *scope, const char *name, int (*fn)(void *arg), void *arg);

#ifdef __cplusplus
}
#endif
#endif
