/* SPDX-License-Identifier: MIT */
/* At the limit of connections the connection of this loop that has been idle longest is closed for a new one.
 * If none is idle the loop accepts no more, and asks the other loops to close one of theirs.
 *
 * A connection that has just been accepted, or just been answered, is not idle yet: its request may be on its
 * way. So when all clients come at once they wait for each other, as they should.
 *
 * Without a free descriptor the same is done for each connection that can't be accepted, with whatever
 * connection of the loop is idle longest, of clients or to backends (core/spare.h). But the listener goes on
 * trying by itself: what else has descriptors may give some back.
 *
 * With options.limits.always_room a connection is closed in any case: if none is idle, one whose client began
 * a head and does not go on, or takes nothing of a response; in the end the oldest. A lack of descriptors
 * closes none of these.
 */
#include "http/server/room.h"

#include "http/server/accepting.h"
#include "http/server/h1.h"
#include "http/server/h1_progress.h"
#include "http/server/quiet.h"
#include "net/listener.h"

static const int64_t idle_after_ns = 500 * (int64_t)1000000; /* after so long a connection is idle, or slow */

/* How many more connections there may be. */
static int room(const struct weir_server *server)
{
    int left = server->options.limits.connections;

    for (int i = 0; i < server->loop_count; i++)
        left -= atomic_load_explicit(&server->loops[i].connection_count, memory_order_relaxed);
    return left;
}

/* --- which connection may be closed, and when --- */

struct candidate {
    struct weir__connection *connection; /* NULL: there is none */
    int64_t at_ns;                       /* from then on; INT64_MAX: there is none */
};

static void consider(struct candidate *best, struct weir__timeout_entry *entry, int64_t at_ns)
{
    if (at_ns < best->at_ns)
        *best = (struct candidate){weir__connection_of_timeout(entry), at_ns};
}

static void consider_first(struct candidate *best, struct weir__timeout_list *timeouts, int64_t after_ns)
{
    if (!weir__list_is_empty(&timeouts->entries))
        consider(best, weir__timeout_list_first(timeouts),
                 weir__timeout_list_first(timeouts)->since_ns + after_ns);
}

/* Whether the connection is not about to end anyway. */
static bool stays(const struct weir__connection *c)
{
    if (c->exchange != NULL && c->exchange->running)
        return c->exchange->exchange.response.err == 0;
    return !c->lingering && !weir__list_is_empty(&c->timeout.node);
}

static struct weir__connection *oldest(struct weir__server_loop *home)
{
    weir__list_each (node, &home->connections) {
        struct weir__connection *c = weir__container_of(node, struct weir__connection, node);
        if (stays(c))
            return c;
    }
    return NULL;
}

static struct candidate first_idle(struct weir__server_loop *home)
{
    struct candidate best = {NULL, INT64_MAX};

    consider_first(&best, &home->idle, idle_after_ns);
    consider_first(&best, &home->opening, idle_after_ns);
    return best;
}

static struct candidate first_to_go(struct weir__server_loop *home)
{
    struct candidate best = first_idle(home);
    int64_t now_ns = weir__loop_now_ns(home->loop);

    if (!home->server->options.limits.always_room)
        return best;
    consider_first(&best, &home->head, idle_after_ns);
    weir__list_each (node, &home->progress.entries) {
        struct weir__timeout_entry *entry = weir__container_of(node, struct weir__timeout_entry, node);
        int64_t since_ns = weir__h1_takes_nothing_since(entry);
        if (since_ns != INT64_MAX)
            consider(&best, entry, since_ns + idle_after_ns);
    }
    if (best.at_ns > now_ns && oldest(home) != NULL)
        best = (struct candidate){oldest(home), now_ns};
    return best;
}

static bool find_closable(struct weir__server_loop *home, struct candidate *found)
{
    *found = first_to_go(home);
    return found->at_ns <= weir__loop_now_ns(home->loop);
}

static bool has_closable(struct weir__server_loop *home)
{
    struct candidate found;

    return find_closable(home, &found);
}

static void make_room(struct weir__server_loop *home)
{
    struct candidate found;

    if (find_closable(home, &found))
        weir__connection_make_room(found.connection);
}

/* --- pausing and going on --- */

static void nudge_others(struct weir__server_loop *home)
{
    struct weir_server *server = home->server;

    for (int i = 0; i < server->loop_count; i++) {
        struct weir__server_loop *other = &server->loops[i];
        if (other != home && other->loop != NULL && !atomic_exchange(&other->nudged, true))
            weir__loop_post(other->loop, &other->nudge);
    }
}

