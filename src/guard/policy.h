/* SPDX-License-Identifier: MIT */
/* The policy of the guard, as far as its files need it; <weir/guard.h> has the rest.
 *
 * Threading: any thread, also in a signal handler.
 */
#ifndef WEIR__GUARD_POLICY_H
#define WEIR__GUARD_POLICY_H

#include <stdbool.h>

#include <weir/guard.h>

struct weir__task;

/* Whether the program, or the task itself at present, allows this call. */
bool weir__guard_is_allowed(const struct weir__task *task, int call);

/* The mode, once weir_guard_mode_get() has decided it. */
enum weir_guard_mode weir__guard_mode_in_force(void);

#endif
