/* SPDX-License-Identifier: MIT */
/* HTTP/1.1 client: connections kept for each origin, with an end to how many and how long one waits for one.
 *
 * Threading: a client belongs to the loop of the task that made it; the tasks of that loop share it.
 *
 * Deadlines and cancel are the scope's: there is no time-out parameter anywhere. When a wait is cancelled in
 * the middle of an exchange its connection is closed.
 */
#ifndef WEIR_HTTP_CLIENT_H
#define WEIR_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <weir/buffer.h>
#include <weir/error.h>
#include <weir/meter.h>
#include <weir/runtime.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_client weir_client;

/* Zero: the default in brackets. */
typedef struct weir_client_options {
    int connections_per_origin; /* in use and idle together [256] */
    int waiting_per_origin;     /* for one of them; more are refused with -WEIR_EBUSY [1024] */
    int origins;                /* remembered; the one unused longest is forgotten [1024] */
    int idle_connections;       /* kept in all; beyond, the one unused longest is closed [1024] */
    /* A connection unused so long is closed [15 s, below what servers grant]. When its server says how long
     * it keeps it (Keep-Alive: timeout=5), that counts in its place, a second less, at most five minutes. */
    weir_duration idle_timeout;
    weir_duration connect_timeout; /* for one attempt, when the scope grants more [5 s] */
    size_t head_bytes;             /* of an answer, line and fields [16 KiB, at most 1 MiB] */
    int headers;                   /* fields of an answer [128, at most 1000] */
    uint64_t reply_bytes;          /* of an answer's body, when it is read whole [4 MiB] */
    /* Every connection goes there, whatever host the URLs name: "unix:PATH" or HOST:PORT [where they say];
     * lent until the client is closed. */
    const char *connect_to;
    /* What the answers that were read whole, on all loops of the runtime together, may hold until they are
     * freed: one that would need more fails with -WEIR_EBUSY [256 MiB]. */
    uint64_t replies_bytes;
} weir_client_options;

typedef struct weir_header {
    const char *name, *value;
} weir_header;

typedef struct weir_fetch_options {
    const char *method; /* NULL: GET */
    const char *url;    /* "http://host:port/path?query" */
    const char *name;   /* of the backend, where the time of an exchange is accounted for: a constant, or text
                           that lives as long as the exchange; one name is one address. NULL: host:port */
    const weir_header *headers;
    size_t header_count;
    const void *body;
    size_t body_bytes;
    uint64_t reply_bytes_max; /* 0: the client's */
    bool identity;            /* asks for an answer without a content coding; headers say nothing of it */
} weir_fetch_options;

/* What came back. In a handler it goes with the request; elsewhere weir_reply_free() it. */
typedef struct weir_reply {
    int status;
    const weir_header *headers;
    size_t header_count;
    const char *body; /* NUL-terminated behind its end */
    size_t body_bytes;
    bool coded;      /* it has a Content-Encoding */
    const char *why; /* of a failure: what was wrong with the answer, where more is known than the code says;
                        static */
    void *memory;
} weir_reply;

/* Makes a client. options NULL: all defaults.
 * Owns:    the caller owns *out and closes it.
 * Returns: 0; -EINVAL; -ENOMEM.
 * Where:   task. Does not wait.
 */
int weir_client_open(const weir_client_options *options, weir_client **out) WEIR_CHECKED;

/* Closes its idle connections and frees it; no call may be under way. NULL is nothing.
 * Cancel:  does not cut it short.
 * Where:   task of its loop. Waits.
 */
void weir_client_close(weir_client *client);

/* Asks with GET and reads the whole answer, of whatever status. Redirects are not followed.
 * Owns:    url is lent. reply is filled; see weir_reply.
 * Returns: 0; -EINVAL the URL; -WEIR_EBUSY too many wait for a connection; -WEIR_EDNS; the errors of
 *          weir_connect(); -WEIR_EPROTOCOL the answer can't be understood; -WEIR_ETRUNCATED, -ECONNRESET it
 *          broke off; -WEIR_ETOOLARGE. On any failure reply is empty but for why, and needs no
 *          weir_reply_free().
 * Cancel:  ends the wait and closes the connection.
 * Where:   task of its loop. Waits. A request that a kept connection lost before any byte of an answer is
 *          sent once more, on a fresh one, when its method is idempotent (RFC 9110, 9.2.2).
 * An answer that comes while the request is still being sent is read meanwhile; once it has come whole, the
 * rest of the request is not sent, and the connection not kept.
 */
int weir_get(weir_client *client, const char *url, weir_reply *reply) WEIR_CHECKED;

/* The same with a method, headers and body of your own.
 * Owns:    all is lent until it returns.
 * Returns: as weir_get(); -EINVAL a header that may not be, too.
 * Cancel:  as weir_get().
 * Where:   task of its loop. Waits.
 */
int weir_fetch(weir_client *client, const weir_fetch_options *options, weir_reply *reply) WEIR_CHECKED;

/* The value of a header of an answer, the first when it stands several times.
 * Returns: NULL when it is not there.
 * Where:   any thread that may read reply.
 */
const char *weir_reply_header_value(const weir_reply *reply, const char *name);

/* Counts memory that something made of answers takes among what they hold, see replies_bytes. With bytes 0:
 * asks whether there is any room.
 * Returns: 0; -WEIR_EBUSY there is not so much, and a handler that returns this answers 503.
 * Where:   task of its loop. Does not wait.
 */
int weir_client_hold(weir_client *client, size_t bytes) WEIR_CHECKED;

/* It is freed.
 * Where:   task of its loop. Does not wait.
 */
void weir_client_unhold(weir_client *client, size_t bytes);

