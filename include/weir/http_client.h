/* SPDX-License-Identifier: MIT */
/* HTTP/1.1 client: keeps connections to each origin, with a maximum of connections and of waiting requests.
 *
 * Threading: a client belongs to the loop of the task that opened it; the tasks of that loop share it.
 * Clients of several loops share the maximum of connections to an origin.
 *
 * Deadlines and cancellation are those of the scope: no function has a time-out parameter. If weir_get() or
 * weir_fetch() is cancelled in the middle of an exchange, the exchange's connection is closed.
 */
#ifndef WEIR_HTTP_CLIENT_H
#define WEIR_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <weir/attempts.h>
#include <weir/buffer.h>
#include <weir/error.h>
#include <weir/meter.h>
#include <weir/runtime.h>
#include <weir/stream.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_client weir_client;

/* A zero field means its default, given in brackets. */
typedef struct weir_client_options {
    /* Connections to one origin, in use and idle together. All clients of the runtime whose maximum is the
     * same share it: a client may keep max / (2 * loops) of them for itself; the rest goes to the request
     * that has waited longest, on whatever loop [256] */
    int connections_per_origin;
    int waiting_per_origin; /* requests of this client that wait for a connection; more are refused with
                               -WEIR_EBUSY [1024] */
    int origins;          /* that the client remembers; beyond, the one unused longest is forgotten [1024] */
    int idle_connections; /* to all origins together; beyond, the one unused longest is closed [1024] */
    /* A connection that is unused for so long is closed [15 s, which is below what servers grant]. If the
     * server announces how long it keeps the connection (Keep-Alive: timeout=5), the limit is one second
     * less than that instead, at most five minutes. The connection that is unused longest is used first. */
    weir_duration idle_timeout;
    weir_duration connect_timeout; /* of one attempt, with the TLS handshake; the scope's deadline may be
                                      shorter [5 s] */
    size_t head_bytes;             /* of an answer's head: status line and fields [16 KiB, at most 1 MiB] */
    int headers;                   /* fields of an answer [128, at most 1000] */
    uint64_t reply_bytes;          /* of an answer's body, if it is read whole [4 MiB] */
    /* Memory that answers read whole may hold until they are freed, on all loops of the runtime together.
     * An answer that would need more fails with -WEIR_EBUSY [256 MiB]. */
    uint64_t replies_bytes;
    /* For https URLs: a context for the client's side, which the client holds. If it offers protocols (ALPN),
     * http/1.1 must be one of them [the authorities of the system, and no certificate of its own] */
    struct weir_tls *tls;
    bool quiet; /* its origins are neither reported nor logged: they are of interest to the program alone */
    unsigned char reserved[23]; /* for later versions; zero */
} weir_client_options;

typedef struct weir_header {
    const char *name, *value;
} weir_header;

