/* SPDX-License-Identifier: MIT */
/* The server on one loop: its listeners, where new connections go, its end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/log.h>

#include "core/blame.h"
#include "core/runtime.h"
#include "core/task.h"
#include "http/server.h"

static const int64_t complain_every_ns = 1000000000;

/* --- connections come --- */

/* Whether the client may have one more. */
static bool may_enter(struct weir__server_loop *home, weir_stream *stream)
{
    struct weir__connection *c = weir__stream_extra(stream);
    struct sockaddr_storage addr;
    socklen_t len;

    if (home->server->clients == NULL ||
        weir__io_address(home->loop->io, &stream->file, true, &addr, &len) < 0 ||
        (addr.ss_family != AF_INET && addr.ss_family != AF_INET6))
        return true;
    c->client[0] = weir__client_key_of(&addr);
    if (weir__clients_enter(home->server->clients, c->client))
        return true;
    c->client[0].family = 0;
    return false;
}

static void take(struct weir__server_loop *home, int fd)
{
    size_t extra = sizeof(struct weir__connection) +
                   (home->server->clients != NULL ? sizeof(struct weir__client_key) : 0);
    weir_stream *stream;

    if (weir__stream_adopt(fd, extra, &stream) < 0)
        weir__server_loop_left(home);
    else if (may_enter(home, stream))
        weir__connection_start(home, stream);
    else
        weir__connection_turn_back(home, stream);
}

/* A connection on its way to another loop. */
struct moving {
    struct weir__message message;
    struct weir__server_loop *home;
    int fd;
};

static void arrived(struct weir__message *message)
{
    struct moving *m = weir__container_of(message, struct moving, message);

    take(m->home, m->fd);
    free(m);
}

static bool send_to(struct weir__server_loop *home, int fd)
{
    struct moving *m = malloc(sizeof *m);

    if (m == NULL)
        return false;
    *m = (struct moving){.message.deliver = arrived, .home = home, .fd = fd};
    weir__loop_post(home->loop, &m->message);
    return true;
}

/* The loop with the fewest connections, here when there is little between them. */
static struct weir__server_loop *place(struct weir__server_loop *here)
{
    struct weir__server *server = here->server;
    struct weir__server_loop *best = here;
    int least = atomic_load_explicit(&here->connection_count, memory_order_relaxed) - 1;

    for (int i = 0; i < server->loop_count; i++) {
        int count = atomic_load_explicit(&server->loops[i].connection_count, memory_order_relaxed);
        if (count < least) {
            best = &server->loops[i];
            least = count;
        }
    }
    return best;
}

static void complain(struct weir__server_loop *home, int err)
{
    int64_t now_ns = weir__io_now_ns(home->loop->io);

    if (now_ns < home->complained_ns + complain_every_ns)
        return;
    home->complained_ns = now_ns;
    weir_log(WEIR_LOG_WARN, "accepting pauses", WEIR_KV("error", weir_error_text(err)));
}

static void accepted(weir_listener *l, void *arg, int fd)
{
    struct weir__server_loop *here = arg;
    struct weir__server_loop *home;

    (void)l;
    if (fd < 0) {
        complain(here, fd);
        return;
    }
    if (!here->accepting) {
        weir__io_close_fd(here->loop->io, fd);
        return;
    }
    weir__server_count(&here->accepted);
    home = place(here);
    atomic_fetch_add_explicit(&home->connection_count, 1, memory_order_relaxed);
    if (home == here || !send_to(home, fd))
        take(home, fd);
    weir__room_taken(here);
}

static bool is_quiet(struct weir__server_loop *home)
{
    return atomic_load_explicit(&home->connection_count, memory_order_relaxed) == 0 &&
           home->closing_listeners == 0;
}

void weir__server_loop_left(struct weir__server_loop *home)
{
    atomic_fetch_sub_explicit(&home->connection_count, 1, memory_order_relaxed);

    weir__room_left(home);
    if (!home->accepting && is_quiet(home))
        weir_event_set(&home->quiet);
}

/* --- beginning --- */

static int listen_on(struct weir__server_loop *home, const char *address, bool alone)
{
    weir_listener *l;
    int err = weir_listen(address, alone ? 0 : WEIR_REUSE_PORT, &l);

    if (err == 0)
        home->listeners[home->listener_count++] = l;
    return err;
}

/* With SO_REUSEPORT another program of this user could share our port unnoticed: the first loop looks first.
 */
