/* SPDX-License-Identifier: MIT */
/* Pieces of the tests of the task tree. */
#ifndef TEST_WATCH_TREE_INSPECT_RIG_H
#define TEST_WATCH_TREE_INSPECT_RIG_H

#include <stdint.h>
#include <string.h>

#include "support/tree.h"

static inline int sleep_for_ever(void *arg)
{
    (void)arg;
    return weir_sleep_until(weir_never());
}

/* Lets all ready tasks run until they wait. */
static inline void settle(void)
{
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
}

static inline void expect_wait(const weir_tasks *tasks, const char *name, const char *words)
{
    assert_string_equal(wait_of(tasks, name), words);
}

/* Calls a function on the loop with the number arg, which sleeps there. */
static inline int wait_for_a_call(void *arg)
{
    return weir_loop_call((int)(intptr_t)arg, "called", sleep_for_ever, NULL);
}

#endif
