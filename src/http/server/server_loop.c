/* SPDX-License-Identifier: MIT */
/* The server on one loop: listening, serving, draining. */
#include "http/server/server_loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/log.h>

#include "core/account/attribution.h"
#include "core/runtime.h"
#include "core/task.h"
#include "http/server/accepting.h"
#include "http/server/h1.h"
#include "http/server/placing.h"
#include "http/server/quiet.h"
#include "http/server/room.h"
#include "net/listener.h"

enum { ACCEPTED_AT_ONCE = 64 };
static const int64_t log_every_ns = 10 * INT64_C(1000000000);

/* --- accepting --- */

static void log_failure(struct weir__server_loop *home, const char *message, int64_t *logged_ns, int err)
{
    int64_t now_ns = weir__loop_now_ns(home->loop);

    if (now_ns < *logged_ns + log_every_ns)
        return;
    *logged_ns = now_ns;
    weir_log(WEIR_LOG_WARN, message, WEIR_KV("error", weir_error_text(err)));
}

static void failed(struct weir__server_loop *home, int err)
{
    if (weir__spare_helps(err) && weir__room_no_descriptor(home))
        log_failure(home, "an idle connection is closed for a new one", &home->room_logged_ns, err);
    else
        log_failure(home, "accepting pauses", &home->failure_logged_ns, err);
}

static void accepted(weir_listener *l, void *arg, int fd)
{
    struct weir__server_loop *here = arg;

    if (fd < 0) {
        failed(here, fd);
        return;
    }
    weir__server_count(&here->accepted_count);
    weir__connection_place(here, fd, l->layers);
    if (!here->draining)
        weir__room_taken(here);
}

static const struct weir__connection_events events = {.idle = weir__room_idle, .closed = weir__room_left};

/* --- opening --- */

static void drain_now(struct weir__message *message)
{
    weir_event_set(&weir__container_of(message, struct weir__server_loop, drain_now)->stop);
}

static void cut_now(struct weir__message *message)
{
    struct weir__server_loop *home = weir__container_of(message, struct weir__server_loop, cut_now);

    home->cut = true;
    weir_event_set(&home->stop);
    weir_event_set(&home->quiet);
}

/* All loops have stopped accepting: no loop will be given a connection any more. */
static void all_stopped(struct weir__message *message)
{
    weir__quiet_check(weir__container_of(message, struct weir__server_loop, all_stopped));
}

static void log_listen_failure(const weir_listener_options *o, int err)
{
    char fd[24];

    (void)snprintf(fd, sizeof fd, "descriptor %d", o->fd);
    weir_log(WEIR_LOG_ERROR, "cannot listen", WEIR_KV("addr", o->address != NULL ? o->address : fd),
             WEIR_KV("error", weir_error_text(err)));
}

/* Adds a listener: the first loop opens it, the others take connections from the same queue. If that can't be
 * shared, the first loop hands connections on. */
static int listen_at(struct weir__server_loop *home, const weir_listener_options *o, size_t which)
{
    const struct weir__server_loop *first = &home->server->loops[0];
    weir_listener *l = NULL;
    int err = home == first ? weir_listener_open(o, &l) : weir__listener_share(first->listeners[which], &l);

    if (err == -EOPNOTSUPP && home != first)
        return 0;
    if (err < 0)
        log_listen_failure(o, err);
    else
        home->listeners[home->listener_count++] = l;
    return err;
}

static void init(struct weir__server_loop *home)
{
    home->loop = weir__task_current()->loop;
    if (home->server->ledger)
        weir__attribution_open(home->loop);
    home->events = &events;
    weir__accepting_init(home);
    weir__room_init(home);
    weir__scope_init_detached(&home->exchange_scope, home->loop, "server");
    weir__scope_init_detached(weir__scope_of(&home->background), home->loop, "the server's background");
    weir__connections_init(home);
    weir__placing_init(home);
    home->all_stopped.deliver = all_stopped;
    home->drain_now.deliver = drain_now;
    home->cut_now.deliver = cut_now;
    weir_event_init(&home->stop);
    weir_event_init(&home->quiet);
}

static int set_up(struct weir__server_loop *home)
{
    const weir_server_options *o = &home->server->options;
    const struct weir__scope *scope = weir__task_current()->scope;

    home->state = o->setup(o->arg, home->server);
    weir__scope_check_innermost(scope, "setup");
    return home->state != NULL ? 0 : -WEIR_ECONFIG;
}

int weir__server_loop_open(struct weir__server_loop *home, const weir_listener_options *listeners,
                           size_t count)
{
    const weir_server_options *o = &home->server->options;

    init(home);
    home->fields = calloc((size_t)o->limits.headers, sizeof *home->fields);
    home->listeners = calloc(count, sizeof(weir_listener *));
    if (home->fields == NULL || home->listeners == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int err = listen_at(home, &listeners[i], i);
        if (err < 0)
            return err;
    }
    home->listens = home->listener_count == count;
    return o->setup != NULL ? set_up(home) : 0;
}

