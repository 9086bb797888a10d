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

#endif
