/* SPDX-License-Identifier: MIT */
/* What any thread may ask of the servers of a runtime, and the limit of exchanges while memory is short. */
#include "http/server/server_stats.h"

#include <weir/log.h>

#include "core/log/log.h"
#include "core/task.h"

static const struct weir__registry_type server_type = {"HTTP server"};

void weir__server_register(struct weir__server *server)
{
    struct weir__registry *registry = &weir__task_current()->loop->runtime->registry;

    weir__registry_enter(registry);
    weir__registry_add(registry, &server->registered, &server_type);
    weir__registry_leave(registry);
}

void weir__server_unregister(struct weir__server *server)
{
    struct weir__registry *registry = &weir__task_current()->loop->runtime->registry;

    weir__registry_enter(registry);
    weir__registry_remove(&server->registered);
    weir__registry_leave(registry);
}

static void add_loop(struct weir__server_loop *home, weir_server_stats *stats)
{
    stats->connections += atomic_load_explicit(&home->connection_count, memory_order_relaxed);
    stats->accepted += atomic_load_explicit(&home->accepted_count, memory_order_relaxed);
    stats->turned_away += atomic_load_explicit(&home->rejected_count, memory_order_relaxed);
    weir__unserved_read(&home->unserved, stats);
}

void weir_server_stats_get(weir_runtime *runtime, weir_server_stats *stats)
{
    *stats = (weir_server_stats){0};
    weir__registry_enter(&runtime->registry);
    weir__registry_each (entry, &runtime->registry, &server_type) {
        struct weir__server *server = weir__container_of(entry, struct weir__server, registered);
        stats->exchanges += atomic_load_explicit(&server->exchanges, memory_order_relaxed);
        for (int i = 0; i < server->loop_count; i++)
            add_loop(&server->loops[i], stats);
    }
    weir__registry_leave(&runtime->registry);
}

void weir_server_clients_each(weir_runtime *runtime, void (*fn)(void *arg, const weir_server_client *client),
                              void *arg)
{
    weir__registry_enter(&runtime->registry);
    weir__registry_each (entry, &runtime->registry, &server_type) {
        struct weir__server *server = weir__container_of(entry, struct weir__server, registered);
        for (int i = 0; i < server->loop_count; i++)
            weir__unserved_each(&server->loops[i].unserved, fn, arg);
    }
    weir__registry_leave(&runtime->registry);
}

/* --- the limit of exchanges --- */

/* The calling thread may have another logger of its own. */
static void log_for(weir_runtime *runtime, enum weir_log_level level, const char *message, weir_kv a,
                    weir_kv b)
{
    weir__log_write(&runtime->logger, level, message, (const weir_kv[]){a, b}, 2);
}

static void hold(weir_runtime *runtime, struct weir__server *server, int most)
{
    int limit = server->options.limits.exchanges, before;

    most = most < 0 ? 0 : most < limit ? most : limit;
    before = atomic_exchange_explicit(&server->exchanges_max, most, memory_order_relaxed);
    if ((before < limit) == (most < limit))
        return;
    if (most < limit)
        log_for(runtime, WEIR_LOG_WARN, "memory is short: fewer requests are taken than the limit says",
                WEIR_KV_INT("most", most), WEIR_KV_INT("limit", limit));
    else
        log_for(runtime, WEIR_LOG_INFO, "there is memory again for as many requests as the limit says",
                WEIR_KV_INT("most", most), WEIR_KV_INT("limit", limit));
}

void weir_server_hold(weir_runtime *runtime, int most)
{
    weir__registry_enter(&runtime->registry);
    weir__registry_each (entry, &runtime->registry, &server_type)
        hold(runtime, weir__container_of(entry, struct weir__server, registered), most);
    weir__registry_leave(&runtime->registry);
}