/* --- serving and draining --- */

/* Accepts what is queued by the kernel, whatever the limit of connections: if no other process has the queue,
 * or all of them drain, it ends with this one. One that is to end at once leaves it to the others. */
static void accept_all(struct weir__server_loop *home)
{
    for (size_t i = 0; i < home->listener_count; i++)
        while (!(home->cut && home->listeners[i]->shared) &&
               weir__listener_take(home->listeners[i], ACCEPTED_AT_ONCE))
            if (weir_yield() < 0)
                return;
}

static void close_listeners(struct weir__server_loop *home)
{
    size_t count = home->listener_count;

    home->listener_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!home->listeners[i]->shared)
            weir__listener_stop(home->listeners[i]); /* for all loops: one may be held */
        weir__quiet_close_listener(home, home->listeners[i]);
    }
}

void weir__server_loop_stopped(struct weir_server *server)
{
    if (atomic_fetch_sub(&server->accepting_loops, 1) > 1)
        return;
    for (int i = 0; i < server->loop_count; i++)
        weir__loop_post(server->loops[i].loop, &server->loops[i].all_stopped);
}

/* Waits until nothing is left, the instant comes, or the drain is to end now. A cancel does not end the wait.
 * Returns: whether nothing is left. */
static bool becomes_quiet(struct weir__server_loop *home, weir_instant until)
{
    weir_scope shield;
    int err = 0;

    weir__scope_open_long_shield(&shield, until);
    while (err == 0 && !weir__loop_is_quiet(home) && !home->cut) {
        weir_event_reset(&home->quiet);
        err = weir_event_wait(&home->quiet);
    }
    (void)weir_scope_close(&shield);
    return weir__loop_is_quiet(home);
}

/* The first loop that drains calls the owner. From then on no loop keeps a connection alive. */
static void announce(struct weir_server *server)
{
    if (!atomic_exchange(&server->draining, true) && server->options.on_drain != NULL)
        server->options.on_drain(server->options.arg);
}

static bool drain(struct weir__server_loop *home)
{
    weir_instant until = weir_after(home->server->options.drain);
    weir_scope shield;

    announce(home->server);
    home->draining = true;
    weir__scope_open_long_shield(&shield, until);
    accept_all(home);
    (void)weir_scope_close(&shield);
    close_listeners(home);
    weir__server_loop_stopped(home->server);
    weir__connections_drain(home);
    return becomes_quiet(home, until);
}

/* The first loop that cuts calls the owner. */
static void announce_cut(struct weir_server *server)
{
    int connections = 0;

    if (server->options.on_cut == NULL || atomic_exchange(&server->cuts, true))
        return;
    for (int i = 0; i < server->loop_count; i++)
        connections += atomic_load(&server->loops[i].connection_count);
    server->options.on_cut(server->options.arg, atomic_load(&server->exchanges), connections);
}

/* Cancels the exchanges that did not end within the time to drain. */
static void cut_short(struct weir__server_loop *home)
{
    announce_cut(home->server);
    weir__scope_cancel(&home->exchange_scope, -WEIR_ECANCELED);
    do {
        home->cut = false;
        weir__connections_close_waiting(home);
    } while (!becomes_quiet(home, weir_never()));
}

static void end_background(struct weir__server_loop *home)
{
    struct weir__scope *background = weir__scope_of(&home->background);

    weir__scope_cancel(background, -WEIR_ECANCELED);
    weir__scope_await_detached(background);
}

void weir__server_loop_run(struct weir__server_loop *home)
{
    weir_scope shield;

    weir__scope_open_long_shield(&shield, weir_never());
    home->serving = true;
    weir__accepting_serve(home, accepted);
    while (weir_event_wait(&home->stop) < 0)
        ;
    if (!drain(home))
        cut_short(home);
    end_background(home);
    (void)weir_scope_close(&shield);
}

void weir__server_loop_close(struct weir__server_loop *home)
{
    if (home->loop == NULL)
        return;
    for (size_t i = 0; i < home->listener_count; i++) /* of a server that never served */
        weir__listener_close(home->listeners[i]);
    weir__room_end(home);
    weir__connections_end(home);
    weir__timeout_cancel(home->loop, &home->sweep);
    weir__scope_end_detached(&home->exchange_scope);
    end_background(home);
    weir__scope_end_detached(weir__scope_of(&home->background));
    if (home->state != NULL && home->server->options.teardown != NULL)
        home->server->options.teardown(home->state);
    free(home->listeners);
    free(home->fields);
    weir__peers_free(&home->peers);
}
