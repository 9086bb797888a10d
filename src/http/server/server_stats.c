/* SPDX-License-Identifier: MIT */
/* What any thread may ask of a server, and the limit of exchanges while memory is short. */
#include <weir/log.h>

#include "core/log/log.h"
#include "http/server/state.h"

static void add_loop(const struct weir__server_loop *home, weir_server_stats *stats)
{
    stats->connections += atomic_load_explicit(&home->connection_count, memory_order_relaxed);
    stats->accepted += atomic_load_explicit(&home->accepted_count, memory_order_relaxed);
    stats->turned_away += atomic_load_explicit(&home->rejected_count, memory_order_relaxed);
    weir__unserved_read(&home->unserved, stats);
}

void weir_server_stats_get(const weir_server *server, weir_server_stats *stats)
{
    *stats = (weir_server_stats){
        .exchanges = atomic_load_explicit(&server->exchanges, memory_order_relaxed),
    };
    for (int i = 0; i < server->loop_count; i++)
        add_loop(&server->loops[i], stats);
}

void weir_server_clients_each(const weir_server *server,
                              void (*fn)(void *arg, const weir_server_client *client), void *arg)
{
    for (int i = 0; i < server->loop_count; i++)
        weir__unserved_each(&server->loops[i].unserved, fn, arg);
}

/* --- the limit of exchanges --- */

/* The calling thread may have another logger of its own. */
static void log_for(weir_runtime *runtime, enum weir_log_level level, const char *message, weir_kv a,
                    weir_kv b)
{
    weir__log_write(&runtime->logger, level, message, (const weir_kv[]){a, b}, 2);
}

void weir_server_hold(weir_server *server, int most)
{
    weir_runtime *runtime = server->runtime;
    int limit = server->options.limits.exchanges, before;

    most = most < 0 ? 0 : most < limit ? most : limit;
    before = atomic_exchange_explicit(&server->exchanges_max, most, memory_order_relaxed);
    if ((before < limit) == (most < limit))
        return;
    if (most < limit)
        log_for(runtime, WEIR_LOG_WARN, "memory is short: fewer requests are accepted than the limit allows",
                WEIR_KV_INT("most", most), WEIR_KV_INT("limit", limit));
    else
        log_for(runtime, WEIR_LOG_INFO,
                "memory is free again: as many requests are accepted as the limit allows",
                WEIR_KV_INT("most", most), WEIR_KV_INT("limit", limit));
}
