/* SPDX-License-Identifier: MIT */
/* A server on all loops: opened, served, drained and closed on each of them.
 *
 * One task serves. It stands in a scope of the server's own, on the loop that opened the server, calls every
 * loop to serve and to drain, and ends when all of them have drained. Any thread may have the loops drain, by
 * a message to each.
 */
#include "http/server/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <weir/log.h>
#include <weir/random.h>

#include "core/misuse.h"
#include "core/sync.h"
#include "core/task.h"
#include "http/server/accepting.h"
#include "http/server/routing.h"
#include "http/server/server_loop.h"
#include "http/server/server_options.h"
#include "net/listener.h"

/* --- draining, from any thread --- */

static void post_to_all(weir_server *server, size_t message)
{
    for (int i = 0; i < server->loop_count; i++)
        weir__loop_post(server->loops[i].loop,
                        (struct weir__message *)(void *)((char *)&server->loops[i] + message));
}

static void ask(weir_server *server, bool *asked, size_t message)
{
    (void)pthread_mutex_lock(&server->post_lock);
    if (!*asked && server->may_post)
        post_to_all(server, message);
    *asked = true;
    (void)pthread_mutex_unlock(&server->post_lock);
}

void weir_server_drain(weir_server *server)
{
    ask(server, &server->drain_asked, offsetof(struct weir__server_loop, drain_now));
}

void weir_server_stop(weir_server *server)
{
    ask(server, &server->stop_asked, offsetof(struct weir__server_loop, cut_now));
}

/* From now on the loops take messages. */
static void begin_posting(weir_server *server)
{
    (void)pthread_mutex_lock(&server->post_lock);
    server->may_post = true;
    if (server->drain_asked)
        post_to_all(server, offsetof(struct weir__server_loop, drain_now));
    if (server->stop_asked)
        post_to_all(server, offsetof(struct weir__server_loop, cut_now));
    (void)pthread_mutex_unlock(&server->post_lock);
}

/* --- the task that serves --- */

static int serve_loop(void *arg)
{
    weir__server_loop_run(arg);
    return 0;
}

static int call_serve(void *arg)
{
    struct weir__server_loop *home = arg;
    int err = weir_loop_call((int)(home - home->server->loops), "server", serve_loop, home);

    if (err < 0) /* no memory for a task there */
        weir__server_loop_stopped(home->server);
    return err;
}

static void serve_on_all_loops(weir_server *server)
{
    weir_scope all;

    weir_scope_open(&all, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < server->loop_count; i++)
        if (weir_spawn(&all, "serving a loop", call_serve, &server->loops[i]) < 0)
            weir__server_loop_stopped(server);
    (void)weir_scope_close(&all);
}

static int run_background(void *arg)
{
    weir_server *server = arg;
    int err = server->options.background(server->options.arg, server);

    if (err < 0 && err != weir_cancelled()) {
        weir_log(WEIR_LOG_ERROR, "the server's background task failed, so the server drains",
                 WEIR_KV_ERROR("error", err));
        server->result = err;
        weir_server_drain(server);
    }
    return 0;
}

static int serve(void *arg)
{
    weir_server *server = arg;
    weir_scope beside;

    weir_scope_open(&beside, weir_never(), WEIR_COLLECT);
    if (server->options.background != NULL)
        server->result = weir_spawn(&beside, "background", run_background, server);
    if (server->result < 0)
        weir_server_drain(server);
    weir__accepting_begin(server);
    serve_on_all_loops(server);
    weir__accepting_end(server);
    weir_scope_cancel(&beside);
    (void)weir_scope_close(&beside);
    weir_event_set(&server->ended);
    return 0;
}

/* --- opening and closing on every loop --- */

struct opening {
    struct weir__server_loop *home;
    const weir_listener_options *listeners;
    size_t count;
};

static int open_loop(void *arg)
{
    struct opening *o = arg;

    return weir__server_loop_open(o->home, o->listeners, o->count);
}

static int close_loop(void *arg)
{
    weir__server_loop_close(arg);
    return 0;
}

static int keep_addresses(weir_server *server)
{
    const struct weir__server_loop *first = &server->loops[0];

    server->addresses = calloc(first->listener_count, sizeof *server->addresses);
    if (server->addresses == NULL)
        return -ENOMEM;
    server->address_count = first->listener_count;
    for (size_t i = 0; i < first->listener_count; i++)
        (void)snprintf(server->addresses[i], WEIR_ADDRESS_BYTES, "%s",
                       weir__listener_address(first->listeners[i]));
    return 0;
}

static int open_loops(weir_server *server, const weir_listener_options *listeners, size_t count)
{
    struct opening o = {.listeners = listeners, .count = count};
    int err = 0;

    for (int i = 0; err == 0 && i < server->loop_count; i++) {
        o.home = &server->loops[i];
        err = weir_loop_call(i, "opening the server", open_loop, &o);
        if (err == 0 && i == 0)
            err = keep_addresses(server);
    }
    return err;
}

