/* SPDX-License-Identifier: MIT */
#include "net/transport_below.h"

static struct weir__transport *below(const struct weir__transport *t)
{
    return *weir__transport_lower((struct weir__transport *)(uintptr_t)t);
}

bool weir__below_counts_acknowledged(const struct weir__transport *t)
{
    return below(t)->type->counts_acknowledged(below(t));
}

int weir__below_acknowledged(struct weir__transport *t, uint64_t *bytes)
{
    return below(t)->type->acknowledged(below(t), bytes);
}

int weir__below_tune(struct weir__transport *t, const struct weir__io_tuning *tuning)
{
    return below(t)->type->tune(below(t), tuning);
}

int weir__below_address(struct weir__transport *t, bool peer, struct sockaddr_storage *addr, socklen_t *len)
{
    return below(t)->type->address(below(t), peer, addr, len);
}
