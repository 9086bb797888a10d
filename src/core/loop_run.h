/* SPDX-License-Identifier: MIT */
/* The life of a loop: it is opened, turns until its tasks have ended, and is freed.
 *
 * Threading: all on the loop's thread, but weir__loop_free(), which may follow on another.
 */
#ifndef WEIR__CORE_LOOP_RUN_H
#define WEIR__CORE_LOOP_RUN_H

#include <stdbool.h>

struct weir_runtime;
struct weir__loop;

int weir__loop_open(struct weir__loop *loop, struct weir_runtime *runtime, int index)
    __attribute__((warn_unused_result));
void weir__loop_free(struct weir__loop *loop);

/* Turns until *done (loop 0) or, when done is NULL, until loop->stop is set, and every task has ended.
 * Returns: 0; -EDEADLK, see weir_run(). */
int weir__loop_turn_until(struct weir__loop *loop, const bool *done);

/* One turn of a loop without tasks: messages are delivered, and operations end. It may take a millisecond. */
void weir__loop_settle(struct weir__loop *loop);

#endif
