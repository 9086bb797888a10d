/* SPDX-License-Identifier: MIT */
/* The choice of the process that serves a request: of those that are ready the one with the fewest requests,
 * among equals the one that was used longest ago.
 *
 * Threading: any thread.
 */
#ifndef APP_APPS_CHOICE_H
#define APP_APPS_CHOICE_H

#include <stdbool.h>

#include <weir/shared.h>
#include <weir/time.h>

#include "apps/block.h"

/* A process that refused a connection gets no request for so long, unless it is another one by then. */
enum { APP_AVOID_MS = 100 };

struct app_avoided {
    _Atomic uint32_t serial;
    _Atomic int64_t until_ns;
};

struct app_choice {
    int entry; /* of the block; -1: no process has a place free */
    uint32_t serial;
    int ready; /* processes that get requests */
};

/* Looks at all processes but that with the serial number `except`, 0: none. avoided: by entry, this gateway
 * process's own. */
struct app_choice app_choose(weir_shared *shared, struct app_block *block,
                             const struct app_avoided avoided[APP_PROCESSES_MAX], uint32_t except,
                             weir_instant now);

/* Chooses, and takes the place, so that the supervisor sees it before it ends the process.
 * Returns: whether there was one; *choice has it. */
bool app_choose_and_take(weir_shared *shared, struct app_block *block,
                         const struct app_avoided avoided[APP_PROCESSES_MAX], uint32_t except,
                         weir_instant now, struct app_choice *choice);

/* Avoids a process for a while. */
void app_avoid(struct app_avoided *avoided, uint32_t serial, weir_instant now);

#endif
