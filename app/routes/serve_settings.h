/* SPDX-License-Identifier: MIT */
/* The settings of a serve route.
 *
 * Threading: as config/config.h.
 */
#ifndef APP_ROUTES_SERVE_SETTINGS_H
#define APP_ROUTES_SERVE_SETTINGS_H

#include "config/app.h"
#include "config/route_kind.h"
#include "routes/proxy_settings.h"

struct serve_settings {
    struct proxy_settings proxy;
    const struct config_app *app;
};

/* Reads the value of the key: the name of an application, or a map. Contract: route_kind.configure. */
const void *serve_settings_read(struct config_reader *reader, const struct tree_node *node,
                                const struct config_route *route);

#endif
