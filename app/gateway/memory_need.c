/* SPDX-License-Identifier: MIT */
#include "gateway/memory_need.h"

#include <inttypes.h>
#include <string.h>

#include "config/backend.h"
#include "config/route_kind.h"
#include "config/tls.h"
#include "edge/rates.h"

/* Measured 2026-11-29 (bench/run hello idle-memory gather-memory, and memory.current beside it). */
enum {
    PROGRAM_BYTES = 24 << 20,
    CONNECTION_BYTES = 3 << 10, /* 241 bytes of ours, the rest the kernel's socket */
    EXCHANGE_BYTES = 16 << 10,
    TLS_BYTES = 14 << 10,        /* of a connection with TLS that is idle, beside that */
    CERTIFICATE_BYTES = 64 << 10 /* with its chain and key */
};

/* What TLS adds: to the connections of clients, if any of these may have it, and of backends. */
static uint64_t of_tls(const struct config *config)
{
    uint64_t certificates = 0, backends = 0;

    for (size_t i = 0; i < config->listen_count; i++)
        if (config->listen[i].tls != NULL)
            certificates += config->listen[i].tls->options.certificate_count;
    for (size_t i = 0; i < config->backend_count; i++)
        if (config->backends[i].https)
            backends += (uint64_t)config->backends[i].options.connections_max;
    return certificates * CERTIFICATE_BYTES +
           (backends + (certificates > 0 ? (uint64_t)config->limits.connections : 0)) * TLS_BYTES;
}

uint64_t memory_of_exchange(const struct config *config)
{
    uint64_t most = 0;

    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        uint64_t bytes =
            route->kind->exchange_bytes != NULL ? route->kind->exchange_bytes(route->settings) : 0;
        if (bytes > most)
            most = bytes;
    }
    return EXCHANGE_BYTES + most;
}

/* The memory that the jobs of a pool may hold together, if all are of the route whose jobs hold most. */
static uint64_t of_pool(const struct config *config, const struct config_pool *pool,
                        struct config_place *place)
{
    uint64_t most = 0;

    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        uint64_t bytes;
        if (route->kind->job_bytes == NULL || route->on == NULL || strcmp(route->on, pool->name) != 0)
            continue;
        bytes = route->kind->job_bytes(route->settings);
        if (bytes > most) {
            most = bytes;
            *place = route->place;
        }
    }
    return most * (uint64_t)(pool->workers > 0 ? pool->workers : weir_cpu_count());
}

/* What kinds of routes keep, each once. */
static uint64_t of_kinds(const struct config *config)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < config->route_count; i++) {
        const struct route_kind *kind = config->routes[i].kind;
        size_t k = 0;

        while (config->routes[k].kind != kind)
            k++;
        bytes += k == i ? kind->process_bytes : 0;
    }
    return bytes;
}

/* The place of the backend that may have most connections. */
static struct config_place widest_backend(const struct config *config)
{
    const struct config_backend *widest = &config->backends[0];

    for (size_t i = 1; i < config->backend_count; i++)
        if (config->backends[i].options.connections_max > widest->options.connections_max)
            widest = &config->backends[i];
    return widest->place;
}

static uint64_t mib(uint64_t bytes)
{
    return (bytes + (1 << 20) - 1) >> 20;
}

void memory_need_check(const struct config *config, const weir_memory_stats *use,
                       struct config_faults *warnings)
{
    uint64_t connections =
        ((uint64_t)config->limits.connections + config_backend_connections(config)) * CONNECTION_BYTES +
        of_tls(config);
    uint64_t exchanges = (uint64_t)config->limits.exchanges * memory_of_exchange(config);
    uint64_t jobs = 0, greatest = 0;
    struct config_place place = {0};
    const char *key;
    uint64_t sum, limit;

    for (size_t i = 0; i < config->pool_count; i++) {
        struct config_place here = {0};
        uint64_t bytes = of_pool(config, &config->pools[i], &here);
        jobs += bytes;
        if (bytes > greatest) {
            greatest = bytes;
            place = here;
        }
    }
    sum = PROGRAM_BYTES + of_kinds(config) + rates_bytes(config) + connections + exchanges + jobs;
    limit =
        use->limit_bytes - use->used_bytes + use->resident_bytes; /* without the memory of other processes */
    if (limit > use->limit_bytes)
        limit = use->limit_bytes;
    if (use->limit_bytes == 0 || sum <= limit)
        return;
    key = "the memory of this route's jobs, or the workers of their pool";
    if (exchanges >= connections && exchanges >= jobs) {
        key = "limits.exchanges";
        place = config_place(config, "limits", "exchanges");
    } else if (connections >= jobs &&
               config_backend_connections(config) > (uint64_t)config->limits.connections) {
        key = "connections.max of this backend";
        place = widest_backend(config);
    } else if (connections >= jobs) {
        key = "limits.connections";
        place = config_place(config, "limits", "connections");
    }
    config_fault(warnings, place,
                 "the limits allow up to %" PRIu64 " MiB of memory (exchanges %" PRIu64
                 ", connections %" PRIu64 ", jobs %" PRIu64 "), and %" PRIu64
                 " MiB are available (%s); lower %s, or requests will be refused when memory is short",
                 mib(sum), mib(exchanges), mib(connections), mib(jobs), limit >> 20, use->limit_of, key);
}
