/* SPDX-License-Identifier: MIT */
#include "net/slots_common.h"

#include <weir/time.h>

#include "core/shared.h"

/* How long a process may take to look once it was rung. */
static const int64_t DEAF_AFTER_NS = 200000000;

static uint64_t bit(int member)
{
    return UINT64_C(1) << member;
}

/* --- taking and giving --- */

int weir__slots_common_free(const struct weir__slots_common *c, int max)
{
    return max - weir_shared_count_sum(c->shared, c->held);
}

/* Processes that reach for the last slot at once may all miss it: so one that misses looks whether it is
 * there. */
bool weir__slots_common_take(const struct weir__slots_common *c, int max)
{
    enum { TRIES = 4 };

    for (int i = 0; i < TRIES && weir__slots_common_free(c, max) > 0; i++)
        if (weir_shared_count_try(c->shared, c->held, max))
            return true;
    return false;
}

/* --- the other processes --- */

/* Whether another process waits, and hears. */
static bool waits(const struct weir__slots_common *c, int member)
{
    return member != weir_shared_member(c->shared) && (c->deaf & bit(member)) == 0 &&
           weir_shared_count_of(c->queued, member) > 0;
}

/* Rings the process that waits longest, if there is one. */
static void ring_longest(const struct weir__slots_common *c)
{
    int members = weir__shared_members(c->shared), longest = -1;

    for (int i = 0; i < members; i++)
        if (waits(c, i) && !weir__shared_is_ringing(c->shared, i) &&
            (longest < 0 || atomic_load(&c->queued_since_ns[i]) < atomic_load(&c->queued_since_ns[longest])))
            longest = i;
    if (longest >= 0)
        weir_shared_ring(c->shared, longest);
}

void weir__slots_common_give(const struct weir__slots_common *c)
{
    weir_shared_count_add(c->shared, c->held, -1);
    ring_longest(c);
}

void weir__slots_common_ring_all(const struct weir__slots_common *c)
{
    int members = weir__shared_members(c->shared);

    for (int i = 0; i < members; i++)
        if (waits(c, i) && !weir__shared_is_ringing(c->shared, i))
            weir_shared_ring(c->shared, i);
}

void weir__slots_common_queue(const struct weir__slots_common *c, int more)
{
    const int self = weir_shared_member(c->shared);

    if (more > 0 && weir_shared_count_of(c->queued, self) == 0)
        atomic_store(&c->queued_since_ns[self], weir_now().ns);
    weir_shared_count_add(c->shared, c->queued, more);
    if (weir_shared_count_of(c->queued, self) == 0)
        atomic_store(&c->queued_since_ns[self], 0);
}

void weir__slots_common_ask(const struct weir__slots_common *c)
{
    int members = weir__shared_members(c->shared);

    for (int i = 0; i < members; i++)
        if (i != weir_shared_member(c->shared) && weir_shared_count_of(c->held, i) > 0)
            weir_shared_ring(c->shared, i);
}

int weir__slots_common_others(const struct weir__slots_common *c)
{
    int members = weir__shared_members(c->shared), count = 0;

    for (int i = 0; i < members; i++)
        if (waits(c, i))
            count += weir_shared_count_of(c->queued, i);
    return count;
}

int weir__slots_common_active(const struct weir__slots_common *c)
{
    int members = weir__shared_members(c->shared), count = 0;

    for (int i = 0; i < members; i++)
        count += weir_shared_count_of(c->held, i) > 0 || waits(c, i) || i == weir_shared_member(c->shared);
    return count;
}

/* Whether a process that waits and has so many slots is poorer than one that has own. Where the difference is
 * one, passing a slot on would only close connections of both in turn, unless the other has none at all. The
 * poorest of those that wait yields to nobody: so what is free is taken. */
static bool is_poorer(int held, int own)
{
    return held < own && (held == 0 || held + 1 < own);
}

bool weir__slots_common_yields(const struct weir__slots_common *c, int free)
{
    const int own = weir_shared_count_of(c->held, weir_shared_member(c->shared));
    int members = weir__shared_members(c->shared), wanted = 0;

    for (int i = 0; i < members; i++)
        if (waits(c, i) && is_poorer(weir_shared_count_of(c->held, i), own))
            wanted += weir_shared_count_of(c->queued, i);
    return wanted > 0 && wanted > free;
}

void weir__slots_common_look(struct weir__slots_common *c, int64_t now_ns)
{
    int members = weir__shared_members(c->shared);
    uint64_t are_ringing = 0;

    if (now_ns - c->looked_ns < DEAF_AFTER_NS)
        return;
    for (int i = 0; i < members; i++)
        if (weir__shared_is_ringing(c->shared, i))
            are_ringing |= bit(i);
    c->deaf = c->were_ringing & are_ringing;
    c->were_ringing = are_ringing;
    c->looked_ns = now_ns;
}
