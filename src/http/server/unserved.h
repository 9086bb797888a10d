/* SPDX-License-Identifier: MIT */
/* Connections on which no request came: how many, how they ended, and the addresses they came from.
 *
 * Threading: belongs to a loop of the server, which alone writes. Any thread reads the numbers at any moment:
 * they are atomic, and a row that is given to another address meanwhile is recognized by its version.
 *
 * There are rows for the addresses with most such events. When all rows are in use, the one of least weight
 * is given to the new address, which inherits the weight (Metwally, Agrawal, El Abbadi, "Efficient
 * Computation of Frequent and Top-k Elements", 2005). So an address with more than one in WEIR__UNSERVED_ROWS
 * of all events has a row, however many other addresses there are.
 */
#ifndef WEIR__HTTP_SERVER_UNSERVED_H
#define WEIR__HTTP_SERVER_UNSERVED_H

#include <stdatomic.h>

#include <weir/http_server.h>
#include <weir/stream.h>

#include "http/server/clients.h"

enum { WEIR__UNSERVED_ROWS = 64 };

/* What has come on a connection. */
enum weir__stage {
    WEIR__STAGE_SERVED,    /* a request, since it was accepted or since the part of a head that is here */
    WEIR__STAGE_FRESH,     /* nothing */
    WEIR__STAGE_HALF_SENT, /* a part of a head */
};

/* The row of a connection in the stage HALF_SENT. */
struct weir__unserved_place {
    uint16_t row, version; /* both as they were when the stage began */
};

struct weir__unserved_row {
    _Atomic uint64_t version; /* odd: it is being given to another address */
    _Atomic uint64_t bits, family;
    _Atomic uint64_t weight; /* its events, and the weight it inherited */
    _Atomic uint64_t inherited;
    atomic_int half_sent; /* connections in this stage, now */
    _Atomic uint64_t ended[WEIR_UNSERVED_WAYS];
};

struct weir__unserved {
    atomic_int fresh, half_sent; /* connections in these stages, now */
    _Atomic uint64_t ended[WEIR_UNSERVED_WAYS];
    struct weir__unserved_row rows[WEIR__UNSERVED_ROWS];
};

/* A connection, as far as it is counted here. */
struct weir__unserved_connection {
    struct weir__unserved *unserved; /* of its loop */
    unsigned char *stage;            /* enum weir__stage */
    struct weir__unserved_place *place;
    weir_stream *stream;
};

/* A connection begins: its stage is FRESH. */
void weir__unserved_begins(struct weir__unserved_connection c);

/* A part of a head has come, and no more for now. */
void weir__unserved_half_sent(struct weir__unserved_connection c);

/* A whole head has come. */
void weir__unserved_served(struct weir__unserved_connection c);

/* The connection ends. It is counted if no request came, or only a part of a head since the last one. What
 * ends it afterwards is not counted. */
void weir__unserved_ends(struct weir__unserved_connection c, enum weir_unserved way);

/* Adds the numbers of a loop to stats. */
void weir__unserved_read(const struct weir__unserved *u, weir_server_stats *stats);

/* Calls fn for each address of a loop. */
void weir__unserved_each(const struct weir__unserved *u,
                         void (*fn)(void *arg, const weir_server_client *client), void *arg);

#endif
