/* SPDX-License-Identifier: MIT */
/* Ejection of an instance that fails requests, as a state in one word.
 *
 * Threading: pure functions of state, event and instant.
 */
#ifndef WEIR__BACKEND_EJECT_H
#define WEIR__BACKEND_EJECT_H

#include <stdbool.h>
#include <stdint.h>

enum { WEIR__EJECT_AFTER_MAX = 4095, WEIR__EJECT_MAX_S = 300 };

struct weir__eject_settings {
    int after; /* negative: nothing is ejected */
    int64_t period_ns;
    int at_most_percent;
};

/* A state: whether it is ejected; until when; how often it was, lately; failures in a row. 0: all is well. */

/* A request failed. may: an instance may be ejected now. Returns: the next state; ejected if that is to be,
 * and it was not. */
uint64_t weir__eject_failed(uint64_t state, const struct weir__eject_settings *s, int64_t now_ns, bool may);

/* Whether the next failure ejects, if that may be. */
bool weir__eject_is_due(uint64_t state, const struct weir__eject_settings *s);

/* A request was answered well. Returns: the next state. */
uint64_t weir__eject_answered(uint64_t state);

/* Returns: the next state; not ejected any more once its time is over. */
uint64_t weir__eject_look(uint64_t state, int64_t now_ns);

/* How many of so many instances may be ejected at once. */
int weir__eject_at_most(const struct weir__eject_settings *s, int instances);

static inline bool weir__eject_is_ejected(uint64_t state)
{
    return (state & 1) != 0;
}

/* Until when it is, or was last. */
int64_t weir__eject_until(uint64_t state);

#endif
