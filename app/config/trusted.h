/* SPDX-License-Identifier: MIT */
/* trusted_proxies: the peers whose X-Forwarded-* and Forwarded headers are believed.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_TRUSTED_H
#define APP_CONFIG_TRUSTED_H

#include "config/config.h"
#include "config/reader.h"

/* Reads the list into config->trusted_proxies. */
void trusted_proxies_read(struct config_reader *reader, const struct tree_node *node, struct config *config);

#endif
