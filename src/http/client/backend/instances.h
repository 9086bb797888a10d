/* SPDX-License-Identifier: MIT */
/* The table of instances: which addresses there are.
 *
 * Threading: under the lock of the backend (shared.h), or, in tests, by one thread.
 */
#ifndef WEIR__BACKEND_INSTANCES_H
#define WEIR__BACKEND_INSTANCES_H

#include "http/client/backend/common.h"

/* Sets the addresses that a URL has now. New ones are added, in the place of ones that have gone long enough
 * and have no requests any more; those that are missing are gone. An address that several URLs have is one
 * instance, which goes when none of them has it any more.
 * Returns: whether the table has changed. *left_out: addresses for which there was no room. */
bool weir__instances_set(struct weir__backend_common *common, int url,
                         const char (*addresses)[WEIR__INSTANCE_ADDRESS_BYTES], int count, int64_t now_ns,
                         int *left_out);

/* Counts anew those that are here, and those of them that are ejected. */
void weir__instances_count(struct weir__backend_common *common);

/* Makes a table whole whose last writer has died in a change: each instance is as it was, or as it was to be;
 * what is known of all of them is found out anew. */
void weir__instances_mend(struct weir__backend_common *common);

#endif