/* A request. A zero field means its default, given in brackets. */
typedef struct weir_fetch_options {
    const char *method; /* [GET] */
    /* "http://host:port/path?query": what the request says, in Host and target; or "https://…": then host is
     * also the name that the server's certificate must be for. With a backend also "/path?query"; then Host
     * says what the backend's options do */
    const char *url;
    /* Where the request is sent, whatever host the URL names: HOST:PORT or "unix:PATH". The scheme of the URL
     * says whether by TLS. Connections are kept by scheme, URL host and address together [the host and port
     * of url] */
    const char *address;
    const char *name; /* of the backend, to which the time of the exchange is charged: a constant, or text
                         that lives as long as the exchange; one name always means one address [the name of
                         backend; without one host:port] */
    const weir_header *headers; /* a Host among them replaces that of url */
    size_t header_count;
    const void *body; /* weir_fetch() only */
    size_t body_bytes;
    /* Fields sent after the body, which is then chunked. weir_fetch_open() sends the names; weir_fetch_end()
     * reads the values, so that they may be computed while the body is sent */
    const weir_header *trailers;
    size_t trailer_count;
    uint64_t
        reply_bytes_max;   /* of the answer's body, if it is read whole [weir_client_options.reply_bytes] */
    size_t head_bytes_max; /* of the answer's head [weir_client_options.head_bytes] */
    int headers_max;       /* of the answer [weir_client_options.headers] */
    bool identity; /* asks for an answer without a content coding; headers must not contain Accept-Encoding
                      then */
    /* weir_fetch_open() only: one task writes the body while another reads the answer. See there */
    bool duplex;
    /* weir_fetch_open() only: asks the server to switch to this protocol, or to one of a list ("websocket",
     * "irc/2.0, foo"). See weir_fetch_upgrade() */
    const char *upgrade;
    /* Sends the request to an instance of this backend, whatever host and scheme the URL has, on one of the
     * backend's connections: see <weir/backend.h>. There is no address then [NULL: the request has its own
     * origin] */
    struct weir_backend *backend;
    const char *balance_key; /* by which WEIR_BALANCE_HASH chooses the instance [none] */
    /* Path and query of the request line, sent as they are instead of those of url: for proxies. Visible
     * ASCII that begins with '/', or "*" [those of url] */
    const char *target;
    const void
        *first; /* weir_fetch_open() only: the beginning of the body, sent with the head in one write */
    size_t first_bytes;
    /* weir_fetch_open() only: set in any case, to NULL or, after a failure, to what weir_reply.why says [not
     * told] */
    const char **why;
    /* weir_fetch_open() only: set in any case, to what weir_reply.attempts says [not told] */
    weir_attempts_made *attempts;
    /* Sends the request at most once, whatever its method; see weir_get(). An error that a connect gives
     * (-ECONNREFUSED, -ENOENT …) then tells that the server has not been sent anything */
    bool once;
    /* With a backend: it does no harm to send the request twice, whatever its method: it may have second
     * attempts, see <weir/backend.h>. Contradicts once */
    bool repeatable;
    /* With a backend: the deadline is one that others have set, as the client of a proxy. That it passes is
     * no failure of the backend then, for its breaker, ejection and limit */
    bool foreign_deadline;
    unsigned char reserved[5]; /* for later versions; zero */
} weir_fetch_options;

/* An answer. In a handler it is freed with the request; elsewhere free it with weir_reply_free(). */
typedef struct weir_reply {
    int status;
    const weir_header *headers;
    size_t header_count;
    const char *body; /* followed by a NUL */
    size_t body_bytes;
    const weir_header *trailers; /* fields after the body; of a stream see weir_fetch_trailers() */
    size_t trailer_count;
    bool coded;      /* the answer has a Content-Encoding */
    const char *why; /* after a failure: what was wrong with the request, the name or the answer, if more is
                        known than the code tells; valid until weir_run() returns; otherwise NULL */
    weir_attempts_made
        attempts; /* of a request to a backend with hedging or retrying; also after a failure */
    /* From the request for a connection, of the first attempt, to the end of the answer, or to its head if
     * that is streamed. Also after a failure; 0: the request was refused here, or its URL */
    weir_duration took;
    void *memory;
    bool lent;              /* the memory is a weir_fetch_stream's */
    unsigned char version;  /* of HTTP, in tenths: 10 or 11 */
    unsigned char instance; /* of a backend, that was asked: weir_instance_stats.number; also after a failure.
                               0: none */
} weir_reply;

/* Opens a client. options NULL: all defaults.
 * Owns:    the caller owns *out and closes it.
 * Returns: 0; -EINVAL; -ENOMEM.
 * Where:   task. Does not wait.
 */
int weir_client_open(const weir_client_options *options, weir_client **out) WEIR_CHECKED;

/* Closes the idle connections and frees the client. No call may be in progress, and every weir_fetch_stream
 * must be closed. NULL does nothing.
 * Cancel:  does not shorten the wait.
 * Where:   task of its loop. Waits.
 */
void weir_client_close(weir_client *client);

