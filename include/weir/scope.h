/* SPDX-License-Identifier: MIT */
/* Scopes own tasks: a task that is started in a scope does not outlive it.
 *
 * Threading: a scope belongs to the loop of the task that opened it; every function here is called by a
 * task of that loop. Between two waits no other task of the loop runs, so nothing here needs a lock.
 *
 * A scope carries a deadline and cancellation. They apply to the task that opened the scope, until it
 * closes it, and to every task spawned in it. A scope that is opened inside another can only tighten: it is
 * cancelled with the outer scope. Once a scope is cancelled, or its deadline has passed, every wait in it
 * fails, each time, with -WEIR_ECANCELED or -WEIR_EDEADLINE. The loop notices a passed deadline at its next
 * turn: a task that computes past it learns of it at its next wait that does not succeed at once.
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
    WEIR_COLLECT =
        1, /* the failure of a task does not cancel its siblings: for when every outcome is wanted */
    WEIR_SHIELD = 2, /* a cancel or deadline from outside takes effect only when this scope's own deadline
                        passes: for a last message to the peer. That deadline is at most WEIR_SHIELD_MAX_MS
                        away, whatever is requested. */
};

enum { WEIR_SHIELD_MAX_MS = 5000 };

/* Opens a scope inside the innermost scope of the calling task. The task is in it until weir_scope_close().
 * Owns:    scope is the caller's storage, lent until closed.
 * Takes:   deadline: absolute, weir_never() for none; an earlier outer deadline still applies. flags: of
 *          weir_scope_flags.
 * Where:   task, which closes the scope before its function (or the handler that it runs) returns. Does not
 *          wait and cannot fail.
 */
void weir_scope_open(weir_scope *scope, weir_instant deadline, unsigned flags);

/* Waits until every task of the scope has ended, then closes it. Scopes are closed in the reverse order of
 * opening.
 * Returns: 0; the failure (< 0) of the first task that failed, unless WEIR_COLLECT; otherwise
 *          -WEIR_ECANCELED or -WEIR_EDEADLINE, if the scope was cancelled or its deadline passed.
 * Cancel:  does not shorten the wait; the cancel reaches the tasks, and they end.
 * Where:   the task that opened it. Waits.
 */
int weir_scope_close(weir_scope *scope);

/* Opens a scope that is closed when the block that it stands in is left, however it is left:
 *
 *     weir_scope_auto(scope, weir_after_ms(100), 0);
 *
 *     if (weir_spawn(&scope, "first", fetch, &first) < 0 || parse(text) < 0)
 *         return -EINVAL;                                   // cancels what runs, waits for it, closes
 *     …
 *     return weir_scope_close(&scope);                      // waits for all, and has a result
 *
 * Leaving the block with the scope open means that its outcome is not wanted: see weir_scope_leave(). A
 * result that is wanted comes from weir_scope_close(), after which leaving the block does nothing. Needs the
 * cleanup attribute of GNU C, which gcc and clang have in C and in C++. It is a declaration; its arguments
 * are those of weir_scope_open().
 */
#define weir_scope_auto(scope, deadline, flags)                                                              \
    weir_scope scope __attribute__((cleanup(weir_scope_leave))), *const weir__open_##scope                   \
                                                                 __attribute__((unused)) =                   \
                                                                     (weir_scope_open(&scope, (deadline),    \
                                                                                      (flags)),              \
                                                                      &scope)

/* Cancels a scope and closes it; its result is dropped. Does nothing if the scope is closed already.
 * Cancel:  does not shorten the wait for the tasks, which the scope's own cancel reaches.
 * Where:   the task that opened it. Waits.
 */
void weir_scope_leave(weir_scope *scope);

/* Cancels everything in the scope, including the caller's later waits in it. May be called again; only the
 * first call has an effect.
 * Where:   any task of the loop. Does not wait.
 */
void weir_scope_cancel(weir_scope *scope);

/* Reports why waits in this scope fail; after the close, why they failed.
 * Returns: 0: they do not; -WEIR_ECANCELED; -WEIR_EDEADLINE.
 * Where:   any task of the loop. Does not wait.
 */
int weir_scope_cause(const weir_scope *scope);

/* Reports whether this scope's own deadline has passed, also after the close.
 * Returns: true if so; false if no deadline passed, or an outer one did.
 * Where:   any task of the loop. Does not wait.
 */
bool weir_scope_expired(const weir_scope *scope);

/* Returns the deadline in force: the earliest of this scope's and those of the scopes around it.
 * Returns: an instant, weir_never() if there is none.
 * Where:   any task of the loop. Does not wait.
 */
weir_instant weir_scope_deadline(const weir_scope *scope);

/* Changes the scope's own deadline. The task that opened the scope may set any, weir_never() included; other
 * tasks may only set one that is earlier than that in force. A passed instant cancels the scope at once. An
 * earlier outer deadline still applies, and a WEIR_SHIELD still ends WEIR_SHIELD_MAX_MS after it was opened.
 * Returns: 0; -EPERM a later deadline, by a task that did not open the scope; -WEIR_ECANCELED or
 *          -WEIR_EDEADLINE the scope is cancelled already. After an error nothing has changed.
 * Where:   any task of the loop. Does not wait.
 */
int weir_scope_set_deadline(weir_scope *scope, weir_instant deadline);

/* Starts fn(arg) as a task in scope. The task runs when the caller next waits. What fn returns is the
 * outcome of the task: < 0 is a failure, which cancels the scope unless WEIR_COLLECT. A failed spawn counts
 * as a task that failed with that code, so its result may be ignored; with WEIR_COLLECT only the caller
 * learns of it.
 * Owns:    name is lent while the task lives: a literal, or use weir_task_set_name() later. arg is passed
 *          to fn unchanged.
 * Returns: 0; -ENOMEM no stack is available (memory, mappings or the limit of tasks); -WEIR_ECANCELED or
 *          -WEIR_EDEADLINE the scope is cancelled already and fn will not run.
 * Where:   any task of the loop. Does not wait.
 */
int weir_spawn(weir_scope *scope, const char *name, int (*fn)(void *arg), void *arg);

#ifdef __cplusplus
}
#endif
#endif
