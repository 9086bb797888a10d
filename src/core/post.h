/* SPDX-License-Identifier: MIT */
/* Tasks that other threads start on a loop, and how a runtime is stopped from outside.
 *
 * Threading: weir_post() and weir_runtime_stop() from any thread; the rest says where.
 */
#ifndef WEIR__CORE_POST_H
#define WEIR__CORE_POST_H

#include <stdbool.h>

#include "core/lock.h"
#include "core/loop.h"
#include "core/scope.h"

struct weir_runtime;

/* Of one loop. */
struct weir__posted {
    struct weir__scope scope; /* of the posted tasks */
    struct weir__message close;
    int waiting; /* posts that have not begun; under the lock */
};

/* Of a runtime. Foreign threads touch its loops only under the lock, which the runtime enters before they go.
 */
struct weir__posts {
    struct weir__lock lock;
    struct weir__posted *of_loop;
    struct weir__scope first; /* of the first task */
    struct weir__message stop;
    /* locked */
    size_t count; /* posted tasks that have not ended */
    bool closed, stopping;
};

/* As the loop is opened. */
void weir__posts_begin_loop(struct weir__loop *loop);

/* Refuses posts from now on and cancels those that run. By the first task, as it ends. */
void weir__posts_close(struct weir_runtime *r);

/* Reports whether no posted task is left on a loop; asked by loop 0: in the runtime. On the loop's thread. */
bool weir__posts_are_over(struct weir__loop *loop);

/* Waits until no foreign thread touches a loop. By the runtime, before it frees them. */
void weir__posts_end(struct weir_runtime *r);

#endif
