/* SPDX-License-Identifier: MIT */
/* Loops that are held: one task has run for as long as a stall takes, and all else on the loop has to wait.
 *
 * Threading: any thread.
 */
#ifndef WEIR__CORE_HELD_LOOP_H
#define WEIR__CORE_HELD_LOOP_H

#include <stdbool.h>

#include "core/registry.h"

struct weir_runtime;
struct weir__loop;

enum { WEIR__STALL_AFTER_DEFAULT_NS = 10000000 };

/* Reports whether the present slice of a loop has lasted as long as a stall. */
bool weir__loop_is_held(const struct weir__loop *loop);

/* A call for each loop that is held, again and again while it is. */
struct weir__held_hook {
    struct weir__registered registered;
    void (*call)(struct weir__held_hook *hook, int loop); /* on the watch's thread, within the registry */
};

void weir__held_hook_add(struct weir_runtime *runtime, struct weir__held_hook *hook);
void weir__held_hook_remove(struct weir_runtime *runtime, struct weir__held_hook *hook);
/* For the watch. */
void weir__held_hooks_call(struct weir_runtime *runtime, int loop);

#endif
