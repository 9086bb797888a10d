/* SPDX-License-Identifier: MIT */
#include "routes/table.h"

/* A new kind is a file of its own, and a line here. */
#define KINDS(KIND)                                                                                          \
    KIND(respond)                                                                                            \
    KIND(file)                                                                                               \
    KIND(gather)                                                                                             \
    KIND(redirect)                                                                                           \
    KIND(proxy)                                                                                              \
    KIND(serve)                                                                                              \
    KIND(hash)                                                                                               \
    KIND(compress)                                                                                           \
    KIND(thumbnail)                                                                                          \
    KIND(json)                                                                                               \
    KIND(sleep)                                                                                              \
    KIND(burn)

#define DECLARE(name) extern const struct route_kind route_##name;
#define LIST(name) &route_##name,

KINDS(DECLARE)

static const struct route_kind *const list[] = {KINDS(LIST) NULL};
static const char *const later[] = {"query", "run", NULL};

const struct route_kinds route_kinds = {.list = list, .later = later};
