/* SPDX-License-Identifier: MIT */
/* The calls that the guard knows, with a hint on what to use instead; weir_guard_call_name() returns their
 * names.
 *
 * Threading: constants.
 */
#ifndef WEIR__GUARD_CALLS_H
#define WEIR__GUARD_CALLS_H

#include <stddef.h>

enum { WEIR__GUARD_CALLS_MAX = 256 }; /* as many as a weir_guard_allow has bits */

/* The number of the call with this name, less than WEIR__GUARD_CALLS_MAX; -1: unknown. */
int weir__guard_call_find(const char *name, size_t length);

const char *weir__guard_call_hint(int call);

#endif
