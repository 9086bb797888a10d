/* SPDX-License-Identifier: MIT */
#include "gateway/start_log.h"

#include <stdio.h>
#include <sys/resource.h>

#include <weir/log.h>
#include <weir/pool.h>
#include <weir/runtime.h>
#include <weir/version.h>

enum { POOLS_BYTES = 512 };

/* Writes workers and places of each pool: "compute 2+64, blocking 32+64". */
static void describe_pools(const struct config *config, char out[POOLS_BYTES])
{
    size_t used = 0;

    for (size_t i = 0; i < config->pool_count && used < POOLS_BYTES; i++) {
        weir_pool *pool = weir_pool_find(config->pools[i].name);
        weir_pool_stats stats;
        weir_pool_stats_get(pool, &stats, NULL, NULL);
        used += (size_t)snprintf(out + used, POOLS_BYTES - used, "%s%s %d+%d", i ? ", " : "", stats.name,
                                 stats.workers_max, stats.queue_max);
    }
}

static int64_t open_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT64_MAX)
        return INT64_MAX;
    return (int64_t)limit.rlim_cur;
}

static void log_warning(const struct config_faults *warnings, const struct config_fault *warning, bool places)
{
    char at[4096 + 32];

    snprintf(at, sizeof at, "%s:%u:%u", warnings->file, warning->place.line, warning->place.column);
    weir_log(WEIR_LOG_WARN, "configuration",
             places && warning->place.line ? WEIR_KV("at", at) : weir_kv_none(),
             WEIR_KV("warning", warning->text));
}

void start_log(const struct config *config, const struct config_faults *warnings, bool places)
{
    char pools[POOLS_BYTES] = "";

    describe_pools(config, pools);
    weir_log(WEIR_LOG_INFO, "starting", WEIR_KV("version", weir_version()), WEIR_KV("io", weir_loop_io()),
             WEIR_KV_INT("loops", weir_loop_count()), WEIR_KV("pools", pools),
             WEIR_KV_INT("connections", config->limits.connections),
             WEIR_KV_INT("exchanges", config->limits.exchanges), WEIR_KV_INT("open_files", open_files()));
    for (size_t i = 0; i < warnings->count; i++)
        log_warning(warnings, &warnings->fault[i], places);
}
