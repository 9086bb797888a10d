/* SPDX-License-Identifier: MIT */
/* Connections on which no request came: how they ended, and from where they were.
 *
 * Threading: belongs to a loop of the server, which alone writes. Any thread reads the numbers at any moment:
 * they are atomic, and a row that is given to another address meanwhile is seen by its version.
 *
 * The rows are those of the addresses with most such events, as far as their number allows: when all are in
 * use, the least one goes, and the new one begins with its weight (Metwally, Agrawal, El Abbadi, "Efficient
 * Computation of Frequent and Top-k Elements", 2005). So an address that comes up more often than one in
 * WEIR__UNSERVED_ROWS times has a row, however many others there are.
 */
#ifndef WEIR__HTTP_SERVER_UNSERVED_H
#define WEIR__HTTP_SERVER_UNSERVED_H

#include <stdatomic.h>

#include <weir/http_server.h>

#include "http/server/clients.h"

struct weir__connection;

enum { WEIR__UNSERVED_ROWS = 64 };

/* What has come on a connection. */
enum weir__stage {
    WEIR__STAGE_SERVED,    /* a request, since it was accepted or since the part of a head that is here */
    WEIR__STAGE_FRESH,     /* not a byte */
    WEIR__STAGE_HALF_SENT, /* a part of a head */
};

/* Of a connection with half a head: where its address stands. */
struct weir__unserved_place {
    uint16_t row, version; /* both as they were then */
};

struct weir__unserved_row {
    _Atomic uint64_t version; /* odd: it is being given to another */
    _Atomic uint64_t bits, family;
    _Atomic uint64_t weight;    /* of what happened, and what it began with */
    _Atomic uint64_t inherited; /* the latter */
    atomic_int half_sent;       /* now */
    _Atomic uint64_t ended[WEIR_UNSERVED_WAYS];
};

struct weir__unserved {
    atomic_int fresh, half_sent; /* connections, now */
    _Atomic uint64_t ended[WEIR_UNSERVED_WAYS];
    struct weir__unserved_row rows[WEIR__UNSERVED_ROWS];
};

/* A connection begins: nothing has come. */
void weir__unserved_begins(struct weir__connection *c);

/* It has sent a part of a head, and no more for now. */
void weir__unserved_half_sent(struct weir__connection *c);

/* A head is whole. On the path of every request: see weir__connection_is_served(). */
void weir__unserved_served(struct weir__connection *c);

/* It ends, without a request if none has come; then so. What ends afterwards is not counted again. */
void weir__unserved_ends(struct weir__connection *c, enum weir_unserved way);

/* Adds the numbers of a loop. */
void weir__unserved_read(const struct weir__unserved *u, weir_server_stats *stats);

/* Calls fn for each address of a loop. */
void weir__unserved_each(const struct weir__unserved *u,
                         void (*fn)(void *arg, const weir_server_client *client), void *arg);

#endif
