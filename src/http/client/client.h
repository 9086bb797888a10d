/* SPDX-License-Identifier: MIT */
/* The inside of the HTTP client: what its files share.
 *
 * Threading: a client and all it has belong to one loop. What is said to run on the loop's own stack must not
 * wait.
 *
 *     client.c  options, origins, whole answers
 *     origin.c  the connections to one origin: taking one, waiting for one, keeping it, closing it
 *     fetch.c   one request and its answer on a connection
 *     fetch_stream.c  requests and answers larger than memory
 *     origin_stats.c  what is counted of an origin, and read by others
 *
 * A connection's receiving is never a task's: an await is pending while it is idle and while an answer comes,
 * so reusing it costs no system call, and a backend that closes an idle one is seen at once.
 */
#ifndef WEIR__HTTP_CLIENT_CLIENT_H
#define WEIR__HTTP_CLIENT_CLIENT_H

#include <weir/http_client.h>
#include <weir/sync.h>

#include "base/arena.h"
#include "core/task.h"
#include "http/message/body.h"
#include "http/message/head.h"
#include "http/client/keep_alive.h"
#include "http/client/origin_stats.h"
#include "core/timeout_list.h"
#include "http/message/target.h"
#include "net/stream.h"

struct weir__fetch;

enum {
    WEIR__CLIENT_BUCKETS = 64,
    WEIR__REPLY_OVERHEAD_BYTES = 256 << 10,
    WEIR__REPLY_SMALL_BYTES = 16 << 10, /* an answer that takes no more is not refused for want of room */
    WEIR__FETCH_HEAD_ROOM = 768,        /* of a request that needs no memory of its own for its head */
};

struct weir_client {
    weir_client_options options; /* defaults filled in */
    struct weir__loop *loop;
    struct weir__list origins; /* the one used last comes first */
    struct weir__list buckets[WEIR__CLIENT_BUCKETS];
    int origin_count;
    struct weir__timeout_list idle; /* connections whose server says nothing of how long it keeps them */
    struct weir__list idle_told;    /* and others, each with a timer of its own; the oldest first */
    int idle_count;
    int connection_count; /* open or closing */
    bool closing;
    struct weir__origin_book book;
    weir_event quiet;                 /* set when closing and no connection is left */
    struct weir__http_field fields[]; /* room to parse into: options.headers */
};

struct weir__origin {
    struct weir__list node;   /* in client->origins */
    struct weir__list bucket; /* in one of client->buckets */
    weir_client *client;
    struct weir__list idle; /* connections, the one used last first */
    weir_semaphore slots;   /* one for each connection that may be in use */
    int in_use, idle_count; /* together at most connections_per_origin */
    int waiting;            /* tasks that wait for a slot */
    int users;              /* tasks inside: it can't be forgotten */
    struct weir__origin_counts *counts;
    weir_bytes host; /* a part of address */
    uint16_t port;
    char *waits_for;     /* "an answer from 127.0.0.1:8101" */
    const char *address; /* the last part of waits_for */
};

/* Lies behind its stream. */
struct weir__client_connection {
    weir_client *client;
    struct weir__origin *origin;        /* NULL: it is being closed */
    struct weir__list node;             /* in origin->idle */
    struct weir__timeout_entry patient; /* in client->idle, or by its node in client->idle_told */
    struct weir__timeout timeout;       /* in idle_told: until it is dropped; in use: until the next turn */
    int64_t unused_ns;         /* how long it may lie unused, as its server said last; 0: it said nothing */
    struct weir__fetch *fetch; /* NULL: idle, or being closed */
    bool awaiting;
    bool reused;
};

/* One request on its way. Lies on the stack of its task, or in a weir_fetch_stream. */
struct weir__fetch {
    struct weir__client_connection *connection;
    weir_client *client;
    struct weir__task *waiter;          /* parked until there is news */
    struct weir__stream_write *writing; /* some of the request is on its way out */
    bool news;                          /* came when nobody was parked */
    bool streamed;                      /* the body is left to be read, see piece */
    bool both_ways;                     /* streamed: an answer is read while the request is written */
    bool began;                         /* a byte of an answer has come */
    bool head_done, ended;              /* ended: nothing more will come in; err says how */
    bool keep;                          /* the connection may be used again */
    int err;
    const char *words; /* static: what was wrong with the answer, where that is known */
    int interims;      /* 1xx answers so far */
    char *head;        /* of the request, for as long as it may have to be sent again */
    size_t head_len;
    bool head_allocated;
    enum weir__http_method method;
    uint64_t asked; /* when it first asked for a connection, in ticks; 0: it did not, or its end is counted */
    uint64_t body_max;
    struct weir__arena *memory; /* of the answer; NULL before its first byte */
    char *partial;              /* a head that came in parts */
    size_t partial_len, partial_room;
    struct weir__http_scan scan;
    struct weir__http_body body;
    size_t body_room;
    char *piece; /* streamed: bytes that came and were not used */
    size_t piece_at, piece_len;
    weir_reply reply;
};

