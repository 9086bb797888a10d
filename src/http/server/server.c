/* SPDX-License-Identifier: MIT */
/* The server as a whole: options, routes, running on every loop, the signals of a service. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/log.h>
#include <weir/random.h>
#include <weir/pool.h>

#include "core/log/log.h"
#include "core/runtime.h"
#include "core/task.h"
#include "http/message/headers.h"
#include "http/server/server.h"

enum {
    HEAD_BYTES = 16 << 10,
    HEADERS = 100,
    BODY_BYTES = 1 << 20,
    REPLY_BYTES = 4 << 20,
    HEAD_TIMEOUT_S = 10,
    IDLE_TIMEOUT_S = 60,
    CONNECTIONS = 10000,
    EXCHANGES = 2000,
    BODY_RATE_BYTES = 256,
};

static const char *const method_names[WEIR__METHOD_COUNT] = {
    [WEIR__HTTP_GET] = "GET",         [WEIR__HTTP_HEAD] = "HEAD",
    [WEIR__HTTP_POST] = "POST",       [WEIR__HTTP_PUT] = "PUT",
    [WEIR__HTTP_DELETE] = "DELETE",   [WEIR__HTTP_PATCH] = "PATCH",
    [WEIR__HTTP_OPTIONS] = "OPTIONS", [WEIR__HTTP_CONNECT] = "CONNECT",
    [WEIR__HTTP_TRACE] = "TRACE",     [WEIR__HTTP_OTHER_METHOD] = "OTHER",
};

/* --- options --- */

static void fill_name(const char **name, const char *fallback)
{
    if (*name == NULL)
        *name = fallback;
}

static void fill_names(weir_limit_names *names)
{
    fill_name(&names->head, "weir_limits.head_bytes");
    fill_name(&names->headers, "weir_limits.headers");
    fill_name(&names->body, "weir_limits.body_bytes");
    fill_name(&names->head_timeout, "weir_limits.head_timeout");
    fill_name(&names->idle_timeout, "weir_limits.idle_timeout");
    fill_name(&names->body_rate, "weir_limits.body_rate_bytes");
}

static int fill_defaults(weir_server_options *o)
{
    weir_limits *l = &o->limits;

    if (l->headers < 0 || l->connections < 0 || l->connections_per_client < 0 || l->exchanges < 0 ||
        l->head_timeout.ns < 0 || l->idle_timeout.ns < 0 || o->drain.ns < 0 || l->head_bytes > 1 << 20)
        return -EINVAL;
    l->head_bytes = l->head_bytes != 0 ? l->head_bytes : HEAD_BYTES;
    l->headers = l->headers != 0 ? l->headers : HEADERS;
    l->body_bytes = l->body_bytes != 0 ? l->body_bytes : BODY_BYTES;
    l->reply_bytes = l->reply_bytes != 0 ? l->reply_bytes : REPLY_BYTES;
    l->head_timeout = l->head_timeout.ns != 0 ? l->head_timeout : weir_seconds(HEAD_TIMEOUT_S);
    l->idle_timeout = l->idle_timeout.ns != 0 ? l->idle_timeout : weir_seconds(IDLE_TIMEOUT_S);
    l->body_rate_bytes = l->body_rate_bytes != 0 ? l->body_rate_bytes : BODY_RATE_BYTES;
    l->connections = l->connections != 0 ? l->connections : CONNECTIONS;
    l->exchanges = l->exchanges != 0 ? l->exchanges : EXCHANGES;
    o->drain = o->drain.ns != 0 ? o->drain : weir_seconds(WEIR__DRAIN_S);
    fill_names(&o->limit_names);
    return 0;
}

/* --- routes --- */

static void free_routes(struct weir__server *server)
{
    for (size_t i = 0; server->routes != NULL && i < server->route_count; i++)
        for (size_t m = 0; m < WEIR__METHOD_COUNT; m++)
            free(server->routes[i].task_names[m]);
    free(server->routes);
}

