/* SPDX-License-Identifier: MIT */
/* Mistakes of callers. Each ends the program by abort(), after one line in the log with the public function,
 * what is wrong, what to write instead, and the task, its route and the place that spawned it:
 *
 *     weir_scope_open() on a scope that is open already: … task=refill route=/page spawned_at="main.c:40
 * (main)"
 *
 * Every public function that touches an object of a loop begins with weir__check_loop(); every function for
 * tasks alone gets its task from weir__calling_task(). Both cost a load and a compare, in release builds as
 * well.
 *
 * Threading: any thread.
 */
#ifndef WEIR__CORE_MISUSE_H
#define WEIR__CORE_MISUSE_H

#include "core/loop.h"
#include "core/task_record.h"

/* Ends the program. function: the public function, without parentheses (__func__). wrong: what the caller
 * did, a phrase that follows the function's name ("on an event that was not initialised"). instead: what to
 * write, or NULL. */
void weir__misuse(const char *function, const char *wrong, const char *instead)
    __attribute__((noreturn, cold, noinline));

/* As weir__misuse(), and the line names a place of the code under a key: where something was opened. address:
 * in the code; NULL: unknown. */
void weir__misuse_at(const char *function, const char *wrong, const char *instead, const char *key,
                     const void *address) __attribute__((noreturn, cold, noinline));

/* Ends the program: the caller is on another loop or thread than an object ("an event", "a stream"). owner:
 * the object's loop, or any other value where the object was never initialised; NULL: it is closed. */
void weir__misuse_of_loop(const struct weir__loop *owner, const char *function, const char *object)
    __attribute__((noreturn, cold, noinline));

/* Ends the program: the caller is no task. */
void weir__misuse_outside_task(const char *function) __attribute__((noreturn, cold, noinline));

/* Checks that an object belongs to a loop: that of the calling thread, which the caller knows. */
static inline void weir__check_object(const struct weir__loop *owner, const struct weir__loop *here,
                                      const char *function, const char *object)
{
    if (__builtin_expect(owner != here, 0))
        weir__misuse_of_loop(owner, function, object);
}

/* Checks that an object belongs to the loop of the calling thread. */
static inline void weir__check_loop(const struct weir__loop *owner, const char *function, const char *object)
{
    if (__builtin_expect(owner != weir__loop_current() || owner == NULL, 0))
        weir__misuse_of_loop(owner, function, object);
}

/* Returns: the loop of the calling thread, for what callbacks of a loop may do as well as tasks. */
static inline struct weir__loop *weir__calling_loop(const char *function)
{
    struct weir__loop *loop = weir__loop_current();

    if (__builtin_expect(loop == NULL, 0))
        weir__misuse_outside_task(function);
    return loop;
}

/* Returns: the running task. */
static inline struct weir__task *weir__calling_task(const char *function)
{
    struct weir__loop *loop = weir__loop_current();
    struct weir__task *task = loop != NULL ? weir__running(loop) : NULL;

    if (__builtin_expect(task == NULL, 0))
        weir__misuse_outside_task(function);
    return task;
}

#endif
