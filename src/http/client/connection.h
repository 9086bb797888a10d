/* SPDX-License-Identifier: MIT */
/* One connection to an origin: connecting, receiving, lying idle, closing. Threading: as state.h. */
#ifndef WEIR__HTTP_CLIENT_CONNECTION_H
#define WEIR__HTTP_CLIENT_CONNECTION_H

#include "http/client/state.h"

/* Connects to an origin. After -WEIR_EDNS *why says what was wrong. Waits. Returns: 0; as weir_connect();
 * -ETIMEDOUT by connect_timeout, -WEIR_EDNS if the name was still being looked up then. */
int weir__client_connect(struct weir__origin *origin, struct weir__client_connection **out,
                         const char **why) WEIR_CHECKED;

/* Asks for more from the connection of a fetch, or of none. Harmless when that has been asked for already.
 * When very much comes at once the fetch is woken, to ask again. */
void weir__client_await(struct weir__client_connection *c);

/* Closes a connection, idle or in use. The slot of an idle one is given back. */
void weir__client_drop(struct weir__client_connection *c);

/* Closes idle connections of an origin while other loops want their slots. */
void weir__client_spare(struct weir__slot_share *slots);

/* Closes all idle connections of an origin. */
void weir__client_drop_idle(struct weir__origin *origin);

/* Of weir_client: a connection has been idle for as long as it may. */
void weir__client_idle_exhausted(struct weir__timeout_entry *entry);

/* --- on the way of every request --- */

/* Has other threads see how many connections of an origin there are. */
static inline void weir__client_publish_counts(const struct weir__origin *origin)
{
    weir__origin_counts_now(origin->counts, origin->in_use, origin->idle_count, origin->own_slots.waiting);
}

/* Ends the timer of a connection, if it has one. */
static inline void weir__client_stop_timeout(struct weir__client_connection *c)
{
    if (weir__timer_is_set(&c->timeout.timer))
        weir__timeout_cancel(c->client->loop, &c->timeout);
}

/* An idle connection is idle no longer. */
static inline void weir__client_leave_idle(struct weir__client_connection *c)
{
    weir__list_remove(&c->node);
    weir__timeout_list_leave(&c->idle_entry);
    weir__client_stop_timeout(c);
    c->origin->idle_count--;
    c->client->idle_count--;
    weir__client_publish_counts(c->origin);
}

#endif
