/* SPDX-License-Identifier: MIT */
/* The fibers by which TSan tells tasks apart. It takes a millisecond and a megabyte of address space to make
 * one, so those of tasks that have ended serve the next ones: a loop switches with synchronization, so that
 * all of its tasks are ordered anyway.
 *
 * Threading: the loop's thread; weir__fibers_free() also after it has ended.
 */
#ifndef WEIR__CORE_FIBERS_H
#define WEIR__CORE_FIBERS_H

#include "base/sanitizer.h"

#ifdef WITH_TSAN
#include <stddef.h>

#include <sanitizer/tsan_interface.h>

enum { WEIR__FIBERS_IDLE_MAX = 128 };

struct weir__fibers {
    void *ended; /* the one still switched from; or NULL */
    void *idle[WEIR__FIBERS_IDLE_MAX];
    unsigned idle_count;
};

/* Called by the compiler at the end of each function; gcc declares it so, though it takes nothing. */
void __tsan_func_exit(void *unused);

static inline void *weir__fiber_take(struct weir__fibers *f)
{
    return f->idle_count > 0 ? f->idle[--f->idle_count] : __tsan_create_fiber(0);
}

/* Ends the use of the present fiber, in the first function of its task, from which there is no return. */
__attribute__((always_inline)) static inline void weir__fiber_end(struct weir__fibers *f, void *fiber)
{
    f->ended = fiber;
    __tsan_func_exit(NULL);
}

/* Takes back the fiber that has ended, once another is current. */
static inline void weir__fiber_give_ended(struct weir__fibers *f)
{
    if (f->ended == NULL)
        return;
    if (f->idle_count < WEIR__FIBERS_IDLE_MAX)
        f->idle[f->idle_count++] = f->ended;
    else
        __tsan_destroy_fiber(f->ended);
    f->ended = NULL;
}

static inline void weir__fibers_free(struct weir__fibers *f)
{
    while (f->idle_count > 0)
        __tsan_destroy_fiber(f->idle[--f->idle_count]);
}
#endif

#endif