static void check_later(struct weir__server_loop *home)
{
    int64_t at_ns = first_to_go(home).at_ns;

    if (at_ns != INT64_MAX && !weir__timer_is_set(&home->room.timer))
        weir__timeout_set(home->loop, &home->room, at_ns);
}

static void pause_accepting(struct weir__server_loop *home)
{
    if (home->full)
        return;
    home->full = true;
    atomic_fetch_add(&home->server->full_loops, 1);
    weir__accepting_update(home);
    if (home->server->loop_count > 1) {
        atomic_store(&home->server->room_wanted, true);
        nudge_others(home);
    }
}

static void go_on_accepting(struct weir__server_loop *home)
{
    if (!home->full)
        return;
    home->full = false;
    atomic_fetch_sub(&home->server->full_loops, 1);
    weir__accepting_update(home);
}

static void give_room(struct weir__server_loop *home)
{
    home->gives_room = true;
    make_room(home);
}

/* An idle connection may have to be closed, and connections that wait may be accepted. */
static void check(struct weir__server_loop *home)
{
    if (!home->serving || home->draining)
        return;
    if (home->full && (has_closable(home) || room(home->server) > 0))
        go_on_accepting(home);
    else if (!home->full && has_closable(home) && atomic_exchange(&home->server->room_wanted, false))
        give_room(home);
    if (atomic_load(&home->server->full_loops) > 0)
        check_later(home);
}

static void time_came(struct weir__timeout *timeout)
{
    check(weir__container_of(timeout, struct weir__server_loop, room));
}

static void nudged(struct weir__message *message)
{
    struct weir__server_loop *home = weir__container_of(message, struct weir__server_loop, nudge);

    atomic_store(&home->nudged, false);
    if (atomic_exchange(&home->server->room_given, false))
        weir__accepting_retry(home);
    check(home);
}

/* --- descriptors --- */

static int64_t idle_since(struct weir__spare *spare)
{
    struct weir__server_loop *home = weir__container_of(spare, struct weir__server_loop, spare);
    int64_t at_ns = first_idle(home).at_ns;

    return !home->draining && at_ns <= weir__loop_now_ns(home->loop) ? at_ns - idle_after_ns : INT64_MAX;
}

static void close_idle(struct weir__spare *spare)
{
    weir__connection_make_room(
        first_idle(weir__container_of(spare, struct weir__server_loop, spare)).connection);
}

static void descriptor_came(struct weir__spare_want *want)
{
    weir__accepting_retry(weir__container_of(want, struct weir__server_loop, descriptor_wanted));
}

/* --- events --- */

void weir__room_init(struct weir__server_loop *home)
{
    weir__timeout_init(&home->room, time_came);
    home->nudge.deliver = nudged;
    home->spare = (struct weir__spare){.idle_since_ns = idle_since, .close_idle = close_idle};
    weir__list_init(&home->descriptor_wanted.node);
    home->descriptor_wanted.closed = descriptor_came;
    weir__spare_add(home->loop, &home->spare);
}

void weir__room_end(struct weir__server_loop *home)
{
    weir__timeout_cancel(home->loop, &home->room);
    weir__list_remove(&home->spare.node);
    weir__list_remove(&home->descriptor_wanted.node);
}

void weir__room_taken(struct weir__server_loop *home)
{
    int left = room(home->server);

    if (left < 0)
        make_room(home);
    if (left <= 0 && !has_closable(home)) {
        pause_accepting(home);
        check_later(home);
    }
}

bool weir__room_no_descriptor(struct weir__server_loop *home)
{
    struct weir_server *server = home->server;

    if (home->draining)
        return false;
    if (weir__spare_ask(home->loop, &home->descriptor_wanted))
        return true;
    if (server->loop_count > 1 && !server->options.limits.always_room) {
        atomic_store(&server->room_wanted, true);
        nudge_others(home);
    }
    return false;
}

void weir__room_idle(struct weir__server_loop *home)
{
    check_later(home);
}

void weir__room_left(struct weir__server_loop *home)
{
    bool wanted = home->gives_room || atomic_load(&home->server->full_loops) > 0;

    atomic_fetch_sub(&home->connection_count, 1);
    weir__accepting_retry(home);
    weir__spare_closed(home->loop);
    if (home->gives_room)
        atomic_store(&home->server->room_given, true);
    home->gives_room = false;
    if (!home->draining && wanted) {
        check(home);
        nudge_others(home);
    }
    weir__quiet_check(home);
}
