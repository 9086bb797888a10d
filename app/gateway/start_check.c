/* SPDX-License-Identifier: MIT */
#include "gateway/start_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/runtime.h>
#include <weir/stream.h>
#include <weir/text.h>

#include "admin/yield.h"
#include "apps/app_check.h"
#include "config/address.h"
#include "config/backend.h"
#include "config/route_kind.h"
#include "gateway/start_connect.h"
#include "gateway/start_io.h"
#include "gateway/start_limits.h"
#include "gateway/start_self.h"
#include "gateway/start_tls.h"
#include "gateway/tls_contexts.h"
#include "http/listening.h"
#include "routes/route_pool.h"

/* The time that addresses which are taken are waited for, all together. */
enum { TAKEN_WAIT_MS = 500, YIELDED_WAIT_MS = 5000, TAKEN_STEP_MS = 20 };

struct looking {
    const struct config *config;
    const struct start_options *options;
    struct start_findings *found;
    size_t count;  /* of addresses: those of listen, then admin */
    int waited_ms; /* for those that are taken */
    bool yields;   /* the gateway that has the addresses drains, and has given up its admin address */
    struct config_address *numeric; /* the addresses with names resolved; host NULL: it has none */
};

static const struct config_address *address_at(const struct looking *l, size_t i)
{
    return i < l->config->listen_count ? &l->config->listen[i] : l->config->admin;
}

static const char *key_of(const struct looking *l, size_t i)
{
    return i < l->config->listen_count ? l->options->listen_key : l->options->admin_key;
}

static void fault_address(struct looking *l, size_t i, int err)
{
    const struct config_address *address = address_at(l, i);
    char text[FAULT_TEXT_BYTES];

    config_fault(&l->found->faults, address->place, "%s",
                 address_fault(text, sizeof text, address, key_of(l, i), err));
}

/* --- names, resolved by listening at a free port --- */

static bool is_numeric(const char *host)
{
    struct in6_addr address;

    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/* Copies the host of "127.0.0.1:40000" or "[::1]:40000". */
static void take_host(const char *address, char host[WEIR_ADDRESS_BYTES])
{
    bool bracketed = address[0] == '[';
    const char *end = strrchr(address, ':');
    size_t length = (size_t)(end - address) - (bracketed ? 2 : 0);

    memcpy(host, address + bracketed, length);
    host[length] = '\0';
}

static void resolve(struct looking *l, size_t i)
{
    char text[WEIR_ADDRESS_BYTES + 8], host[WEIR_ADDRESS_BYTES];
    weir_listener *listener;
    int err;

    snprintf(text, sizeof text, "%s:0", l->numeric[i].host);
    err = weir_listen(text, &listener);
    l->numeric[i].host = NULL;
    if (err < 0) {
        fault_address(l, i, err);
        return;
    }
    take_host(weir_listener_address(listener), host);
    weir_listener_close(listener);
    l->numeric[i].host = config_take_text(l->config->memory, host, strlen(host));
}

static bool inherits(const struct looking *l)
{
    return (l->options->flags & START_INHERITS) != 0;
}

static int check_as_task(void *arg)
{
    struct looking *l = arg;
    struct tls_contexts contexts;
    int err;

    for (size_t i = inherits(l) ? l->config->listen_count : 0; i < l->count; i++)
        if (l->numeric[i].host != NULL && !is_numeric(l->numeric[i].host))
            resolve(l, i);
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

/* --- addresses --- */

static int probe_once(const struct looking *l, size_t i)
{
    const struct config_address *address = &l->numeric[i];
    bool taken_is_fine = (l->options->flags & START_PORTS_TAKEN_ARE_FINE) != 0;

    if (address->path != NULL)
        return !taken_is_fine && unix_path_answers(address->path) ? -EADDRINUSE : 0;
    return address->host != NULL ? address_probe(address, taken_is_fine) : 0;
}

/* Probes an address, and waits while it is taken: the kernel closes the sockets of a killed program a little
 * later, and a gateway that drains gives up its addresses; its admin address when it is asked, which also
 * tells that it drains. */
static int probe_and_wait(struct looking *l, size_t i)
{
    int err;

    while ((err = probe_once(l, i)) == -EADDRINUSE &&
           l->waited_ms < (l->yields ? YIELDED_WAIT_MS : TAKEN_WAIT_MS)) {
        const struct timespec a_moment = {.tv_nsec = TAKEN_STEP_MS * 1000000L};
        const struct config_address *admin = &l->numeric[l->count - 1];
        if (!l->yields && l->config->admin != NULL && (admin->host != NULL || admin->path != NULL))
            l->yields = admin_ask_to_yield(admin);
        nanosleep(&a_moment, NULL);
        l->waited_ms += TAKEN_STEP_MS;
    }
    return err;
}

static void probe(struct looking *l, size_t i)
{
    const struct config_address *address = address_at(l, i);
    int err = probe_and_wait(l, i);

    if (address->path != NULL) {
        char text[FAULT_TEXT_BYTES];
        if (unix_path_fault(address->path, text, sizeof text))
            config_fault(&l->found->faults, address->place, "%s %s; choose another path with %s",
                         address->text, text, key_of(l, i));
        return;
    }
    if (err < 0)
        fault_address(l, i, err);
}

/* Finds a collision that the file alone does not show: by names, other spellings of a path, IPv6 that takes
 * IPv4. */
static void check_collision(struct looking *l, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        const struct config_address *earlier = address_at(l, k), *later = address_at(l, i);
        bool same = earlier->path != NULL && later->path != NULL
                        ? unix_paths_are_one(earlier->path, later->path)
                        : addresses_exclude(&l->numeric[k], &l->numeric[i]);
        if (!same)
            continue;
        config_fault(&l->found->faults, later->place,
                     "%s is '%s', expected an address of its own; '%s' in line %u takes it", key_of(l, i),
                     later->text, earlier->text, earlier->place.line);
        return;
    }
}

static void check_addresses(struct looking *l)
{
    for (size_t i = 0; i < l->count; i++)
        probe(l, i);
    for (size_t i = 1; i < l->count; i++)
        check_collision(l, i);
}

/* Warns of an admin address that other machines can reach: it shows what the gateway does, and requests
 * burden it. */
static void warn_of_open_admin(struct looking *l)
{
    const struct config_address *admin = l->config->admin;

    if (admin == NULL || admin->path != NULL || l->numeric[l->count - 1].host == NULL ||
        address_is_local(&l->numeric[l->count - 1]))
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

    config_faults_open(&found->faults, file);
    config_faults_open(&found->warnings, file);
    l.count = config->listen_count + (config->admin != NULL);
    l.numeric = calloc(l.count, sizeof *l.numeric);
    if (l.numeric == NULL) {
        config_fault(&found->faults, (struct config_place){0}, "%s", weir_error_text(-ENOMEM));
        return -WEIR_ECONFIG;
    }
    for (size_t i = 0; i < l.count; i++)
        l.numeric[i] = *address_at(&l, i);
    start_raise_files();
    run_loops(&l);
    start_limits_check(config, options->root, &found->faults, &found->warnings);
    if (!inherits(&l))
        check_addresses(&l);
    warn_of_open_admin(&l);
    warn_of_idle_pools(&l);
    warn_of_idle_backends(&l);
    start_self_check(config, &found->warnings);
    app_check(config, &found->faults, &found->warnings);
    check_routes(&l);
    free(l.numeric);
    return config_faults_any(&found->faults) ? -WEIR_ECONFIG : 0;
}