/* A loop that can't be reached has nothing left to end. */
static void close_loops(weir_server *server)
{
    weir_scope shield;

    weir__scope_open_long_shield(&shield, weir_never());
    for (int i = 0; i < server->loop_count; i++)
        if (server->loops[i].loop != NULL &&
            weir_loop_call(i, "closing the server", close_loop, &server->loops[i]) < 0)
            weir_log(WEIR_LOG_WARN, "a loop did not take part in closing a server");
    (void)weir_scope_close(&shield);
}

/* --- from options to the end --- */

static int open_clients(weir_server *server)
{
    const weir_limits *l = &server->options.limits;

    if (l->connections_per_client == 0)
        return 0;
    server->clients = weir__clients_open(l->connections_per_client, l->connections, weir_random_u64());
    return server->clients == NULL ? -ENOMEM : 0;
}

static int prepare(weir_server *server, const weir_server_options *options, const weir_route *routes,
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
    server->loops = calloc((size_t)weir_loop_count(), sizeof *server->loops);
    if (server->loops == NULL)
        return -ENOMEM;
    server->loop_count = weir_loop_count();
    for (int i = 0; i < server->loop_count; i++)
        server->loops[i].server = server;
    return open_clients(server);
}

static void free_server(weir_server *server)
{
    close_loops(server);
    weir__scope_end_detached(&server->scope);
    weir__clients_close(server->clients);
    (void)pthread_mutex_destroy(&server->post_lock);
    free(server->addresses);
    free(server->loops);
    weir__routes_free(server);
    free(server);
}

static int open_server(weir_server *server, const weir_server_options *options, const weir_route *routes,
                       size_t route_count)
{
    weir_listener_options one = {.address = options->listen};
    bool several = options->listener_count > 0;
    int err;

    if (several == (options->listen != NULL))
        return -EINVAL;
    err = prepare(server, options, routes, route_count);
    if (err < 0)
        return err;
    err = open_loops(server, several ? options->listeners : &one, several ? options->listener_count : 1);
    if (err < 0)
        return err;
    atomic_store(&server->accepting_loops, server->loop_count);
    err = weir__spawn(&server->scope, "server", serve, server, NULL);
    if (err == 0)
        begin_posting(server);
    return err;
}

/* Closes the descriptors that no listener has taken. */
static void close_unopened(const weir_server *server, const weir_server_options *options)
{
    size_t opened = server->loops != NULL ? server->loops[0].listener_count : 0;

    for (size_t i = opened; i < options->listener_count; i++)
        if (options->listeners[i].fd > 0)
            (void)close(options->listeners[i].fd);
}

int weir_server_open(const weir_server_options *options, const weir_route *routes, size_t route_count,
                     weir_server **out)
{
    struct weir__loop *here = weir__calling_task(__func__)->loop;
    weir_server *server = calloc(1, sizeof *server);
    int err;

    if (server == NULL)
        return -ENOMEM;
    server->runtime = here->runtime;
    (void)pthread_mutex_init(&server->post_lock, NULL);
    weir__scope_init_detached(&server->scope, here, "server");
    weir_event_init(&server->ended);
    err = open_server(server, options, routes, route_count);
    if (err < 0) {
        close_unopened(server, options);
        free_server(server);
        return err;
    }
    *out = server;
    if (options->on_listening != NULL)
        options->on_listening(options->arg, server);
    return 0;
}

static const struct weir__wait_class the_end = {"the end of a server", NULL, .charge = WEIR_CHARGE_OTHER};

int weir_server_wait(weir_server *server)
{
    int err;

    weir__check_loop(server->scope.loop, __func__, "a server");
    err = weir__event_wait(&server->ended, &the_end);
    return err < 0 ? err : server->result;
}

void weir__server_await(weir_server *server)
{
    weir_scope shield;

    weir__scope_open_long_shield(&shield, weir_never());
    while (weir__event_wait(&server->ended, &the_end) < 0)
        ;
    (void)weir_scope_close(&shield);
}

void weir_server_close(weir_server *server)
{
    if (server == NULL)
        return;
    weir__check_loop(server->scope.loop, __func__, "a server");
    weir_server_drain(server);
    weir__server_await(server);
    free_server(server);
}

int weir_server_run(const weir_server_options *options, const weir_route *routes, size_t route_count)
{
    weir_server *server;
    int err = weir_server_open(options, routes, route_count, &server);

    if (err < 0)
        return err;
    err = weir_server_wait(server);
    weir_server_close(server);
    return err;
}

/* --- questions --- */

const char *weir_server_address(const weir_server *server, size_t i)
{
    return i < server->address_count ? server->addresses[i] : NULL;
}

/* The server's part on the loop of the calling task. function: the public function that asks. */
static struct weir__server_loop *loop_here(weir_server *server, const char *function)
{
    struct weir__loop *here = weir__calling_task(function)->loop;
    struct weir__server_loop *home = here->runtime == server->runtime ? &server->loops[here->index] : NULL;

    if (home == NULL || home->loop != here)
        weir__misuse(function, "on a loop on which the server is not open",
                     "call it in setup, in a handler, or in a task of the server's scope");
    return home;
}

weir_scope *weir_server_scope(weir_server *server)
{
    return &loop_here(server, __func__)->background;
}
