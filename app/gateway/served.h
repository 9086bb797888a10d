/* SPDX-License-Identifier: MIT */
/* What a configuration asks of the library's server.
 *
 * Threading: any thread; nothing waits.
 */
#ifndef APP_GATEWAY_SERVED_H
#define APP_GATEWAY_SERVED_H

#include <weir/http_server.h>

#include "config/config.h"

/* Sets the options of a server that the configuration decides: all but addresses, pools and callbacks. The
 * rest of *out stays as it is.
 * Owns:    nothing is copied: the configuration lives as long as the server.
 */
void served_options(const struct config *config, weir_server_options *out);

/* Makes the routes of the configuration, all with one handler. The data of a route is its struct
 * config_route.
 * Owns:    the caller frees the result; the configuration lives as long as it.
 * Returns: config->route_count routes; NULL without memory.
 */
weir_route *served_routes(const struct config *config, weir_handler *handler);

#endif
