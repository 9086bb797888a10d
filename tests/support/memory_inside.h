/* SPDX-License-Identifier: MIT */
/* The inside of the network in memory (memory.h): what its files share.
 *
 * Threading: as memory.h.
 *
 *     memory.c           the network: listening, attaching, time, running
 *     memory_end.c       one end of a connection, or a queue: operations, closing
 *     memory_segments.c  bytes on their way from one end to the other
 */
#ifndef TEST_SUPPORT_MEMORY_INSIDE_H
#define TEST_SUPPORT_MEMORY_INSIDE_H

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "core/loop.h"
#include "net/address.h"
#include "net/network.h"
#include "support/memory.h"

/* What is on its way to an end of a connection, or has arrived and was not read. */
enum segment_type { BYTES, END, RESET };

struct segment {
    struct weir__list node; /* in the segments of the end that reads it */
    enum segment_type type;
    bool arrived;
    int64_t at_ns; /* when it arrives */
    size_t used, len;
    char data[];
};

struct memory {
    struct weir__network network;
    struct weir__loop *loop;
    struct memory_options options;
    struct weir__random random;
    struct weir__list ends; /* all there are, queues too */
    uint16_t next_port;
    int next_fd;
    size_t lent;
    int64_t turn_ns; /* of the next turn that the simulation was asked for; INT64_MAX: none */
};

/* One end of a connection, or a queue. */
struct end {
    struct weir__transport transport;
    struct memory *memory;
    struct weir__list node;   /* in memory->ends */
    struct weir__list queued; /* in the waiting of a queue: it has not been accepted */
    int fd;                   /* a number, while the end is attached nowhere; else -1 */
    struct weir__address own, remote;
    struct end *peer; /* NULL: not connected, or the other end is closed */
    struct weir__list segments;
    int64_t last_arrives_ns;
    size_t unread;         /* bytes in segments */
    uint64_t acknowledged; /* bytes of this end that have arrived at the other */
    bool connected;
    bool shut;   /* its own end has been sent */
    bool ended;  /* the end of the other has arrived */
    bool broken; /* a reset has arrived */
    bool resets; /* on close */
    bool doomed; /* something was sent to an end that is closed: a reset is on its way */

    /* accepting is receiving, connecting is sending */
    struct weir__io_op *receiving, *sending, *ending, *watching;
    int64_t connects_ns; /* when the connect that is pending ends */
    int connect_result;
    bool closing, dispatching;
    bool due; /* in this turn */
    struct weir__io_op *closer;
    unsigned undone;            /* operations that are pending, or in finished */
    struct weir__list finished; /* operations whose done() is to be called */
    /* of a queue */
    bool is_queue, stopped, shares_port;
    struct weir__list waiting;
    size_t waiting_count;
};

static inline int64_t memory_now_ns(const struct memory *m)
{
    return weir__loop_now_ns(m->loop);
}

static inline bool memory_chance(struct memory *m, uint32_t per_million)
{
    return weir__random_below(&m->random, 1000000) < per_million;
}

/* --- memory.c --- */

/* Has end_dispatch() called when the end is due. */
void memory_schedule(struct end *e);

struct end *memory_find_queue(struct memory *m, const struct weir__address *at);

in_port_t *memory_port_of(struct weir__address *a);

/* --- memory_end.c --- */

struct end *end_new(struct memory *m);

/* When there is something to do for an end; INT64_MAX: nothing. */
int64_t end_due_ns(const struct end *e);

/* Does what is due. The end may be gone afterwards. */
void end_dispatch(struct end *e);

/* Closes and frees an end that is attached nowhere. */
void end_discard(struct end *e);

/* --- memory_segments.c --- */

/* Puts a segment on its way to e. */
struct segment *segment_put(struct end *e, enum segment_type type, size_t len);

void segments_arrive(struct end *e);

void segments_free(struct end *e);

/* Whether something has arrived and was not read. */
bool segments_are_there(struct end *e);

/* Each returns whether there is a result now. may_be_short: as the options have it. */
bool segments_receive(struct end *e, struct weir__io_op *op, int32_t *result);
bool segments_send(struct end *e, const struct msghdr *msg, bool may_be_short, int32_t *result);

#endif
