/* SPDX-License-Identifier: MIT */
/* The inside of the HTTP client: what its files share.
 *
 * Threading: a client and all that belongs to it are of one loop. What is said to run on the loop's own stack
 * must not wait.
 *
 *     client.c           options, opening and closing
 *     url_memo.c         URLs that were parsed
 *     origin_table.c     the origins of a client: found, added, forgotten
 *     origin.c           a slot and a connection of an origin for one request
 *     connection.c       one connection: connecting, receiving, idle, closing
 *     secure.c           TLS of connections
 *     fetch.c            requests whose answers are read whole
 *     race.c             requests that may have second attempts
 *     race_attempt.c     … one of these
 *     fetch_stream.c     requests and answers in pieces: opening, closing, taking over the connection
 *     fetch_stream_write.c  … the request's body
 *     fetch_stream_read.c   … the answer
 *     fetch_stream_pump.c   … the answer, for the pump of bodies
 *     fetch_head.c       of a request: what is sent before and behind its body
 *     fetch_place.c      … its place at a backend
 *     fetch_request.c    … sending it
 *     fetch_wait.c       … waiting for its answer
 *     fetch_answer.c     … reading its answer
 *     fetch_trailers.c   … the fields behind the answer's body
 *     reply.c            the memory of answers
 *     origin_stats.c     what is counted of an origin, and read by other threads
 *     origin_health.c    whether an origin works, as all loops see it
 *     origin_error.c     errors of requests, by their type
 *     keep_alive.c       how long a server keeps a connection
 *     labelled.c         blocks of shared memory, found by what they are for
 *
 * Receiving on a connection is never the wait of a task: an await is pending while the connection is idle and
 * while an answer comes. So reusing it costs no system call, and a backend that closes an idle one is seen at
 * once.
 */
#ifndef WEIR__HTTP_CLIENT_STATE_H
#define WEIR__HTTP_CLIENT_STATE_H

#include <weir/http_client.h>
#include <weir/sync.h>

#include "base/arena.h"
#include "core/handle.h"
#include "core/spare.h"
#include "core/task.h"
#include "core/timeout_list.h"
#include "http/client/backend/use.h"
#include "http/client/origin_stats.h"
#include "http/client/url_memo.h"
#include "http/message/body.h"
#include "http/message/head.h"
#include "net/slot_share.h"
#include "net/stream.h"

enum {
    WEIR__CLIENT_BUCKETS = 64,
    WEIR__CLIENT_HEAD_BYTES_MAX = 1 << 20,
    WEIR__CLIENT_HEADERS_MAX = 1000,
    WEIR__REPLY_OVERHEAD_BYTES = 256 << 10,
    WEIR__REPLY_SMALL_BYTES = 16 << 10, /* an answer that takes no more is not refused for want of room */
    WEIR__FETCH_HEAD_ROOM = 768,        /* of a request that needs no memory of its own for its head */
    WEIR__FETCH_STREAM_HEAD_ROOM = 384, /* the same of a stream, which then is small to the allocator */
    WEIR__FETCH_SMALL_PIECE = 1024,     /* bytes of an answer that lie in its own memory */
};

struct weir_client {
    struct weir__handle handle;
    weir_client_options options; /* defaults filled in */
    struct weir__loop *loop;
    struct weir__list origins; /* the one used last comes first */
    struct weir__list buckets[WEIR__CLIENT_BUCKETS];
    int origin_count;
    struct weir__timeout_list idle; /* connections whose server does not say how long it keeps them */
    struct weir__list idle_limited; /* connections whose server does, each with a timer; the oldest first */
    struct weir__spare spare;
    int idle_count;
    int connection_count; /* open or closing */
    bool closing;
    struct weir_tls *tls; /* for https; NULL: the runtime's, as soon as it is needed */
    struct weir__client_stats stats;
    weir_event quiet;                /* set when closing and no connection is left */
    struct weir__http_field *fields; /* room to parse into */
    size_t field_room;
    struct weir__url_memo url_memos[WEIR__URL_MEMOS];
};

struct weir__origin {
    struct weir__list node;   /* in client->origins */
    struct weir__list bucket; /* in one of client->buckets */
    weir_client *client;
    struct weir__slot_share *slots; /* one for each connection, in use or idle: its own, or a backend's */
    struct weir__slot_share own_slots;
    struct weir__list idle; /* connections, the one unused longest first */
    int in_use, idle_count;
    int users; /* tasks that use it: meanwhile it is not forgotten */
    bool gone; /* an instance that its backend does not have any more: no connection is kept */
    struct weir__origin_counts *counts;
    weir_bytes host; /* a part of label */
    uint16_t port;
    const char *address;   /* that the request named; NULL: none. A part of label */
    const char *authority; /* of an instance of a backend: what Host says; else NULL */
    char *tls_name;        /* that the server's certificate must be for; NULL: http, without TLS */
    char *tls_key;         /* for whom sessions of TLS are kept: "NAME at LABEL" */
    const char *label;     /* "127.0.0.1:8101", "api:80 at unix:/run/api.sock"; the last part of waits_for */
    char *waits_for;       /* "an answer from LABEL" */
};

