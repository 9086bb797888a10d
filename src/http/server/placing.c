/* SPDX-License-Identifier: MIT */
/* Which loop a connection is served on: the one with the fewest connections, of those that are not held.
 *
 * A loop may be held just when it is given a connection, before that can be noticed. So for a moment a
 * connection that was sent to another loop belongs to both. The first of two has it: the loop it was sent to,
 * when the message arrives, or the loop that sent it, when that has waited long enough.
 */
#include "http/server/placing.h"

#include <stdlib.h>

#include "core/runtime.h"
#include "http/server/h1.h"
#include "http/server/quiet.h"
#include "http/server/room.h"

enum { TAKEN_BACK_AFTER_MS = 10, SWEEP_MS = 25 };

enum moving_state { ON_ITS_WAY, ARRIVED, TAKEN_BACK };

/* A connection on its way to another loop, which counts it already. */
struct moving {
    struct weir__message message;
    struct weir__list node; /* in from->moving */
    struct weir__server_loop *from, *to;
    int64_t sent_ns;
    struct weir__layers layers; /* held */
    int fd;                     /* -1: none comes, and the other loop counts one less */
    atomic_int state;
};

static void take(struct weir__server_loop *home, int fd, struct weir__layers layers)
{
    size_t extra = sizeof(struct weir__connection) +
                   (home->server->clients != NULL ? sizeof(struct weir__client_key) : 0);
    weir_stream *stream;

    if (weir__stream_adopt(fd, extra, &stream) < 0) {
        weir__room_left(home);
    } else if (weir__layers_put_on(layers, stream, weir__connection_client_known) < 0) {
        weir__stream_close_detached(stream, NULL);
        weir__room_left(home);
    } else {
        weir__connection_start(home, stream, layers);
    }
}

static void free_moving(struct moving *m)
{
    weir__layers_release(m->layers);
    free(m);
}

/* On the loop that it was sent to. */
static void arrived(struct weir__message *message)
{
    struct moving *m = weir__container_of(message, struct moving, message);
    struct weir__server_loop *to = m->to;
    struct weir__layers layers = weir__layers_hold(m->layers);
    int fd = m->fd;

    if (fd >= 0 && atomic_exchange(&m->state, ARRIVED) == ON_ITS_WAY) {
        take(to, fd, layers); /* the loop that sent it frees m */
    } else {
        free_moving(m);
        weir__room_left(to);
    }
    weir__layers_release(layers);
}

static void take_back(struct moving *m)
{
    struct weir__server_loop *here = m->from;
    struct weir__layers layers = weir__layers_hold(m->layers);
    int fd = m->fd;

    weir__list_remove(&m->node);
    if (atomic_exchange(&m->state, TAKEN_BACK) == ARRIVED) {
        free_moving(m);
    } else {
        atomic_fetch_add(&here->connection_count, 1);
        take(here, fd, layers); /* arrived() will free m */
    }
    weir__layers_release(layers);
}

/* One timer serves many connections that are sent one after the other, because each timer wakes the loop. */
static void sweep(struct weir__timeout *timeout)
{
    struct weir__server_loop *here = weir__container_of(timeout, struct weir__server_loop, sweep);
    int64_t now_ns = weir__loop_now_ns(here->loop);

    weir__list_each_safe (node, &here->moving) {
        struct moving *m = weir__container_of(node, struct moving, node);
        if (atomic_load(&m->state) == ARRIVED || now_ns - m->sent_ns > weir_ms(TAKEN_BACK_AFTER_MS).ns)
            take_back(m);
    }
    if (!weir__list_is_empty(&here->moving))
        weir__timeout_set(here->loop, timeout, now_ns + weir_ms(SWEEP_MS).ns);
    weir__quiet_check(here);
}

static void send_to(struct moving *m, struct weir__server_loop *here, int fd, struct weir__layers layers)
{
    struct weir__server_loop *to = m->to;

    *m = (struct moving){.message.deliver = arrived, .from = here, .to = to, .fd = fd};
    m->layers = weir__layers_hold(layers);
    weir__list_init(&m->node);
    if (fd >= 0) {
        m->sent_ns = weir__loop_now_ns(here->loop);
        weir__list_push_back(&here->moving, &m->node);
        if (!weir__timer_is_set(&here->sweep.timer))
            weir__timeout_set(here->loop, &here->sweep, m->sent_ns + weir_ms(SWEEP_MS).ns);
    }
    weir__loop_post(to->loop, &m->message);
}

/* The loop with the fewest connections; this one when no other has at least two less. */
static struct weir__server_loop *choose(struct weir__server_loop *here)
{
    struct weir_server *server = here->server;
    struct weir__server_loop *best = here;
    int least = atomic_load_explicit(&here->connection_count, memory_order_relaxed) - 1;

    for (int i = 0; i < server->loop_count; i++) {
        struct weir__server_loop *other = &server->loops[i];
        int count = atomic_load_explicit(&other->connection_count, memory_order_relaxed);
        if (count < least && !weir__loop_is_held(other->loop)) {
            best = other;
            least = count;
        }
    }
    return best;
}

void weir__connection_place(struct weir__server_loop *here, int fd, struct weir__layers layers)
{
    struct weir_server *server = here->server;
    struct weir__server_loop *home = atomic_load(&server->draining) ? here : choose(here);
    struct moving *m = home != here ? malloc(sizeof *m) : NULL;

    if (m == NULL)
        home = here;
    atomic_fetch_add(&home->connection_count, 1);
    if (home != here) {
        /* A draining loop sets `draining`, then counts: either this loop sees it, or that one counts this
         * one. */
        bool too_late = atomic_load(&server->draining);
        m->to = home;
        send_to(m, here, too_late ? -1 : fd, layers);
        if (!too_late)
            return;
        atomic_fetch_add(&here->connection_count, 1);
    }
    take(here, fd, layers);
}

void weir__placing_init(struct weir__server_loop *home)
{
    weir__list_init(&home->moving);
    weir__timeout_init(&home->sweep, sweep);
}
