/* SPDX-License-Identifier: MIT */
/* The choice of an instance for a request.
 *
 * Threading: functions over the caller's memory, and atomic numbers.
 */
#ifndef WEIR__BACKEND_BALANCE_H
#define WEIR__BACKEND_BALANCE_H

#include "base/random.h"
#include "http/client/backend/common.h"

/* The numbers of the instances that may be chosen: those that are used; all of them if none is. */
struct weir__candidates {
    int count;
    bool panics; /* none is used */
    uint8_t numbers[WEIR__INSTANCES_MAX];
};

/* Finds the candidates among those that are there, whose numbers are here[0 … count - 1]. */
void weir__balance_candidates(const struct weir__backend_common *common, const uint8_t *here, int count,
                              struct weir__candidates *out);

/* Each returns the number of an instance; there is at least one candidate. */

/* The one with fewer requests in progress of two that are drawn; of equals the one drawn first. */
int weir__balance_least(const struct weir__backend_common *common, const struct weir__candidates *c,
                        struct weir__random *random);

/* The next one in turn. limit: of requests in progress, to all instances together; one that has its share of
 * them is passed over, since an instance that does not answer would take all. 0: there is no limit. */
int weir__balance_round_robin(struct weir__backend_common *common, const struct weir__candidates *c,
                              int limit);

/* The one with the highest score for this key (rendezvous hashing; Thaler and Ravishankar, 1998). hashes: of
 * the addresses, by number. The score depends on key and address alone, so that all loops, processes and
 * machines choose alike. */
int weir__balance_hash(const uint64_t *hashes, const struct weir__candidates *c, const char *key);

/* The hash of an address. */
uint64_t weir__balance_hash_of(const char *address);

#endif
