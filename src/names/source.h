/* SPDX-License-Identifier: MIT */
/* Where answers come from: DNS servers (dns.c), or under simulation a table (simulated.c).
 *
 * Threading: the loop's thread.
 */
#ifndef WEIR__NAMES_SOURCE_H
#define WEIR__NAMES_SOURCE_H

#include <stdbool.h>

#include <weir/error.h>

#include "names/answer.h"

struct weir__lookup;
struct weir__resolver;

struct weir__name_source {
    /* Asks for the IPv4 and the IPv6 addresses of a full name. Later, from the loop's own stack, each answer
     * is passed to weir__lookup_answered(), once.
     * Returns: 0; < 0: nothing will come. */
    int (*ask)(struct weir__lookup *lookup, const char *name) WEIR_CHECKED;

    /* Ends what was asked; no answer comes any more. lookup->asked is NULL afterwards. */
    void (*stop)(struct weir__lookup *lookup);

    /* Frees what the source keeps of the loop, as the loop ends: nothing is asked any more. */
    void (*end)(struct weir__resolver *resolver);
};

extern const struct weir__name_source weir__dns_source, weir__simulated_source;

#endif