static int compile_route(struct weir__route *route, const weir_route *given)
{
    struct weir__http_pattern_fault fault = {0};

    route->given = given;
    route->methods = weir__route_methods(given);
    if (given->path == NULL || given->handler == NULL)
        return -EINVAL;
    if (weir__http_pattern_compile(weir_bytes_of(given->path), &route->pattern, &fault) < 0) {
        weir_log(WEIR_LOG_ERROR, "a route's path can't be understood", WEIR_KV("path", given->path),
                 WEIR_KV("error", fault.message));
        return -WEIR_ECONFIG;
    }
    for (size_t m = 0; m < WEIR__METHOD_COUNT; m++)
        if (asprintf(&route->task_names[m], "%s %s", method_names[m], given->path) < 0) {
            route->task_names[m] = NULL;
            return -ENOMEM;
        }
    return 0;
}

static int compile_routes(struct weir__server *server, const weir_route *routes, size_t count)
{
    server->route_count = count;
    server->routes = calloc(count != 0 ? count : 1, sizeof *server->routes);
    if (server->routes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int err = compile_route(&server->routes[i], &routes[i]);
        if (err < 0)
            return err;
    }
    return 0;
}

/* --- on every loop --- */

struct opening {
    struct weir__server_loop *home;
    const char *const *addresses;
    size_t count;
    bool first;
};

static int open_here(void *arg)
{
    struct opening *o = arg;

    return weir__server_loop_open(o->home, o->addresses, o->count, o->first);
}

static int close_here(void *arg)
{
    weir__server_loop_close(arg);
    return 0;
}

static int serve_here(void *arg)
{
    return weir__server_loop_run(arg);
}

static int drain_here(void *arg)
{
    struct weir__server_loop *home = arg;

    weir_event_set(&home->stop);
    return weir__server_loop_run(home);
}

static int call_serve(void *arg)
{
    struct weir__server_loop *home = arg;
    int loop = (int)(home - home->server->loops);
    int err = weir_loop_call(loop, "server", serve_here, home);
    weir_scope shield;

    if (home->serving)
        return err;
    /* Cancelled before it began. Clients may have come all the same: they are served by the drain. */
    weir__scope_open_long_shield(&shield, weir_never());
    if (weir_loop_call(loop, "server", drain_here, home) < 0 && !home->serving)
        weir__server_loop_stopped(home->server);
    (void)weir_scope_close(&shield);
    return err;
}

static int open_loops(struct weir__server *server, const char *const *addresses, size_t count)
{
    struct opening o = {.addresses = addresses, .count = count, .first = true};
    const char *bound[count];

    for (int i = 0; i < server->loop_count; i++) {
        int err;
        o.home = &server->loops[i];
        err = weir_loop_call(i, "opening the server", open_here, &o);
        if (err < 0)
            return err;
        /* The other loops listen where the first one does, also when the system chose the port. */
        for (size_t k = 0; i == 0 && k < count; k++)
            bound[k] = weir_listener_address(server->loops[0].listeners[k]);
        o.addresses = bound;
        o.first = false;
    }
    return 0;
}

/* For what has no error of its own; a loop that can't be reached any more has nothing left to end. */
static void call(int loop, const char *name, int (*fn)(void *), void *arg)
{
    if (weir_loop_call(loop, name, fn, arg) < 0)
        weir_log(WEIR_LOG_WARN, "a loop did not take part", WEIR_KV("in", name));
}

static void close_loops(struct weir__server *server)
{
    weir_scope shield;

    weir__scope_open_long_shield(&shield, weir_never());
    for (int i = 0; i < server->loop_count; i++)
        if (server->loops[i].loop != NULL)
            call(i, "closing the server", close_here, &server->loops[i]);
    (void)weir_scope_close(&shield);
}

static void tell_listening(const struct weir__server *server)
{
    const weir_server_options *o = &server->options;

    for (size_t i = 0; o->on_listening != NULL && i < server->loops[0].listener_count; i++)
        o->on_listening(o->arg, weir_listener_address(server->loops[0].listeners[i]));
}

static void set_alive(struct weir__server *server, bool alive)
{
    (void)pthread_mutex_lock(&server->alive_lock);
    server->alive = alive;
    (void)pthread_mutex_unlock(&server->alive_lock);
}

