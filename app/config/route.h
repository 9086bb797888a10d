/* SPDX-License-Identifier: MIT */
/* The list of routes. config.c calls this once everything a route can refer to has been read.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_ROUTE_H
#define APP_CONFIG_ROUTE_H

#include "config/config.h"
#include "config/schema.h"

enum { CONFIG_ROUTES_MAX = 2000 };

/* Reads the list into config->routes; limits and pools of config are filled in already. */
void routes_read(struct config_reader *reader, const struct tree_node *node, struct config *config);

#endif