static int probe(const char *address)
{
    weir_listener *l;
    int err = weir_listen(address, 0, &l);

    if (err == 0)
        weir_listener_close(l);
    return err;
}

static bool is_unix(const char *address)
{
    return strncmp(address, "unix:", 5) == 0;
}

static bool has_port_0(const char *address)
{
    size_t n = strlen(address);

    return n >= 2 && strcmp(address + n - 2, ":0") == 0;
}

int weir__server_loop_open(struct weir__server_loop *home, const char *const *addresses, size_t count,
                           bool first)
{
    struct weir__server *server = home->server;
    bool alone = server->loop_count == 1;

    home->loop = weir__task_current()->loop;
    if (server->ledger)
        weir__blame_open(home->loop);
    weir__room_init(home);
    weir__scope_init_detached(&home->exchange_scope, home->loop, "server");
    weir__connections_init(home);
    weir_event_init(&home->stop);
    weir_event_init(&home->quiet);
    home->fields = calloc((size_t)server->options.limits.headers, sizeof *home->fields);
    home->listeners = calloc(count, sizeof(weir_listener *));
    if (home->fields == NULL || home->listeners == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int err = 0;
        if (is_unix(addresses[i]) && !first)
            continue; /* its connections are handed on */
        if (first && !alone && !is_unix(addresses[i]) && !has_port_0(addresses[i]))
            err = probe(addresses[i]);
        if (err == 0)
            err = listen_on(home, addresses[i], alone || is_unix(addresses[i]));
        if (err < 0) {
            weir_log(WEIR_LOG_ERROR, "can't listen", WEIR_KV("addr", addresses[i]),
                     WEIR_KV("error", weir_error_text(err)));
            return err;
        }
    }
    if (server->options.setup != NULL) {
        home->state = server->options.setup(server->options.arg);
        if (home->state == NULL)
            return -WEIR_ECONFIG;
    }
    return 0;
}

/* --- serving and draining --- */

static void listener_closed(void *arg)
{
    struct weir__server_loop *home = arg;

    home->closing_listeners--;
    if (is_quiet(home))
        weir_event_set(&home->quiet);
}

static void stop_accepting(struct weir__server_loop *home)
{
    home->accepting = false;
    home->closing_listeners = home->listener_count;
    for (size_t i = 0; i < home->listener_count; i++)
        weir__listener_close_detached(home->listeners[i], listener_closed, home);
    home->listener_count = 0;
}

/* Waits, whatever has been cancelled, until no connection is left: true; or until the instant. */
static bool becomes_quiet(struct weir__server_loop *home, weir_instant until)
{
    weir_scope shield;
    int err = 0;

    if (is_quiet(home))
        return true;
    weir__scope_open_long_shield(&shield, until);
    err = weir_event_wait(&home->quiet);
    (void)weir_scope_close(&shield);
    return err == 0;
}

static bool drain(struct weir__server_loop *home)
{
    stop_accepting(home);
    weir__connections_close_idle(home);
    return becomes_quiet(home, weir_after(home->server->options.drain));
}

/* What patience with exchanges does not end, the cancel does. */
static void cut_short(struct weir__server_loop *home)
{
    weir__scope_cancel(&home->exchange_scope, -WEIR_ECANCELED);
    weir__connections_close_waiting(home);
    while (!becomes_quiet(home, weir_never()))
        ;
}

int weir__server_loop_run(struct weir__server_loop *home)
{
    int cause;

    home->accepting = true;
    for (size_t i = 0; i < home->listener_count; i++)
        weir__listener_serve(home->listeners[i], accepted, home);
    cause = weir_event_wait(&home->stop);
    if (!drain(home))
        cut_short(home);
    return cause;
}

void weir__server_loop_close(struct weir__server_loop *home)
{
    if (home->loop == NULL)
        return;
    for (size_t i = 0; i < home->listener_count; i++) /* of a server that never came to serve */
        weir_listener_close(home->listeners[i]);
    weir__timeout_cancel(home->loop, &home->room);
    weir__patience_stop(&home->idle);
    weir__patience_stop(&home->head);
    weir__patience_stop(&home->progress);
    weir__patience_stop(&home->half_closed);
    weir__patience_stop(&home->linger);
    weir__scope_end_detached(&home->exchange_scope);
    if (home->state != NULL && home->server->options.teardown != NULL)
        home->server->options.teardown(home->state);
    free(home->listeners);
    free(home->fields);
    weir__peers_free(&home->peers);
}
