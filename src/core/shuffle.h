/* SPDX-License-Identifier: MIT */
/* The order of what may happen in any order, drawn from the seed of a simulation: ready tasks, and timers of
 * one instant. Seed 1 keeps the order of real loops.
 *
 * Threading: the loop's thread.
 */
#ifndef WEIR__CORE_SHUFFLE_H
#define WEIR__CORE_SHUFFLE_H

#include "base/list.h"

struct weir__loop;

/* Puts the ready tasks into another order. A task that has yielded stays behind all that were ready before it
 * and before all that came after it. */
void weir__shuffle_ready(struct weir__loop *loop);

/* Returns: one of the timers that expire as early as the first of the list, which is not empty. */
struct weir__list *weir__shuffle_timer(struct weir__loop *loop, struct weir__list *expired);

#endif
