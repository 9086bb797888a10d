/* SPDX-License-Identifier: MIT */
/* The methods of a route, as bits (1 << enum config_method) and as text.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_METHODS_H
#define APP_CONFIG_METHODS_H

#include "config/config.h"
#include "config/reader.h"

/* Reads "methods": a method, or a list of them. */
void methods_read(struct config_reader *reader, const struct tree_node *node, struct config_route *route);

/* Checks the methods that a route of a known kind names, in node: a fault for each that is not among those it
 * can answer, as bits. */
void methods_check(struct config_reader *reader, const struct tree_node *node,
                   const struct config_route *route, unsigned answerable);

/* Sets the methods of a route; 0: every method. */
void methods_set(struct config_reader *reader, struct config_route *route, unsigned mask);

/* The bits of all methods that a route answers. "Every method" is more than those with a name here and has a
 * bit of its own; GET answers HEAD.
 */
unsigned methods_answered(const struct config_route *route);

#endif
