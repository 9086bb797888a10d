/* SPDX-License-Identifier: MIT */
/* A server on all loops: opened, served, drained and closed on each of them. */
#include "http/server/server.h"

#include <errno.h>
#include <stdlib.h>

#include <weir/log.h>
#include <weir/random.h>

#include "core/task.h"
#include "http/server/rescue.h"
#include "http/server/routing.h"
#include "http/server/server_loop.h"
#include "http/server/server_options.h"
#include "http/server/server_stats.h"

/* --- on every loop --- */

struct opening {
    struct weir__server_loop *home;
    const char *const *addresses;
    size_t count;
    bool first;
};

static int open_loop(void *arg)
{
    struct opening *o = arg;

    return weir__server_loop_open(o->home, o->addresses, o->count, o->first);
}

static int close_loop(void *arg)
{
    weir__server_loop_close(arg);
    return 0;
}

static int serve_loop(void *arg)
{
    return weir__server_loop_run(arg);
}

static int drain_loop(void *arg)
{
    struct weir__server_loop *home = arg;

    weir_event_set(&home->stop);
    return weir__server_loop_run(home);
}

static int call_serve(void *arg)
{
    struct weir__server_loop *home = arg;
    int loop = (int)(home - home->server->loops);
    int err = weir_loop_call(loop, "server", serve_loop, home);
    weir_scope shield;

    if (home->serving)
        return err;
    /* It was cancelled before it began. Clients that came all the same are served by the drain. */
    weir__scope_open_long_shield(&shield, weir_never());
    if (weir_loop_call(loop, "server", drain_loop, home) < 0 && !home->serving)
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
        err = weir_loop_call(i, "opening the server", open_loop, &o);
        if (err < 0)
            return err;
        /* The other loops listen at the first one's addresses, whose ports the system may have chosen. */
        for (size_t k = 0; i == 0 && k < count; k++)
            bound[k] = weir_listener_address(server->loops[0].listeners[k]);
        o.addresses = bound;
        o.first = false;
    }
    return 0;
}

/* Calls a loop for something that can't fail. A loop that can't be reached has nothing left to end. */
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
            call(i, "closing the server", close_loop, &server->loops[i]);
    (void)weir_scope_close(&shield);
}

static void report_listening(const struct weir__server *server)
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
    report_listening(server);
    err = weir_scope_close(&all);
    set_alive(server, false);
    weir__rescue_end(server);
    return err;
}

/* --- from options to its end --- */

static int open_clients(struct weir__server *server)
{
    const weir_limits *l = &server->options.limits;

    if (l->connections_per_client == 0)
        return 0;
    server->clients = weir__clients_open(l->connections_per_client, l->connections, weir_random_u64());
    return server->clients == NULL ? -ENOMEM : 0;
}

static int prepare(struct weir__server *server, const weir_server_options *options, const weir_route *routes,
                   size_t route_count)
{
    int err;

    server->options = *options;
    err = weir__server_options_complete(&server->options);
    if (err < 0)
        return err;
    server->ledger = !options->ledger_off && (options->on_exchange != NULL || options->server_timing);
    atomic_store(&server->exchanges_max, server->options.limits.exchanges);
    err = weir__routes_compile(server, routes, route_count);
    if (err < 0)
        return err;
    server->loop_count = weir_loop_count();
    server->loops = calloc((size_t)server->loop_count, sizeof *server->loops);
    if (server->loops == NULL)
        return -ENOMEM;
    for (int i = 0; i < server->loop_count; i++)
        server->loops[i].server = server;
    return open_clients(server);
}

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
    err = prepare(server, options, routes, route_count);
    if (err < 0)
        return err;
    weir__server_register(server);
    err = open_loops(server, addresses, count);
    if (err == 0)
        err = serve_all(server);
    close_loops(server);
    weir__server_unregister(server);
    return err;
}

void weir__server_free(struct weir__server *server)
{
    weir__clients_close(server->clients);
    free(server->loops);
    weir__routes_free(server);
}

int weir_server_run(const weir_server_options *options, const weir_route *routes, size_t route_count)
{
    struct weir__server server = {0};
    int err = weir__server_run(&server, options, routes, route_count);

    weir__server_free(&server);
    return err;
}