static inline weir_stream *weir__client_stream(struct weir__client_connection *c)
{
    return weir__stream_of_extra(c);
}

/* client.c */

/* Whether answers may take so much more. */
bool weir__client_has_room(const weir_client *client, size_t bytes);

/* How the backend is called in the ledger of what the running task works for: as the caller says, else by its
 * address; NULL when there is no such ledger. */
const char *weir__client_blame_name(const weir_fetch_options *options, const struct weir__origin *origin);

/* A URL as the client needs it. Returns: 0, or -EINVAL. */
int weir__client_url(const char *text, struct weir__http_url *url) WEIR_CHECKED;
/* Returns: 0; -ENOMEM; -WEIR_EBUSY every origin that could be forgotten is in use. */
int weir__client_origin(weir_client *client, const struct weir__http_url *url,
                        struct weir__origin **out) WEIR_CHECKED;

/* origin.c */

/* A connection for one fetch: an idle one, unless fresh; else a new one. Waits.
 * Returns: 0, the connection belongs to f; as weir_get(). */
int weir__origin_acquire(struct weir__origin *origin, struct weir__fetch *f, bool fresh) WEIR_CHECKED;
/* Closes the connection of f and makes a new one in its place. Waits.
 * Returns: as weir__origin_acquire(); on failure f has none any more. */
int weir__origin_replace(struct weir__origin *origin, struct weir__fetch *f) WEIR_CHECKED;
/* Counts how it ended, once: with err, or an answer. While it has its connection still, if it had one. */
void weir__origin_ended(struct weir__origin *origin, struct weir__fetch *f, int err);
/* Ends it: the connection, if any, is kept when keep, else closed. */
void weir__origin_release(struct weir__origin *origin, struct weir__fetch *f, bool keep);
/* More is wanted from the connection of a fetch, unless that is asked for already. When very much comes at
 * once the fetch is woken to ask again. */
void weir__client_await(struct weir__client_connection *c);
void weir__origin_free(struct weir__origin *origin);
/* Closes its idle connections. */
void weir__origin_close_idle(struct weir__origin *origin);
void weir__client_idle_exhausted(struct weir__timeout_entry *p);

/* fetch.c */

void weir__fetch_init(struct weir__fetch *f, weir_client *client, const weir_fetch_options *options,
                      bool streamed);
/* Writes the head of the request, into small (WEIR__FETCH_HEAD_ROOM bytes that live as long as f; or NULL)
 * when it fits. body_length: what the head says of the body, -1 chunked. Returns: 0; -EINVAL; -ENOMEM. */
int weir__fetch_write_head(struct weir__fetch *f, const weir_fetch_options *options,
                           const struct weir__http_url *url, int64_t body_length, char *small) WEIR_CHECKED;
/* Frees what that took. */
void weir__fetch_free_head(struct weir__fetch *f);
/* Sends the head and the body behind it. Waits.
 * Returns: 0; 1 it was given up, because what came in makes it useless; as weir_write_pieces(). */
int weir__fetch_send(struct weir__fetch *f, const void *body, size_t body_bytes) WEIR_CHECKED;
/* The same with pieces. */
int weir__fetch_write(struct weir__fetch *f, struct iovec *pieces, size_t count) WEIR_CHECKED;
/* What is still on its way out is of no more use. */
void weir__fetch_stop_writing(struct weir__fetch *f);
/* Whether what failed with err, or ended so, was lost by a connection kept too long, and may be sent once
 * more: weir__origin_replace(), weir__fetch_restart(), weir__fetch_send(). */
bool weir__fetch_is_stale(const struct weir__fetch *f, int err);
void weir__fetch_restart(struct weir__fetch *f);
/* Has the waiter look again. */
void weir__fetch_wake(struct weir__fetch *f);
/* Waits for news since the last wait; asks for more of the answer when nobody has. Returns: 0; the cause of a
 * cancel. */
int weir__fetch_wait(struct weir__fetch *f) WEIR_CHECKED;
/* Something came in: data, or the end with a result <= 0. True: more is wanted. On the loop's own stack. */
bool weir__fetch_feed(struct weir__fetch *f, const char *data, int32_t result);
/* A whole answer is there: what its body does not need is given back. */
void weir__fetch_trim_body(struct weir__fetch *f);
/* Frees what came of an answer that is not wanted. */
void weir__fetch_drop_reply(struct weir__fetch *f);

#endif
