/* SPDX-License-Identifier: MIT */
/* The table of route kinds: a new kind is its own file and one line in KINDS. */
#include "config/route_kind.h"

#include <string.h>

#define KINDS(KIND)                                                                                          \
    KIND(respond)                                                                                            \
    KIND(gather)                                                                                             \
    KIND(hash)                                                                                               \
    KIND(compress)                                                                                           \
    KIND(thumbnail)                                                                                          \
    KIND(json)                                                                                               \
    KIND(sleep)                                                                                              \
    KIND(burn)

#define DECLARE(name) extern const struct route_kind route_##name;
#define LIST(name) &route_##name,

KINDS(DECLARE)

const struct route_kind *const route_kinds[] = {KINDS(LIST) NULL};

const char *const route_kinds_later[] = {"file", "proxy", NULL};

const struct route_kind *route_kind_find(const char *name)
{
    for (size_t i = 0; route_kinds[i] != NULL; i++)
        if (strcmp(route_kinds[i]->name, name) == 0)
            return route_kinds[i];
    return NULL;
}