void weir__server_drain_outside(struct weir__server *server)
{
    (void)pthread_mutex_lock(&server->alive_lock);
    for (int i = 0; server->alive && i < server->loop_count; i++)
        weir__loop_post(server->loops[i].loop, &server->loops[i].drain_now);
    (void)pthread_mutex_unlock(&server->alive_lock);
}

void weir__server_cut_outside(struct weir__server *server)
{
    (void)pthread_mutex_lock(&server->alive_lock);
    for (int i = 0; server->alive && i < server->loop_count; i++)
        weir__loop_post(server->loops[i].loop, &server->loops[i].cut_now);
    (void)pthread_mutex_unlock(&server->alive_lock);
}

static int serve_all(struct weir__server *server)
{
    weir_scope all;
    int err;

    weir_scope_open(&all, weir_never(), 0);
    atomic_store(&server->accepting_loops, server->loop_count);
    weir__rescue_begin(server);
    set_alive(server, true);
    for (int i = 0; i < server->loop_count; i++)
        if (weir_spawn(&all, "serving a loop", call_serve, &server->loops[i]) < 0)
            weir__server_loop_stopped(server);
    tell_listening(server);
    err = weir_scope_close(&all);
    set_alive(server, false);
    weir__rescue_end(server);
    return err;
}

/* --- what others see --- */

static const struct weir__registry_type server_type = {"HTTP server"};

static void show(struct weir__server *server)
{
    struct weir__registry *registry = &weir__task_current()->loop->runtime->registry;

    weir__registry_enter(registry);
    weir__registry_add(registry, &server->registered, &server_type);
    weir__registry_leave(registry);
}

static void hide(struct weir__server *server)
{
    struct weir__registry *registry = &weir__task_current()->loop->runtime->registry;

    weir__registry_enter(registry);
    weir__registry_remove(&server->registered);
    weir__registry_leave(registry);
}

static void add_loop(struct weir__server_loop *home, weir_server_stats *stats)
{
    stats->connections += atomic_load_explicit(&home->connection_count, memory_order_relaxed);
    stats->accepted += atomic_load_explicit(&home->accepted, memory_order_relaxed);
    stats->turned_away += atomic_load_explicit(&home->turned_away, memory_order_relaxed);
    weir__unserved_read(&home->unserved, stats);
}

void weir_server_read(weir_runtime *runtime, weir_server_stats *stats)
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

/* --- held --- */

/* This may be any thread, whose own log is another. */
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

/* --- the whole --- */

int weir__server_run(struct weir__server *server, const weir_server_options *options,
                     const weir_route *routes, size_t route_count)
{
    const char *const one[] = {options->listen, NULL};
    const char *const *addresses = options->listens != NULL ? options->listens : one;
    size_t count = 0;
    int err;

    while (addresses[count] != NULL)
        count++;
    if (count == 0)
        return -EINVAL;
    server->options = *options;
    server->loop_count = weir_loop_count();
    err = fill_defaults(&server->options);
    server->ledger = !options->ledger_off && (options->on_exchange != NULL || options->server_timing);
    if (err == 0)
        err = compile_routes(server, routes, route_count);
    if (err == 0) {
        server->loops = calloc((size_t)server->loop_count, sizeof *server->loops);
        err = server->loops == NULL ? -ENOMEM : 0;
    }
    for (int i = 0; err == 0 && i < server->loop_count; i++)
        server->loops[i].server = server;
    atomic_store(&server->exchanges_max, server->options.limits.exchanges);
    if (err == 0 && server->options.limits.connections_per_client > 0) {
        server->clients = weir__clients_open(server->options.limits.connections_per_client,
                                             server->options.limits.connections, weir_random_u64());
        err = server->clients == NULL ? -ENOMEM : 0;
    }
    if (err == 0) {
        show(server);
        err = open_loops(server, addresses, count);
        if (err == 0)
            err = serve_all(server);
        close_loops(server);
        hide(server);
    }
    return err;
}

void weir__server_free(struct weir__server *server)
{
    weir__clients_close(server->clients);
    free(server->loops);
    free_routes(server);
}

int weir_server_run(const weir_server_options *options, const weir_route *routes, size_t route_count)
{
    struct weir__server server = {0};
    int err = weir__server_run(&server, options, routes, route_count);

    weir__server_free(&server);
    return err;
}
