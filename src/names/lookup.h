/* SPDX-License-Identifier: MIT */
/* One look-up of a name: all full names that the name may stand for, one after the other, of each both
 * families at once.
 *
 * Threading: the loop's thread.
 */
#ifndef WEIR__NAMES_LOOKUP_H
#define WEIR__NAMES_LOOKUP_H

#include "core/loop.h"
#include "names/answer.h"
#include "names/name.h"
#include "names/resolver.h"

struct weir__lookup {
    struct weir__list node; /* in resolver->queued or resolver->in_flight */
    struct weir__resolver *resolver;
    struct weir__name *name;
    struct weir__timeout whole; /* the time that it may take */
    struct weir__timeout other; /* how long the other family is waited for */
    struct weir__timeout stale; /* how long tasks wait that could have old addresses */
    void *asked;                /* of the source; NULL: nothing is */
    int candidate;              /* the number of the full name */
    bool is_in_flight;
    bool is_ahead;     /* goes on though no task waits */
    bool is_stale_now; /* tasks take old addresses */
    bool is_usable;    /* addresses of one family are there, and no task waits for the other */
    bool exists;       /* one of the full names does, without an address */
    bool negative_has_ttl;
    uint32_t negative_ttl_s; /* the least of all full names */
    const char *failure;     /* of one of the full names; NULL: none has failed */
    bool answered[2];        /* IPv4, IPv6 */
    struct weir__answer answers[2];
};

void weir__lookups_init(struct weir__resolver *r);

/* Begins a look-up. ahead: no task waits for it. Returns: 0; -ENOMEM. */
int weir__lookup_begin(struct weir__resolver *r, struct weir__name *n, bool ahead) WEIR_CHECKED;

/* Ends a look-up without a result. */
void weir__lookup_cancel(struct weir__lookup *l);

/* Passes on an answer, of which the look-up takes a copy. Returns: false: what was asked has been stopped. */
bool weir__lookup_answered(struct weir__lookup *l, uint8_t family, const struct weir__answer *answer);

/* Words for a look-up that no server has answered in its time. */
const char *weir__lookup_silence(const struct weir__resolver *r);

#endif
