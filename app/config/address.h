/* SPDX-License-Identifier: MIT */
/* Addresses to listen on: "HOST:PORT", "[V6]:PORT", "unix:PATH".
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_ADDRESS_H
#define APP_CONFIG_ADDRESS_H

#include "config/config.h"
#include "config/schema.h"

/* Reads an address. what names the key, for the fault.
 * Returns: false after a fault, or without memory.
 */
bool address_read(struct config_reader *reader, const struct tree_node *node, const char *what,
                  struct config_address *out);

/* Reports whether no program can listen on both: they are the same, or one means every address of the same
 * port. Port 0 collides with nothing.
 */
bool address_collides(const struct config_address *a, const struct config_address *b);

#endif
