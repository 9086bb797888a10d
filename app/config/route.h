/* SPDX-License-Identifier: MIT */
/* The list of routes, read after all that a route can refer to.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_ROUTE_H
#define APP_CONFIG_ROUTE_H

#include "config/config.h"
#include "config/route_kind.h"
#include "config/schema.h"

enum { CONFIG_ROUTES_MAX = 2000 };

/* Reads the list into config->routes. The limits and pools of config are known already. */
void routes_read(struct config_reader *reader, const struct tree_node *node, const struct route_kinds *kinds,
                 struct config *config);

#endif
