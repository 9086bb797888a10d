/* SPDX-License-Identifier: MIT */
/* The addresses of a configuration: "listen", "admin" and the names that admin answers to.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_LISTEN_H
#define APP_CONFIG_LISTEN_H

#include "config/config.h"
#include "config/reader.h"

/* Reads "listen": an address, a map of one and what its connections begin with, or a list of these that can
 * all be listened on together. */
void listen_read(struct config_reader *reader, const struct tree_node *node, struct config *config);

/* Reads "admin", after listen_read(): it can't be an address of "listen". */
void admin_read(struct config_reader *reader, const struct tree_node *node, struct config *config);

/* Reads "admin_hosts"; node NULL: it is not written. config->tree is set already. */
void admin_hosts_read(struct config_reader *reader, const struct tree_node *node, struct config *config);

#endif