/* Sends a GET request and reads the whole answer, whatever its status. Redirects are not followed. A
 * connection is used again only if both messages of each exchange on it ended whole. A request that failed on
 * a kept connection before the first byte of an answer, and within a second, is sent once more, on a new
 * connection, if its method is idempotent (RFC 9110, 9.2.2). Any other request is sent once: of the kept
 * connections it gets the one used last, and only if that is still open when it is asked; it fails if the
 * server closes the connection just then. An answer that arrives while the request is still being sent is
 * read meanwhile. Once that answer is complete, the rest of the request is not sent and the connection is not
 * kept.
 * Owns:    url is lent. reply is filled; see weir_reply.
 * Returns: 0; -EINVAL the URL, and reply->why says what was expected where; -WEIR_EBUSY too many requests
 * wait for a connection, or answers hold too much memory; -WEIR_EDNS the name has no address, or no server
 * says: reply->why says which; the errors of weir_connect(), -ETIMEDOUT also if the TLS handshake did not end
 * in connect_timeout; -WEIR_ETLS it failed, or the connection violated TLS, and reply->why says how
 * ("certificate of db.internal expired 2026-11-02"); -WEIR_ECONFIG the system has no authorities to check
 * servers by;
 * -WEIR_EOPEN, -WEIR_ELIMITED by the breaker or the limit of a backend; -WEIR_EPROTOCOL the answer cannot be
 * parsed; -WEIR_ETRUNCATED, -ECONNRESET the answer broke off: by TLS, also an answer that lasts until the
 * connection ends, if the server does not say that it ends;
 * -WEIR_ETOOLARGE. After a failure reply is empty except for why, attempts, took and instance, and needs no
 * weir_reply_free().
 * Cancel:  ends the wait and closes the connection.
 * Where:   task of its loop. Waits.
 */
int weir_get(weir_client *client, const char *url, weir_reply *reply) WEIR_CHECKED;

/* Like weir_get(), with a method, headers and body. Informational answers (1xx) are skipped.
 * Owns:    everything is lent until the function returns.
 * Returns: as weir_get(); also -EINVAL an option or a header that is not allowed, or an address that is not
 * valid: reply->why says which, or what was expected there. Nothing is connected to then.
 * Cancel:  as weir_get().
 * Where:   task of its loop. Waits.
 */
int weir_fetch(weir_client *client, const weir_fetch_options *options, weir_reply *reply) WEIR_CHECKED;

/* Finds the value of an answer's header. If the header occurs several times, the first value.
 * Returns: NULL if the answer has no such header.
 * Where:   any thread that may read reply.
 */
const char *weir_reply_header(const weir_reply *reply, const char *name);

/* Finds the value of an answer's header, the values of all its occurrences joined by ", ". For headers that
 * are lists (Vary, Via, Cache-Control …); Set-Cookie is none.
 * Owns:    as the answer.
 * Returns: NULL if the answer has no such header, or if there was no memory to join several.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_reply_header_joined(weir_reply *reply, const char *name);

/* Counts memory that was derived from answers towards what answers may hold
 * (weir_client_options.replies_bytes). With bytes 0, only checks that they do not exceed it.
 * Returns: 0; -WEIR_EBUSY there is not enough room: a handler that returns this code answers 503.
 * Where:   task of its loop. Does not wait.
 */
int weir_client_hold(weir_client *client, size_t bytes) WEIR_CHECKED;

/* Ends the counting of memory that weir_client_hold() counted.
 * Where:   task of its loop. Does not wait.
 */
void weir_client_unhold(weir_client *client, size_t bytes);

/* Frees an answer, early or outside a handler. An empty answer is allowed.
 * Where:   task of its loop. Does not wait.
 */
void weir_reply_free(weir_reply *reply);

/* --- requests and answers in pieces --- */

/* An exchange whose request is written and whose answer is read in pieces.
 *
 * One task: weir_fetch_write() …, weir_fetch_head(), weir_fetch_read() … An answer that begins before the
 * whole body was written ends the request: weir_fetch_write() returns 1, and the task reads the answer.
 *
 * Two tasks, with options.duplex: a writing task calls weir_fetch_write() … and weir_fetch_end(); a reading
 * task calls weir_fetch_head() and weir_fetch_read() … The body is written on while the answer is read, so
 * that neither side can block the other, provided the reading task reads. At most one task writes and one
 * reads at a time. The writing task ends at the latest when the reading task has read the whole answer, or
 * found it broken: then weir_fetch_write() and weir_fetch_end() return 1. If the backend stops reading and
 * says nothing, both wait until their scopes are cancelled.
 *
 * If the connection breaks, the reading task gets what had arrived of the answer, then the error; the writing
 * task gets the error, or 1.
 */
typedef struct weir_fetch_stream weir_fetch_stream;

