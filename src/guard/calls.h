/* SPDX-License-Identifier: MIT */
/* The calls that the guard knows, and what to write instead of them; weir_guard_name() has their names.
 *
 * Threading: constant.
 */
#ifndef WEIR__GUARD_CALLS_H
#define WEIR__GUARD_CALLS_H

#include <stddef.h>

enum { WEIR__GUARD_CALLS_MAX = 256 }; /* as many as a weir_guard_allow has bits */

/* The number of the call of this name, < WEIR__GUARD_CALLS_MAX; or -1. */
int weir__guard_call_find(const char *name, size_t length);

const char *weir__guard_call_hint(int call);

#endif
