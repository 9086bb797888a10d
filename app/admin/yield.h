/* SPDX-License-Identifier: MIT */
/* The admin address goes from a gateway that drains to the one that takes its place: that one finds it taken,
 * and asks for it. Until then it is answered there, so that who looks can see the drain.
 */
#ifndef APP_ADMIN_YIELD_H
#define APP_ADMIN_YIELD_H

#include <stdbool.h>

#include "config/config.h"

#define ADMIN_YIELD_PATH "/yield"

/* Asks whoever listens there to give the address up.
 * Owns:    nothing.
 * Returns: whether it will: it is a gateway, and drains.
 * Where:   a thread that is no loop. Waits for some 300 ms at most.
 */
bool admin_ask_to_yield(const struct config_address *address);

#endif
