/* SPDX-License-Identifier: MIT */
#include "http/client/backend/health.h"

uint32_t weir__health_checked(uint32_t state, const struct weir__health_settings *s, bool good)
{
    bool down = weir__health_is_down(state);
    uint32_t in_a_row = good == down ? (state >> 1) + 1 : 0;

    if (in_a_row >= (uint32_t)(down ? s->good : s->failed))
        return !down;
    return in_a_row << 1 | down;
}
