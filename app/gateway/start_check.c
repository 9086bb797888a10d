/* SPDX-License-Identifier: MIT */
#include "gateway/start_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/runtime.h>
#include <weir/text.h>

#include "apps/app_check.h"
#include "config/backend.h"
#include "config/route_kind.h"
#include "gateway/start_access_log.h"
#include "gateway/start_addresses.h"
#include "gateway/start_auth.h"
#include "gateway/start_connect.h"
#include "gateway/start_io.h"
#include "gateway/start_limits.h"
#include "gateway/start_outliers.h"
#include "gateway/start_self.h"
#include "gateway/start_tls.h"
#include "gateway/tls_contexts.h"
#include "http/listening.h"
#include "routes/route_pool.h"

struct looking {
    const struct config *config;
    const struct start_options *options;
    struct start_findings *found;
    struct start_addresses addresses;
};

static bool inherits(const struct looking *l)
{
    return (l->options->flags & START_INHERITS) != 0;
}

static int check_as_task(void *arg)
{
    struct looking *l = arg;
    struct tls_contexts contexts;
    int err;

    err = tls_contexts_open(l->config, &l->found->faults, &contexts);
    if (err == 0 || err == -WEIR_ECONFIG)
        start_tls_check(l->config, &contexts, &l->found->warnings);
    if ((err == 0 || err == -WEIR_ECONFIG) && (l->options->flags & START_CONNECT))
        start_connect(l->config, &contexts, &l->found->faults);
    tls_contexts_close(&contexts);
    return err == -WEIR_ECONFIG ? 0 : err;
}

/* Runs the loops as the gateway will, for the checks that need a task. */
static void run_loops(struct looking *l)
{
    const struct config *config = l->config;
    weir_pool_options *pools = pools_options(config);
    const weir_options options = {
        .loops = config_loops(config),
        .io = (enum weir_io)config->io,
        .log_json = config->log == CONFIG_LOG_JSON,
        .pools = pools,
        .pool_count = config->pool_count,
        .resolver = config->resolver,
        .stall_after = weir_ms(-1),
    };
    int err = pools != NULL ? weir_run(&options, check_as_task, l) : -ENOMEM;

    if (err < 0)
        start_fault_loops(config, err, &l->found->faults);
    free(pools);
}

static void check_addresses(struct looking *l)
{
    const bool taken_is_fine = (l->options->flags & START_PORTS_TAKEN_ARE_FINE) != 0;

    for (size_t i = 0; i < l->addresses.count; i++)
        start_addresses_probe(&l->addresses, i, taken_is_fine);
    start_addresses_compare(&l->addresses);
}

/* Warns of an admin address that other machines can reach: it shows what the gateway does, and requests
 * burden it. */
static void warn_of_open_admin(struct looking *l)
{
    const struct config_address *admin = l->config->admin;
    const struct config_address *numeric = &l->addresses.numeric[l->addresses.count - 1];

    if (admin == NULL || admin->path != NULL || numeric->host == NULL || address_is_local(numeric))
        return;
    config_fault(
        &l->found->warnings, admin->place,
        "%s is '%s', which other machines can reach: from there, routes, backends, stacks and figures can "
        "be read, and profiles taken; expected 127.0.0.1 or unix:PATH, or a firewall in front of it",
        l->options->admin_key, admin->text);
}

static bool is_used(const struct config *config, const char *pool)
{
    for (size_t i = 0; i < config->route_count; i++)
        if (config->routes[i].on != NULL && strcmp(config->routes[i].on, pool) == 0)
            return true;
    return false;
}

/* Warns of pools that no route uses. A misspelt {comput: …} makes such a pool. */
static void warn_of_idle_pools(struct looking *l)
{
    static const char *const standard[] = {"compute", "blocking"};

    for (size_t i = 2; i < l->config->pool_count; i++) {
        const struct config_pool *pool = &l->config->pools[i];
        const char *nearest;
        if (is_used(l->config, pool->name))
            continue;
        nearest = weir_text_nearest(pool->name, standard, 2);
        config_fault(&l->found->warnings, pool->place,
                     nearest != NULL ? "pool '%s' is used by no route; did you mean '%s'?"
                                     : "pool '%s' is used by no route; expected one with 'on: %s'",
                     pool->name, nearest != NULL ? nearest : pool->name);
    }
}

static void warn_of_idle_backends(struct looking *l)
{
    for (size_t i = 0; i < l->config->backend_count; i++) {
        const struct config_backend *backend = &l->config->backends[i];
        if (!backend->used)
            config_fault(&l->found->warnings, backend->place,
                         "backend '%s' is used by no route; expected one with 'backend: %s'",
                         backend->options.name, backend->options.name);
    }
}

/* Warns of limits that a backend never reaches, since fewer requests find a connection or wait for one. */
static void warn_of_high_limits(struct looking *l)
{
    for (size_t i = 0; i < l->config->backend_count; i++) {
        const struct config_backend *backend = &l->config->backends[i];
        const weir_backend_options *options = &backend->options;
        const bool is_auto = options->auto_limit.max > 0;
        const int limit = is_auto ? options->auto_limit.max : options->limit;
        const int64_t room = (int64_t)options->connections_max + options->waiting_max;

        if (limit > room)
            config_fault(&l->found->warnings, backend->place,
                         "backend '%s' has a %s of %d, which is never reached: connections.max and "
                         "connections.queue let in %lld",
                         options->name, is_auto ? "limit.auto.max" : "limit", limit, (long long)room);
    }
}

/* --- all checks --- */

static void check_routes(struct looking *l)
{
    for (size_t i = 0; i < l->config->route_count; i++) {
        const struct config_route *route = &l->config->routes[i];
        if (route->kind->check != NULL)
            route->kind->check(route, &l->found->faults, &l->found->warnings);
    }
}

int start_check(const struct config *config, const char *file, const struct start_options *options,
                struct start_findings *found)
{
    struct looking l = {.config = config, .options = options, .found = found};
    int err;

    config_faults_open(&found->faults, file);
    config_faults_open(&found->warnings, file);
    l.addresses = (struct start_addresses){.config = config,
                                           .listen_key = options->listen_key,
                                           .admin_key = options->admin_key,
                                           .faults = &found->faults,
                                           .first = inherits(&l) ? config->listen_count : 0};
    start_raise_files();
    err = start_addresses_open(&l.addresses);
    if (err < 0) {
        config_fault(&found->faults, (struct config_place){0}, "%s", weir_error_text(err));
        return -WEIR_ECONFIG;
    }
    run_loops(&l);
    start_limits_check(config, options->root, &found->faults, &found->warnings);
    if (!inherits(&l))
        check_addresses(&l);
    warn_of_open_admin(&l);
    warn_of_idle_pools(&l);
    warn_of_idle_backends(&l);
    warn_of_high_limits(&l);
    start_self_check(config, &found->warnings);
    start_outliers_check(config, &found->faults);
    start_access_log_check(config, &found->faults);
    start_auth_check(config, &found->faults, &found->warnings);
    if ((options->flags & START_INHERITS) == 0) /* else the supervisor has */
        (void)!app_check(config, &found->faults);
    app_check_idle(config, &found->warnings);
    check_routes(&l);
    start_addresses_close(&l.addresses);
    return config_faults_any(&found->faults) ? -WEIR_ECONFIG : 0;
}