/* Frees what came back, early or outside a handler. An empty one is nothing.
 * Where:   task of its loop. Does not wait.
 */
void weir_reply_free(weir_reply *reply);

/* --- answers larger than memory --- */

typedef struct weir_fetch_stream weir_fetch_stream;

/* Sends the head of a request; body_length: of what weir_fetch_write() will bring, 0 none, -1 unknown
 * (chunked). options->body is not used. A request with a body can't be sent once more, so it gets a fresh
 * connection.
 * Owns:    the caller owns *out and closes it.
 * Returns: as weir_fetch().
 * Cancel:  as weir_get().
 * Where:   task of its loop. Waits.
 */
int weir_fetch_open(weir_client *client, const weir_fetch_options *options, int64_t body_length,
                    weir_fetch_stream **out) WEIR_CHECKED;

/* Sends a piece of the body.
 * Returns: 0; 1 an answer has begun before all was written, so no more is: read it (weir_fetch_head()). Or,
 *          when another task reads it, it has ended; -EINVAL more than announced; -EPIPE, -ECONNRESET: an
 *          answer may still be there to read.
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the backend does not take it.
 */
int weir_fetch_write(weir_fetch_stream *f, const void *data, size_t bytes) WEIR_CHECKED;

/* Ends the body: for who has another task read the answer. weir_fetch_head() does it, too.
 * Returns: as weir_fetch_write(); -EINVAL less of the body was written than announced.
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the backend does not take it.
 */
int weir_fetch_end(weir_fetch_stream *f) WEIR_CHECKED;

/* Ends the body and reads the head of the answer into reply, without a body.
 * Owns:    reply lives until weir_fetch_close().
 * Returns: as weir_get(); -EINVAL less of the body was written than announced.
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits.
 */
int weir_fetch_head(weir_fetch_stream *f, weir_reply *reply) WEIR_CHECKED;

/* The same while another task writes the body, and ends it: so what a backend answers while it still reads
 * can't hold up either side. Called before that task writes, or a write may give up for this answer.
 * Owns:    as weir_fetch_head().
 * Returns: as weir_fetch_head(), but for -EINVAL.
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits.
 */
int weir_fetch_head_meanwhile(weir_fetch_stream *f, weir_reply *reply) WEIR_CHECKED;

/* Reads a piece of the answer's body.
 * Owns:    data is lent.
 * Returns: > 0 bytes; 0 the end; -WEIR_ETRUNCATED, -WEIR_EPROTOCOL, -ECONNRESET.
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits.
 */
ssize_t weir_fetch_read(weir_fetch_stream *f, void *data, size_t bytes) WEIR_CHECKED;

/* Ends it: the connection is kept when all was read, else closed. NULL is nothing.
 * Cancel:  does not cut it short; it takes at most a turn of the loop.
 * Where:   task of its loop. Waits.
 */
void weir_fetch_close(weir_fetch_stream *f);

/* --- looking at origins, from any thread --- */

/* Why a request got no answer, or not a good one. */
enum weir_origin_error {
    WEIR_ORIGIN_DNS,          /* its name was not found */
    WEIR_ORIGIN_CONNECT,      /* no connection could be made */
    WEIR_ORIGIN_CLOSED,       /* the connection broke off */
    WEIR_ORIGIN_BAD_RESPONSE, /* what came was no HTTP */
    WEIR_ORIGIN_TOO_LARGE,    /* the answer was */
    WEIR_ORIGIN_STATUS,       /* it was answered, with 500 or above */
    WEIR_ORIGIN_BUSY,         /* refused here: too many wait for a connection */
    WEIR_ORIGIN_DEADLINE,     /* the deadline of whoever asked came first */
    WEIR_ORIGIN_CANCELLED,    /* whoever asked had no more use for it */
    WEIR_ORIGIN_OTHER,        /* no memory, no descriptor */
    WEIR_ORIGIN_ERRORS
};

/* One origin as one client sees it: sums since it was first asked (or asked again, when it had been
 * forgotten), and what is now. 7 KiB. */
typedef struct weir_origin_stats {
    const char *origin; /* "http://127.0.0.1:8101" */
    int loop;           /* of the client */
    int in_use, idle,
        waiting;        /* connections in use or being made, and unused ones; requests that wait for one */
    uint64_t requests;  /* begun */
    uint64_t reused;    /* that went over a connection kept from before */
    uint64_t connected; /* connections made */
    uint64_t errors[WEIR_ORIGIN_ERRORS];
    bool failing;           /* as all clients of the runtime together see it */
    const char *last_error; /* of the latest failure seen by any of them, in words that stay; NULL: none */
    weir_instant last_error_at;
    weir_meter took; /* from the call to the end of the answer, to its head when it is streamed; requests that
                        failed count as long as they took, but those refused here or cancelled don't */
} weir_origin_stats;

/* An origin that begins to fail is told of in the log, once, with the main reason, and once more when it is
 * back: three failures in a row, or more than a third for some time, against three good answers, more when it
 * keeps changing. What the clients of a runtime see of one origin counts together. */

/* Calls fn for each origin of each client of a runtime. The same origin comes once for each client that knows
 * it.
 * Owns:    stats is lent to fn, which must not wait, nor open or close clients.
 * Returns: nothing.
 * Where:   any thread while the runtime runs. Does not hold up its loops.
 */
void weir_origin_each(weir_runtime *runtime, void (*fn)(void *arg, const weir_origin_stats *stats),
                      void *arg);

/* The word for a kind of error, as a label: "dns", "connect", "closed", "bad_response" …
 * Returns: never NULL.
 * Where:   any thread.
 */
const char *weir_origin_error_name(enum weir_origin_error error);

#ifdef __cplusplus
}
#endif
#endif
