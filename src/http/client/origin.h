/* SPDX-License-Identifier: MIT */
/* A slot and a connection of an origin for one request. Threading: as state.h. */
#ifndef WEIR__HTTP_CLIENT_ORIGIN_H
#define WEIR__HTTP_CLIENT_ORIGIN_H

#include "http/client/state.h"

extern const struct weir__slot_share_type weir__origin_slots; /* of the slots of an origin */

/* Takes a connection for one fetch: an idle one that f->kept allows, else a new one. Waits.
 * Returns: 0, the connection belongs to f; as weir_get(). */
int weir__origin_acquire(struct weir__origin *origin, struct weir__fetch *f) WEIR_CHECKED;

/* The parts of which that is made, for backends: */

/* A fetch begins to use an origin; weir__origin_connect() follows. */
void weir__origin_begin(struct weir__origin *origin);

/* Gives a fetch a connection for the slot that was taken: c, or a new one if it is NULL. Waits.
 * Returns: as weir__origin_acquire(); on failure the slot is given back, and the fetch uses the origin no
 * longer. */
int weir__origin_connect(struct weir__origin *origin, struct weir__fetch *f,
                         struct weir__client_connection *c) WEIR_CHECKED;

/* Gives a slot back that was taken and is not used. c: the idle connection that came with it, or NULL; it is
 * closed, because it has lost its place among those that are idle. */
void weir__origin_put_back(struct weir__origin *origin, struct weir__client_connection *c);

/* Takes back weir__origin_begin(): no weir__origin_connect() follows. */
void weir__origin_unbegin(struct weir__origin *origin);

/* Takes an idle connection that f->kept allows, with its slot; closes those that have ended, as far as they
 * are looked at. NULL: there is none. */
struct weir__client_connection *weir__origin_take_idle(struct weir__origin *origin,
                                                       const struct weir__fetch *f);

/* Reports whether f may have a connection that is not idle any more. */
bool weir__origin_suits(struct weir__client_connection *c, const struct weir__fetch *f);

/* The connection of a client that is idle longest of those whose servers do not say how long they keep them,
 * else of the others; there is one. It stays idle. */
struct weir__client_connection *weir__origin_oldest_idle(weir_client *client);

/* Closes the connection of f and makes a new one in its place. Waits.
 * Returns: as weir__origin_acquire(); on failure f has none any more. */
int weir__origin_replace(struct weir__origin *origin, struct weir__fetch *f) WEIR_CHECKED;

/* Counts how a fetch ended, once: with err, or with an answer. To be called while the fetch has its
 * connection, if it had one. */
void weir__origin_ended(struct weir__origin *origin, struct weir__fetch *f, int err);

/* Gives the slot and the connection back. keep: the connection may be used again; else it is closed. */
void weir__origin_release(struct weir__origin *origin, struct weir__fetch *f, bool keep);

/* Makes a stream of the program's from the connection of f, with what has come and was not read.
 * Returns: 0: f has no connection any more; as weir__stream_publish(). */
int weir__origin_give_away(struct weir__origin *origin, struct weir__fetch *f,
                           weir_stream **out) WEIR_CHECKED;

#endif
