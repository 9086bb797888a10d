/* SPDX-License-Identifier: MIT */
/* What the pages of the admin address are made from.
 *
 * Threading: belongs to the admin's loop.
 */
#ifndef APP_ADMIN_ADMIN_STATE_H
#define APP_ADMIN_ADMIN_STATE_H

#include <stdbool.h>

#include <weir/sync.h>

#include "metrics/collector.h"
#include "metrics/gateway_status.h"

struct background_servers;

struct admin_state {
    struct gateway_status *status;
    struct collector *collector;
    weir_semaphore tree_reads;          /* for /tasks: so many at once */
    struct background_servers *servers; /* that answer */
    bool inherited;                     /* a supervisor asks, and nobody else can */
    bool given_up;                      /* the address, to another gateway */
};

#endif
