/* SPDX-License-Identifier: MIT */
/* The budget of second attempts: a bucket that first attempts fill, and second ones empty.
 *
 * It gains the larger of extra × first attempts and one a second, never both: what time has added is
 * reckoned against what first attempts added since. It keeps at most what ten seconds of the present traffic
 * add, and never less than one.
 *
 * Threading: all is atomic, without a lock and without pointers; any number of loops and processes use one.
 * A process that dies in between leaves nothing locked and at most one attempt unpaid. A clock that jumps
 * back adds nothing; one that jumps ahead fills it no further than its cap.
 */
#ifndef WEIR__BUDGET_H
#define WEIR__BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct weir__budget_settings {
    double extra; /* second attempts for each first one: 0.05; 0: there are none */
};

/* All zero: begun now, and empty but for what it gains at once: one. */
struct weir__budget {
    _Atomic uint64_t words[8]; /* see budget.c */
};

void weir__budget_first(struct weir__budget *b, const struct weir__budget_settings *s, int64_t now_ns);

/* Takes one. Returns: whether it was there. */
bool weir__budget_pay(struct weir__budget *b, const struct weir__budget_settings *s, int64_t now_ns);

/* How full it is, 0 to 1 of its cap; and how many it would pay for. */
double weir__budget_level(const struct weir__budget *b, const struct weir__budget_settings *s,
                          int64_t now_ns);
double weir__budget_left(const struct weir__budget *b, const struct weir__budget_settings *s, int64_t now_ns);

#endif