/* Lies behind its stream. */
struct weir__client_connection {
    weir_client *client;
    struct weir__origin *origin;           /* NULL: it is being closed */
    struct weir__list node;                /* in origin->idle */
    struct weir__timeout_entry idle_entry; /* in client->idle, or by its node in client->idle_limited */
    struct weir__timeout timeout; /* in idle_limited: until it is dropped; in use: until the next turn */
    int64_t unused_ns;         /* how long it may lie unused, as its server said last; 0: it said nothing */
    struct weir__fetch *fetch; /* NULL: idle, or being closed */
    int64_t reused_ns;         /* when a request got it that is not its first; 0: none did */
    bool awaiting;
};

/* Which of the kept connections a request may have. */
enum weir__fetch_kept {
    WEIR__KEPT_OLDEST,   /* the one unused longest: the request can be sent again */
    WEIR__KEPT_YOUNGEST, /* the one used last, if it has not ended: the request must not be sent twice */
    WEIR__KEPT_NONE,     /* the request takes its connection over */
};

struct weir__fetch;

/* Is told of an answer as it comes in: for attempts that compete (race.h). */
struct weir__fetch_watch {
    /* A head is here (f->head_done), or one of an informational answer but 100; or nothing more will come
     * (f->ended). On the loop's own stack, or that of the task that waits. */
    void (*see)(struct weir__fetch_watch *watch, struct weir__fetch *f);
};

/* One request on its way. Lies on the stack of its task, or in a weir_fetch_stream. */
struct weir__fetch {
    /* Takes what came in: data, or the end with a result <= 0. On the loop's own stack.
     * Returns: whether more is wanted. */
    bool (*feed)(struct weir__fetch *f, const char *data, int32_t result);
    struct weir__client_connection *connection;
    weir_client *client;
    struct weir__task *waiter;          /* parked until there is news */
    struct weir__stream_write *writing; /* some of the request is on its way out */
    bool news;                          /* came when no task was parked */
    bool streamed;                      /* the body is left to be read, see piece */
    bool duplex;                        /* streamed: an answer is read while the request is written */
    bool upgrades;                      /* the request asks for another protocol */
    bool once;                          /* it is never sent again */
    bool tells_deadline;                /* its head says what is left of the deadline */
    bool foreign_deadline;              /* which is not this side's */
    unsigned char attempt;              /* from 2: its head says that it is not the first; else 0 */
    bool began;                         /* a byte of an answer has come */
    bool head_done, ended;              /* ended: nothing more will come in; err says how */
    bool keep;                          /* the connection may be used again */
    enum weir__fetch_kept kept;
    int err;
    int interims;         /* 1xx answers so far */
    int64_t told_ns;      /* when its head was written, if that tells what is left of a deadline; else 0 */
    const char *why;      /* static: what was wrong with the answer, where that is known */
    const char *host;     /* that a header names; NULL: the URL's */
    weir_reply *interim;  /* streamed: those answers */
    size_t interim_bytes; /* of their heads together */
    char *head;           /* of the request, for as long as it may have to be sent again */
    size_t head_len;
    const char *tail; /* behind the body, in the memory of head */
    size_t tail_len;
    bool head_allocated;
    int headers_max;
    size_t head_bytes_max;
    enum weir__http_method method;
    struct weir__backend_use use;    /* of a request to a backend */
    struct weir__fetch_watch *watch; /* NULL: none */
    uint64_t asked; /* when it first asked for a connection, in ticks; 0: it did not, or its end is counted */
    uint64_t body_max;
    struct weir__arena *memory; /* of the answer; NULL before its first byte */
    char *partial;              /* a head that came in parts */
    size_t partial_len, partial_room;
    struct weir__http_scan scan;
    struct weir__http_body body;
    bool announces_chunks; /* the answer has Transfer-Encoding, also where no body follows */
    int64_t announced;     /* the answer's Content-Length, also where no body follows; -1: none */
    size_t body_room;
    char *trailer_lines; /* of the answer, as they came */
    size_t trailer_len, trailer_room;
    char *piece; /* streamed: bytes that came and were not used */
    size_t piece_at, piece_len;
    bool piece_allocated; /* else it lies in memory */
    weir_reply reply;
};

static inline weir_stream *weir__client_stream(struct weir__client_connection *c)
{
    return weir__stream_of_extra(c);
}

/* Has the task of a fetch look again. */
static inline void weir__fetch_wake(struct weir__fetch *f)
{
    struct weir__task *waiter = f->waiter;

    f->news = waiter == NULL;
    if (waiter == NULL)
        return;
    f->waiter = NULL;
    weir__wake(waiter, 0);
}

#endif
