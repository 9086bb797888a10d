/* SPDX-License-Identifier: MIT */
/* The handing over of the admin address, from a gateway that drains to the one that takes its place: the new
 * one finds the address taken, and asks for it. Until then the old one answers there, so that its drain can
 * be seen.
 */
#ifndef APP_ADMIN_YIELD_H
#define APP_ADMIN_YIELD_H

#include <stdbool.h>

#include "config/config.h"

#define ADMIN_YIELD_PATH "/yield"

/* Asks the server that listens on the address to give it up.
 * Owns:    nothing.
 * Returns: whether it will: it is a gateway that drains.
 * Where:   a thread that is no loop. Waits for some 300 ms at most.
 */
bool admin_ask_to_yield(const struct config_address *address);

#endif
