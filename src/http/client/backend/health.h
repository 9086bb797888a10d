/* SPDX-License-Identifier: MIT */
/* Health of an instance by checks, as a state in one word.
 *
 * Threading: pure functions of state and event.
 */
#ifndef WEIR__BACKEND_HEALTH_H
#define WEIR__BACKEND_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

enum { WEIR__HEALTH_IN_A_ROW_MAX = 1000 };

struct weir__health_settings {
    int64_t every_ns, timeout_ns;
    int failed, good;
};

/* A state: whether it is down, and how many checks in a row have said the contrary. 0: it is up. */

/* A check was good, or failed. Returns: the next state. */
uint32_t weir__health_checked(uint32_t state, const struct weir__health_settings *s, bool good);

static inline bool weir__health_is_down(uint32_t state)
{
    return (state & 1) != 0;
}

/* Whether it is down, and the latest check was good. */
static inline bool weir__health_comes_back(uint32_t state)
{
    return weir__health_is_down(state) && state > 1;
}

/* Whether a status is that of an instance that is well. */
static inline bool weir__health_is_good(int status)
{
    return status >= 200 && status < 400;
}

#endif
