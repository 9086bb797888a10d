/* SPDX-License-Identifier: MIT */
/* The budget of second attempts: a bucket that first attempts fill, and second ones empty.
 *
 * It gains the larger of extra × first attempts and one a second, never both: the lead of either over the
 * other is kept, and whichever is behind adds nothing until it has caught up. It keeps at most what the first
 * attempts of the last ten seconds have added, and never less than one. A lead is kept up to the same
 * measure, so that a quiet night is not held against the morning.
 *
 * Threading: all is atomic, without a lock and without pointers; any number of loops and processes use one.
 * A process that dies in between loses at most what it was about to add. A clock that jumps back adds
 * nothing; one that jumps ahead fills it no further than its cap.
 */
#ifndef WEIR__BUDGET_H
#define WEIR__BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct weir__budget_settings {
    double extra; /* second attempts for each first one: 0.05; 0: there are none */
};

enum { WEIR__BUDGET_PARTS = 3 };

/* All zero: it begins with one. */
struct weir__budget {
    _Atomic uint64_t state;                     /* what is in it, and the lead; see budget.c */
    _Atomic uint64_t pending;                   /* first attempts that are not reckoned yet */
    _Atomic int64_t reckoned_ns;                /* up to when time is; 0: not begun */
    _Atomic uint64_t parts[WEIR__BUDGET_PARTS]; /* first attempts, by parts of the last ten seconds */
};

void weir__budget_first(struct weir__budget *b, const struct weir__budget_settings *s, int64_t now_ns);

/* Takes one. Returns: whether it was there. */
bool weir__budget_pay(struct weir__budget *b, const struct weir__budget_settings *s, int64_t now_ns);

/* Puts back one that was taken, and not used. */
void weir__budget_refund(struct weir__budget *b);

/* How full it is, 0 to 1 of its cap; and how many it would pay for. */
double weir__budget_level(const struct weir__budget *b, const struct weir__budget_settings *s,
                          int64_t now_ns);
double weir__budget_left(const struct weir__budget *b, const struct weir__budget_settings *s, int64_t now_ns);

#endif
