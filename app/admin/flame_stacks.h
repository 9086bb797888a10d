/* SPDX-License-Identifier: MIT */
/* Folded stacks, "route;task;function;function 12" a line, read and sorted: stacks that share their first
 * frames stand beside each other.
 *
 * Threading: functions from bytes to data; any thread.
 */
#ifndef APP_ADMIN_FLAME_STACKS_H
#define APP_ADMIN_FLAME_STACKS_H

#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>

struct flame_stack {
    const char *text; /* "route;task;function" */
    size_t len;
    uint64_t samples;
};

struct flame_stacks {
    struct flame_stack *list;
    size_t count;
    uint64_t samples; /* of all */
    size_t depth;     /* the greatest number of frames */
};

/* Reads them. Lines that are no folded stacks are left out.
 * Owns:    folded is lent until flame_stacks_close().
 * Returns: 0; -ENOMEM.
 */
WEIR_CHECKED int flame_stacks_open(struct flame_stacks *s, weir_bytes folded);
void flame_stacks_close(struct flame_stacks *s);

#endif
