/* SPDX-License-Identifier: MIT */
#include "gateway/start_auth.h"

#include <string.h>

#include "auth/stores.h"

/* Reports whether an earlier route has the same file. */
static bool was_read(const struct config *config, size_t n)
{
    const struct config_auth *auth = config->routes[n].auth;

    for (size_t i = 0; i < n; i++)
        if (config->routes[i].auth != NULL && config->routes[i].auth->scheme == auth->scheme &&
            strcmp(config->routes[i].auth->file, auth->file) == 0)
            return true;
    return false;
}

/* A wrong password costs as much as a right one, each time. */
static void warn_without_rate(const struct config_route *route, struct config_faults *warnings)
{
    if (route->auth->scheme == CONFIG_AUTH_BASIC && route->rate == NULL)
        config_fault(warnings, route->auth->place,
                     "route '%s' compares passwords and has no rate: many wrong ones occupy the pool "
                     "'compute', and right ones are answered 503; expected a rate beside auth, such as "
                     "'rate: {requests: 20, per: 1s}'",
                     route->name);
}

void start_auth_check(const struct config *config, struct config_faults *faults,
                      struct config_faults *warnings)
{
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_auth *auth = config->routes[i].auth;
        struct auth_table *table = NULL;
        char fault[FAULT_TEXT_BYTES];
        int err;

        if (auth == NULL)
            continue;
        warn_without_rate(&config->routes[i], warnings);
        if (was_read(config, i))
            continue;
        err = auth_file_read(auth->file, auth->scheme, NULL, &table, fault, sizeof fault);
        if (err == 0)
            auth_table_free(table);
        else
            config_fault(faults, auth->place, "auth.%s: %s", config_auth_names[auth->scheme],
                         err == -WEIR_ECONFIG ? fault : weir_error_text(err));
    }
}
