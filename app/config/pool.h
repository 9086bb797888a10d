/* SPDX-License-Identifier: MIT */
/* The pools of a configuration, and the shares its routes have of them.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_POOL_H
#define APP_CONFIG_POOL_H

#include "config/config.h"
#include "config/schema.h"

/* Reads "pools:"; node NULL: the file has none. The pools compute and blocking exist in any case. */
void pools_read(struct config_reader *reader, const struct tree_node *node, struct config *config);

/* Reads "on:" of a route.
 * Returns: false after a fault.
 */
bool pool_read_on(struct config_reader *reader, const struct tree_node *node, const struct config *config,
                  struct config_route *route);

/* Gives the share of a route, if it has one, the route's name, once all routes are read. */
void pool_name_share(const struct config *config, const struct config_route *route);

/* Reads "share:" of a route whose "on" is known, and adds it to the shares of the pool. */
void pool_read_share(struct config_reader *reader, const struct tree_node *node, const struct config *config,
                     struct config_route *route);

#endif