/* Sends the head of a request, and with it options->first, the beginning of its body or all of it.
 * body_length is the number of bytes of the whole body: 0 none, -1 unknown (chunked); weir_fetch_write()
 * sends those behind the beginning. options->body is not used. A request with a body is never sent twice,
 * whatever its method: see weir_get(). One that takes the connection (CONNECT, options->upgrade) gets a new
 * one. Method CONNECT asks the proxy at options->address for a tunnel to the host and port of the URL,
 * without TLS, also if the URL is one of https: weir_stream_start_tls() is for the tunnel.
 * Owns:    options are lent until the function returns, except name, as long as the exchange, and trailers,
 *          until weir_fetch_end(). The caller owns *out and closes it.
 * Returns: as weir_fetch(); -EINVAL also trailers with a body_length other than -1, CONNECT or an upgrade
 * with a body, or a beginning that is longer than the body.
 * Cancel:  as weir_get().
 * Where:   task of its loop. Waits.
 */
int weir_fetch_open(weir_client *client, const weir_fetch_options *options, int64_t body_length,
                    weir_fetch_stream **out) WEIR_CHECKED;

/* Sends a piece of the body.
 * Returns: 0; 1 the backend needs no more: the answer has begun (with duplex: it was read to its end, or
 * broke off). -EINVAL more than announced. -EPIPE, -ECONNRESET: an answer may still be readable. After 1 or
 *          an error nothing more is sent, and every further call returns the same.
 * Cancel:  ends the wait; as after an error.
 * Where:   task of its loop. Waits while the backend does not take the bytes.
 */
int weir_fetch_write(weir_fetch_stream *f, const void *data, size_t bytes) WEIR_CHECKED;

/* Adds a trailer to a chunked request: a field that is sent behind the body, after those of options.trailers,
 * and that the head does not announce. For fields that are known only when the body ends.
 * Owns:    both are copied.
 * Returns: 0; -EINVAL a character that is not allowed, or a name that is not allowed behind a body, or the
 *          body is not chunked; -WEIR_EBUSY the body has ended; -WEIR_ETOOLARGE more than 16 KiB; -ENOMEM.
 * Where:   task of its loop. Does not wait.
 */
int weir_fetch_trailer_add(weir_fetch_stream *f, const char *name, const char *value) WEIR_CHECKED;

/* Ends the body and sends the trailers. Without duplex weir_fetch_head() does it, too.
 * Returns: as weir_fetch_write(); -EINVAL less of the body was written than announced, or the value of a
 *          trailer is not allowed.
 * Cancel:  as weir_fetch_write().
 * Where:   task of its loop. Waits while the backend does not take the bytes.
 */
int weir_fetch_end(weir_fetch_stream *f) WEIR_CHECKED;

/* Waits for the next informational answer (1xx), without ending the body. After a request with the header
 * Expect: 100-continue, this tells whether the body is wanted. Servers that do not know Expect say nothing:
 * wait under a deadline of your own, and then send the body.
 * Owns:    reply is valid until weir_fetch_close().
 * Returns: 1 reply is such an answer: 100, 102, 103 …; 0 the answer itself has begun: weir_fetch_head()
 * returns it without waiting; or as weir_get().
 * Cancel:  ends the wait; the exchange can go on.
 * Where:   task of its loop. Waits.
 */
int weir_fetch_informational(weir_fetch_stream *f, weir_reply *reply) WEIR_CHECKED;

/* Reads the head of the answer into reply, without a body. Without duplex, ends the body first. Informational
 * answers that were not fetched are skipped.
 * Owns:    reply is valid until weir_fetch_close().
 * Returns: as weir_get(); -EINVAL less of the body was written than announced.
 * Cancel:  ends the wait; the exchange can go on.
 * Where:   task of its loop. Waits.
 */
int weir_fetch_head(weir_fetch_stream *f, weir_reply *reply) WEIR_CHECKED;

/* Reads a piece of the answer's body, after weir_fetch_head().
 * Owns:    data is lent.
 * Returns: > 0 bytes; 0 the end; -EINVAL bytes is 0; -WEIR_ETRUNCATED, -WEIR_EPROTOCOL, -ECONNRESET.
 * Cancel:  ends the wait; the exchange can go on.
 * Where:   task of its loop. Waits.
 */
ssize_t weir_fetch_read(weir_fetch_stream *f, void *data, size_t bytes) WEIR_CHECKED;

/* Returns the fields after the answer's body, once weir_fetch_read() has returned 0.
 * Owns:    valid until weir_fetch_close().
 * Returns: an array of *count fields; NULL and 0 if there are none, or the end has not been read.
 * Where:   task of its loop. Does not wait.
 */
