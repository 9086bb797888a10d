/* SPDX-License-Identifier: MIT */
#include "supervisor/members.h"

_Static_assert(WEIR_SHARED_MEMBERS_MAX == 64, "a bit for each member");

void members_init(struct members *m, weir_shared *shared)
{
    *m = (struct members){.shared = shared, .taken = 1};
}

int members_take(struct members *m)
{
    int member;

    if (m->taken == UINT64_MAX)
        return -1;
    member = __builtin_ctzll(~m->taken);
    m->taken |= UINT64_C(1) << member;
    return member;
}

void members_give(struct members *m, int member)
{
    weir_shared_expel(m->shared, member);
    if (m->expel != NULL)
        m->expel(m->arg, member);
    m->taken &= ~(UINT64_C(1) << member);
}

int members_left(const struct members *m)
{
    return WEIR_SHARED_MEMBERS_MAX - __builtin_popcountll(m->taken);
}
