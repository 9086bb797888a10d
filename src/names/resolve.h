/* SPDX-License-Identifier: MIT */
/* Resolving a name by a task.
 *
 * Threading: the loop's thread; for tasks.
 */
#ifndef WEIR__NAMES_RESOLVE_H
#define WEIR__NAMES_RESOLVE_H

#include "names/resolver.h"

/* Resolves a valid name (weir_host_type_of(): WEIR_HOST_NAME). Does not begin a wait when the name is known.
 * Returns: 0; -WEIR_EDNS: out->name->why says why; -WEIR_EBUSY; -ENOMEM; no thread; the scope's code. Waits.
 */
int weir__names_resolve(const char *host, size_t len, enum weir__want want,
                        struct weir__found *out) WEIR_CHECKED;

#endif
