/* SPDX-License-Identifier: MIT */
#include "http/client/backend/eject.h"

#include "http/client/backend/doubling.h"

enum {
    LEVEL_SHIFT = 1,
    LEVEL_MAX = 63,
    FAILURES_SHIFT = 7,
    FAILURES_MAX = WEIR__EJECT_AFTER_MAX,
    UNTIL_SHIFT = 19
};

static const int64_t ms_ns = 1000000, most_ns = WEIR__EJECT_MAX_S * INT64_C(1000000000);

static uint64_t state_of(bool ejected, unsigned level, unsigned failures, int64_t until_ns)
{
    return (uint64_t)(until_ns / ms_ns) << UNTIL_SHIFT | (uint64_t)failures << FAILURES_SHIFT |
           (uint64_t)level << LEVEL_SHIFT | ejected;
}

static unsigned level_of(uint64_t state)
{
    return state >> LEVEL_SHIFT & LEVEL_MAX;
}

static unsigned failures_of(uint64_t state)
{
    return state >> FAILURES_SHIFT & FAILURES_MAX;
}

int64_t weir__eject_until(uint64_t state)
{
    return (int64_t)(state >> UNTIL_SHIFT) * ms_ns;
}

/* How long it is ejected when it was so often before. */
static int64_t ejected_for(const struct weir__eject_settings *s, unsigned level)
{
    return weir__doubled(s->period_ns, level, most_ns);
}

/* Each period in which it was not ejected makes up for one ejection. */
static unsigned level_now(uint64_t state, const struct weir__eject_settings *s, int64_t now_ns)
{
    int64_t periods = (now_ns - weir__eject_until(state)) / s->period_ns;
    unsigned level = level_of(state);

    return periods >= level ? 0 : level - (unsigned)periods;
}

bool weir__eject_is_due(uint64_t state, const struct weir__eject_settings *s)
{
    return !weir__eject_is_ejected(state) && s->after > 0 && failures_of(state) + 1 >= (unsigned)s->after;
}

uint64_t weir__eject_failed(uint64_t state, const struct weir__eject_settings *s, int64_t now_ns, bool may)
{
    unsigned failures = failures_of(state), level;

    if (weir__eject_is_ejected(state)) /* requests that began before it was */
        return state;
    if (may && weir__eject_is_due(state, s)) {
        level = level_now(state, s, now_ns);
        return state_of(true, level < LEVEL_MAX ? level + 1 : level, 0, now_ns + ejected_for(s, level));
    }
    failures += failures < FAILURES_MAX;
    return state_of(false, level_of(state), failures, weir__eject_until(state));
}

uint64_t weir__eject_answered(uint64_t state)
{
    return state & ~((uint64_t)FAILURES_MAX << FAILURES_SHIFT);
}

uint64_t weir__eject_look(uint64_t state, int64_t now_ns)
{
    return weir__eject_is_ejected(state) && now_ns >= weir__eject_until(state) ? state & ~UINT64_C(1) : state;
}

int weir__eject_at_most(const struct weir__eject_settings *s, int instances)
{
    int most = instances * s->at_most_percent / 100;

    return most == 0 && instances >= 2 && s->at_most_percent > 0 ? 1 : most;
}
