/* SPDX-License-Identifier: MIT */
/* Proxies and backends that lead to the gateway itself.
 *
 * Threading: pure functions over a configuration.
 */
#ifndef APP_GATEWAY_START_SELF_H
#define APP_GATEWAY_START_SELF_H

#include "config/config.h"

/* Adds a warning for each proxy, and each URL of a backend, that names an address on which the file has the
 * gateway listen: as a number, a path, the same name, or localhost. Calls of gathers may mean it. */
void start_self_check(const struct config *config, struct config_faults *warnings);

#endif