const weir_header *weir_fetch_trailers(const weir_fetch_stream *f, size_t *count);

/* Takes over the connection after weir_fetch_head() has returned status 101 to a request with
 * options.upgrade, or 2xx to CONNECT. Bytes that arrived after the head are read from the stream first. The
 * connection no longer counts towards the client's maximum. f remains to be closed.
 * Owns:    the caller owns *out and closes it.
 * Returns: 0; -EINVAL the backend has not switched protocols: read its answer; -ENOMEM, and the connection
 * may be lost.
 * Where:   task of its loop. Does not wait.
 */
int weir_fetch_upgrade(weir_fetch_stream *f, weir_stream **out) WEIR_CHECKED;

/* Ends the exchange and frees f. The connection is kept if everything was sent and read, otherwise closed. No
 * other task may be in a function of f. NULL does nothing.
 * Where:   task of its loop. Does not wait.
 */
void weir_fetch_close(weir_fetch_stream *f);

/* --- statistics of origins, from any thread --- */

/* Reasons why a request got no answer, or a bad one. */
enum weir_origin_error {
    WEIR_ORIGIN_DNS,          /* its name was not found */
    WEIR_ORIGIN_CONNECT,      /* no connection could be made */
    WEIR_ORIGIN_TLS,          /* the TLS handshake failed, or the connection violated TLS */
    WEIR_ORIGIN_CLOSED,       /* the connection broke off */
    WEIR_ORIGIN_BAD_RESPONSE, /* the answer was not valid HTTP */
    WEIR_ORIGIN_TOO_LARGE,    /* the answer was larger than allowed */
    WEIR_ORIGIN_STATUS,       /* the answer had a status of 500 or above */
    WEIR_ORIGIN_BUSY,         /* refused here: too many requests wait for a connection */
    WEIR_ORIGIN_DEADLINE,     /* the caller's deadline passed first */
    WEIR_ORIGIN_CANCELLED,    /* the caller was cancelled */
    WEIR_ORIGIN_OTHER,        /* no memory, no descriptor, no authorities to check servers by */
    WEIR_ORIGIN_ERRORS
};

/* An origin as one client sees it: sums since it was first used (or used again after it had been
 * forgotten), and present values. 7 KiB. */
typedef struct weir_origin_stats {
    const char *origin;        /* "http://127.0.0.1:8101", "https://api:443 at unix:/run/api.sock" */
    int loop;                  /* of the client */
    int in_use, idle, waiting; /* connections in use or being made; unused connections; requests that wait for
                                  a connection */
    uint64_t requests;         /* requests begun */
    uint64_t reused;           /* requests that used a kept connection */
    uint64_t connected;        /* connections made */
    uint64_t errors[WEIR_ORIGIN_ERRORS];
    bool failing;           /* in the judgement of all clients of the runtime together */
    const char *last_error; /* of the latest failure that any of them saw, in words, valid until weir_run()
                               returns; NULL: none */
    weir_instant last_error_at;
    weir_meter
        took; /* from the call to the end of the answer, or to its head if it is streamed. Failed requests
                 count with the time they took; requests that were refused here or cancelled do not count. */
} weir_origin_stats;

/* The log has a line when an origin begins to fail, with the main reason, and another line when the origin
 * works again. An origin fails after three failures in a row; when more than a third of its requests fail
 * for some time; and after the first failure other than a deadline if it has never answered. It works again
 * once it has given three more good answers than failures, or more if its state changed shortly before. The
 * requests of all clients of a runtime to one origin count together. */

/* Calls fn for each origin of each client of a runtime. An origin is reported once for each client that
 * knows it.
 * Owns:    stats is lent to fn, which must not wait, nor open or close clients.
 * Returns: nothing.
 * Where:   any thread while the runtime runs. Does not block its loops.
 */
void weir_origin_each(weir_runtime *runtime, void (*fn)(void *arg, const weir_origin_stats *stats),
                      void *arg);

/* Names a reason, as a label: "dns", "connect", "tls", "closed", "bad_response" …
 * Returns: never NULL.
 * Where:   any thread.
 */
const char *weir_origin_error_name(enum weir_origin_error error);

#ifdef __cplusplus
}
#endif
#endif
