/* SPDX-License-Identifier: MIT */
/* resolver: how the names of backends become addresses.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_RESOLVER_H
#define APP_CONFIG_RESOLVER_H

#include "config/config.h"
#include "config/reader.h"

/* Reads the mapping into config->resolver. */
void resolver_read(struct config_reader *reader, const struct tree_node *node, struct config *config);

#endif
