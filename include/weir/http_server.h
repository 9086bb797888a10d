/* SPDX-License-Identifier: MIT */
/* HTTP/1.1 server: routes, handlers, and what they read and answer (RFC 9110, RFC 9112).
 *
 * Threading: a handler runs as a task on the loop of its connection. A request and its response belong to
 * that task and the tasks of its scope; they are gone when the handler returns. Options, routes and their
 * data are read by all loops and must not change while the server runs. `state` is what setup made on this
 * loop: no other loop touches it.
 *
 * The scope: each handler runs in a scope of its own. When the client leaves, that scope is cancelled, and
 * with it all that the handler started.
 */
#ifndef WEIR_HTTP_SERVER_H
#define WEIR_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <weir/buffer.h>
#include <weir/charge.h>
#include <weir/error.h>
#include <weir/runtime.h>
#include <weir/time.h>
#include <weir/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_request weir_request;
typedef struct weir_response weir_response;

/* Answers one request. Returns 0, or a negative code: when nothing was answered yet the client gets the
 * status that weir_reply_error() gives for it; when an answer had begun its connection is broken, visibly. */
typedef int weir_handler(weir_request *req, weir_response *res, void *state);

enum { WEIR_PARAMS_MAX = 8 };
#define WEIR_NO_RATE UINT64_MAX

/* Zero: the default in brackets. */
typedef struct weir_limits {
    size_t head_bytes;          /* of a request, line and fields [16 KiB] */
    int headers;                /* fields of a request [100] */
    uint64_t body_bytes;        /* of a request [1 MiB] */
    uint64_t reply_bytes;       /* of a backend's answer [4 MiB] */
    weir_duration head_timeout; /* for a whole head, from its first byte [10 s] */
    weir_duration idle_timeout; /* between requests, and while a body or a reply makes no progress [60 s] */
    /* Bytes a second at which a client must at least send a body, on average, once we have waited 10 s for it
     * to; and take an answer, once we have waited for that as long, and idle_timeout. WEIR_NO_RATE: none
     * [256] */
    uint64_t body_rate_bytes;
    /* In all. Beyond, the one that has been idle longest is closed for a new one; while none is, they wait to
     * be accepted [10000] */
    int connections;
    /* Of one address, or of one network (/64) of IPv6 ones: more are answered 503 and closed. Unix sockets
     * have none [0: any number] */
    /* When there are as many connections as there may be, the one idle longest makes room for a new one. So
     * that one is taken in any case: else one that for half a second has sent nothing of its head, or taken
     * nothing of its answer, else the oldest. */
    bool always_room;
    int connections_per_client;
    int exchanges; /* in all; more are refused with 503 [2000] */
} weir_limits;

typedef struct weir_route {
    const char *path;    /* "/a/b", "/users/{id}", "/files/" then a star for all below */
    const char *methods; /* "GET POST"; NULL: all. GET answers HEAD too. */
    weir_handler *handler;
    void *data;              /* the route's own, immutable; weir_request_data() */
    uint64_t body_bytes_max; /* 0: as the server's limits say */
    bool vital;              /* answered also where others are refused for want of room: health checks */
} weir_route;

/* One exchange that has ended, for logs and metrics. All it points to lives until the callback returns. */
typedef struct weir_exchange_record {
    const weir_request *request; /* for weir_request_peer(), weir_request_trace() and the like */
    const char *method, *target; /* "" when the head was not understood */
    const char *route;           /* the pattern, or "" when none matched */
    void *data;                  /* the route's own; NULL when none matched */
    void *state;                 /* what setup made on this loop */
    const void *note;            /* of weir_request_note(); NULL: none */
    int status;                  /* 0: the client left before an answer began */
    const char *refused; /* why it was refused: one of the reasons of weir_refusal_at(); NULL: it was not */
    bool complete;       /* the whole answer went out */
    uint64_t request_bytes, reply_bytes; /* of the bodies */
    weir_duration took;                  /* from the first byte of the head to the last of the answer */
} weir_exchange_record;

/* Where the time of an exchange that has ended went, in no order: the shares add up to what it took.
 * Owns:    names live as long as the record.
 * Returns: how many were written to out; 0: no ledger was kept.
 * Where:   in on_exchange. Does not wait. It is worked out each time it is asked for.
 */
size_t weir_exchange_charges(const weir_exchange_record *record, weir_charge out[WEIR_CHARGES_MAX]);

/* What a client is told beside a limit it has passed, for whoever can change it. NULL: as they are called in
 * weir_limits. */
typedef struct weir_limit_names {
    const char *head, *headers, *body, *head_timeout, *idle_timeout, *body_rate;
} weir_limit_names;

typedef struct weir_server_options {
    const char *listen;                    /* an address, see <weir/stream.h> */
    const char *const *listens;            /* or several, NULL-terminated */
    int loops;                             /* weir_serve() only; 0: weir_cpu_count() */
    enum weir_io io;                       /* weir_serve() only */
    bool log_json;                         /* weir_serve() only; as in weir_options */
    enum weir_log_level log_level;         /* the same */
    const struct weir_pool_options *pools; /* weir_serve() only; as in weir_options */
    size_t pool_count;
    weir_duration stall_after; /* weir_serve() only; so are the next two; as in weir_options */
    enum weir_stall_then stall_then;
    void (*on_stall)(void *arg, const struct weir_stall *stall);
    weir_limits limits;
    weir_limit_names limit_names;
    weir_duration drain; /* how long exchanges may take to end; 0: 30 s. Idle connections may be used once
                            more for 5 s of it at most */
    void *(*setup)(void *arg);     /* once on each loop, before it accepts; NULL result: the server stops */
    void (*teardown)(void *state); /* once on each loop, after its last exchange */
    void (*on_listening)(void *arg,
                         const char *address); /* for each address, once connections are accepted */
    void (*on_exchange)(void *arg,
                        const weir_exchange_record *record); /* on the loop of the exchange; must not wait */
    /* Where the time of each exchange went is known to on_exchange, unless this is set: to measure what it
     * costs. */
    bool ledger_off;
    bool server_timing;          /* tell clients, too, by a Server-Timing header: it names backends */
    void (*on_drain)(void *arg); /* a drain begins: on the first loop to hear of it; must not wait */
    /* weir_serve() only: SIGHUP, SIGUSR1 or SIGUSR2 has come; on a thread of its own. NULL: SIGHUP drains as
     * SIGTERM does, the others are logged and do nothing, and those for which the program has something else
     * in force than the default stay as they are. */
    void (*on_signal)(void *arg, int number);
    void *arg; /* of the callbacks */
} weir_server_options;

/* Runs a whole service: loops, signals, server. SIGTERM and SIGINT drain, a second one cancels what is left
 * at once. What has not ended a second after the drain's time, or half a second after the second signal (a
 * handler that computes for ever, a job that hears no cancel), is named in the log, and the process ends by
 * _exit(0): no teardown, no atexit().
 * Owns:    all is lent until it returns.
 * Returns: 0 after a drain; -EBUSY one of the signals is being caught already; -EINVAL, -WEIR_ECONFIG a
 * route's path or the options; the errors of weir_run() and weir_listen().
 * Where:   a thread that is no loop, usually main().
 */
int weir_serve(const weir_server_options *options, const weir_route *routes, size_t route_count) WEIR_CHECKED;

/* The same inside a runtime of yours: serves on all its loops until the scope is cancelled, then drains under
 * a shield of its own, and returns when the last exchange has ended: what hears no cancel keeps it for as
 * long as it takes, and a loop that is held when the scope is cancelled drains when it comes round.
 * Owns:    all is lent until it returns.
 * Returns: -WEIR_ECANCELED or -WEIR_EDEADLINE after a drain; else as weir_serve().
 * Cancel:  begins the drain; what is left after options->drain is cancelled.
 * Where:   task. Waits.
 */
int weir_server_run(const weir_server_options *options, const weir_route *routes,
                    size_t route_count) WEIR_CHECKED;

/* --- looking at servers, from any thread --- */

/* What a refusal speaks of. */
enum weir_refusal_kind {
    WEIR_REFUSAL_LOAD,     /* too much to do: the service sheds load */
    WEIR_REFUSAL_SLOWNESS, /* the client was too slow */
    WEIR_REFUSAL_FAULT,    /* the request is none, or for nobody */
};

typedef struct weir_refusal {
    const char *reason; /* a token of lower-case letters and '_' */
    enum weir_refusal_kind kind;
} weir_refusal;

/* The reasons for which a request can be refused, by the server ("exchanges" and "queueing", see weir_limits;
 * else the code in the answer) or on behalf of its handler, by weir_reply_error() ("pool_full", "pool_wait",
 * "pool_deadline", "pool_late": its job found no place or no worker in time). For a client that is too slow:
 * "timeout" (its head took head_timeout, or nothing of a body came for idle_timeout), "body_rate", "unread"
 * (nothing of the answer was taken for idle_timeout, or too little). "replies": answers of backends hold as
 * much as they may (weir_client_options). They don't change while a program runs; the last is "other".
 * Owns:    static.
 * Returns: NULL when there are not so many.
 * Where:   any thread.
 */
const weir_refusal *weir_refusal_at(size_t i);

/* How a connection ended on which no request came, or the last came only in part. */
enum weir_unserved {
    WEIR_UNSERVED_HEAD_TIMEOUT, /* a head was not whole within head_timeout */
    WEIR_UNSERVED_IDLE_TIMEOUT, /* not a byte came within idle_timeout */
    WEIR_UNSERVED_CLOSED,       /* the client closed it */
    WEIR_UNSERVED_RESET,        /* it broke */
    WEIR_UNSERVED_MADE_ROOM,    /* idle, it was closed in favour of a new one */
    WEIR_UNSERVED_CLIENT_LIMIT, /* its client had as many as it may have */
    WEIR_UNSERVED_MEMORY,       /* there was none */
    WEIR_UNSERVED_DRAINED,      /* the server ended */
    WEIR_UNSERVED_WAYS
};

/* "head_timeout" …
 * Owns:    static.
 * Returns: never NULL.
 * Where:   any thread.
 */
const char *weir_unserved_name(enum weir_unserved way);

/* Sums since the servers began, and what is now. */
typedef struct weir_server_stats {
    int connections, exchanges; /* now: accepted and not closed; under way */
    int fresh, half_sent; /* of the connections: those that have sent nothing yet, or a part of a head */
    uint64_t accepted;    /* connections */
    uint64_t turned_away; /* for want of memory, before there was an exchange to record */
    uint64_t unserved[WEIR_UNSERVED_WAYS]; /* connections, by how they ended */
} weir_server_stats;

/* One of the addresses from which most connections without a request come. */
typedef struct weir_server_client {
    const char *address; /* "192.0.2.1"; of IPv6 the network: "2001:db8:0:1::/64"; "unix"; "?" */
    int half_sent;       /* its connections that have sent a part of a head, now */
    uint64_t unserved[WEIR_UNSERVED_WAYS]; /* since it is kept count of */
    uint64_t
        inherited; /* at most so many more before that: of those that had to make room for it, or of it */
} weir_server_client;

/* Calls fn for those addresses, 64 on each loop at most: whoever makes more than one in 64 of such
 * connections is among them. The same address comes once for each loop that knows it.
 * Owns:    what fn is given is lent until it returns.
 * Returns: nothing.
 * Where:   any thread while the runtime runs. Does not hold up its loops.
 */
void weir_server_clients_each(weir_runtime *runtime, void (*fn)(void *arg, const weir_server_client *client),
                              void *arg);

/* Adds up the servers that serve on a runtime: all zero when none does.
 * Owns:    stats is the caller's.
 * Returns: nothing.
 * Where:   any thread while the runtime runs. Does not hold up its loops.
 */
void weir_server_read(weir_runtime *runtime, weir_server_stats *stats);

/* Lets the servers of a runtime have fewer requests in progress than their limit, for now: one beyond is
 * refused with 503 at its head, by the reason "memory". What is in progress goes on. It is logged when it
 * begins to bind, and when most is at the limit again (INT_MAX: whatever that is).
 * Owns:    nothing.
 * Returns: nothing.
 * Where:   any thread while the runtime runs. Does not wait.
 */
void weir_server_hold(weir_runtime *runtime, int most);

/* --- the request. Everything returned lives as long as the handler runs, and is NUL-terminated where it is
 * text. --- */

/* "GET", "POST" …
 * Returns: never NULL.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_method(const weir_request *req);

/* Path and query as the client wrote them.
 * Returns: never NULL.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_target(const weir_request *req);

/* The path with dot segments resolved and unreserved characters decoded.
 * Returns: never NULL.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_path(const weir_request *req);

/* What stands behind the "?".
 * Returns: never NULL; "" when there is none.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_query(const weir_request *req);

/* A parameter of the route's path, exactly as it came ("{id}"); "*" gives what a last star took.
 * Returns: NULL when the route has no such parameter.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_param(const weir_request *req, const char *name);

/* The value of a header, the first when it stands several times.
 * Returns: NULL when it is not there.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_header(const weir_request *req, const char *name);

/* The value of a header that is a list: when it stands several times, all of them, joined by ", " (RFC 9110,
 * 5.3). A list is read this way or not at all: whatever reads only a part of it can be told something else.
 * Returns: NULL when it is not there, or there is no memory.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_header_joined(weir_request *req, const char *name);

/* Header number i, in the order they came.
 * Returns: false when there are not so many.
 * Where:   task of its loop. Does not wait.
 */
bool weir_request_header_at(const weir_request *req, size_t i, weir_bytes *name, weir_bytes *value);

/* The address of the client.
 * Returns: never NULL.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_peer(const weir_request *req);

/* The trace this request belongs to: that of its traceparent header, or a new one, with span 0, when there is
 * none that is valid. The same each time.
 * Returns: never NULL; it lives as long as the handler runs.
 * Where:   task of its loop. Does not wait.
 */
const weir_trace *weir_request_trace(const weir_request *req);

/* What goes with the trace to every service: the tracestate headers as one value, cut after a whole member to
 * WEIR_TRACE_STATE_MAX bytes.
 * Returns: NULL when there is none, or the trace began here.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_trace_state(const weir_request *req);

/* The route's own data.
 * Returns: weir_route.data.
 * Where:   task of its loop. Does not wait.
 */
void *weir_request_data(const weir_request *req);

/* Leaves something for on_exchange to find in the record.
 * Owns:    note is lent until on_exchange has returned; weir_request_alloc() gives such memory.
 * Returns: nothing.
 * Where:   task of its loop. Does not wait.
 */
void weir_request_note(weir_request *req, const void *note);

/* Memory that lives as long as the handler runs, and until on_exchange has returned.
 * Returns: NULL when there is none, or the exchange has taken its 64 MiB.
 * Where:   task of its loop. Does not wait.
 */
void *weir_request_alloc(weir_request *req, size_t bytes);

/* Reads the whole body. Sends 100 Continue when the client waits for it.
 * Owns:    *body points to memory of the request and lives as long as the handler runs.
 * Returns: 0; -WEIR_ETOOLARGE over max_bytes or the route's limit (413); -WEIR_ETRUNCATED, -WEIR_EPROTOCOL;
 * -ENOMEM.
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits.
 */
int weir_read_body(weir_request *req, weir_bytes *body, size_t max_bytes) WEIR_CHECKED;

/* Reads the next piece of the body: for bodies larger than memory.
 * Owns:    data is lent.
 * Returns: > 0 bytes; 0 the end; as weir_read_body().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits.
 */
ssize_t weir_request_read(weir_request *req, void *data, size_t bytes) WEIR_CHECKED;

/* --- the response: headers first, then a whole answer at once or a stream --- */

/* Adds a header. Those that frame the message (Content-Length, Transfer-Encoding, Connection) and Date are
 * the server's.
 * Owns:    both are copied.
 * Returns: 0; -EINVAL a character that may not stand in a header, or one of the server's; -WEIR_EBUSY the
 *          answer has begun; -ENOMEM.
 * Where:   task of its loop. Does not wait.
 */
int weir_reply_header(weir_response *res, const char *name, const char *value);

/* Answers with a text.
 * Returns: 0; -WEIR_EBUSY an answer was given; -EINVAL status; -EPIPE, -ECONNRESET …
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_reply_text(weir_response *res, int status, const char *text);

/* Answers with these bytes. type NULL: no Content-Type.
 * Owns:    data is lent until this returns.
 * Returns: as weir_reply_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_reply_bytes(weir_response *res, int status, const char *type, const void *data, size_t bytes);

/* Answers with the contents of a buffer.
 * Returns: as weir_reply_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_reply_body(weir_response *res, int status, const char *type, const weir_buffer *body);

/* A part of an answer, where it lies. */
typedef struct weir_reply_piece {
    const void *data;
    size_t bytes;
    void (*sent)(void *arg); /* called once: nobody needs data any more; must not wait. NULL: nobody cares */
    void *arg;
} weir_reply_piece;

/* Answers with these pieces, one behind the other, without making one of them. As they go out they are let
 * go, in order, the rest when this returns, however it does: so what a slow client has read is held no
 * longer.
 * Owns:    the pieces are lent until this returns, what each points to until its sent() is called.
 * Returns: as weir_reply_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_reply_pieces(weir_response *res, int status, const char *type, const weir_reply_piece *pieces,
                      size_t count);

/* Answers {"error":{"code":…,"message":…}} with the status that fits a negative code: -WEIR_EBUSY 503 with
 * Retry-After, which is as long as the pool that refused last expects to be busy, and why it did in the
 * message; -WEIR_EDEADLINE and -WEIR_ELATE 504, -WEIR_ETOOLARGE 413, -WEIR_EPROTOCOL and -WEIR_ETRUNCATED
 * 400, -WEIR_ECPU 422, -ENOMEM, -EAGAIN and -WEIR_ENESTED 503, others 500.
 * Returns: as weir_reply_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_reply_error(weir_response *res, int err);

/* The same shape with a status, code and message of your own.
 * Returns: as weir_reply_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_reply_fault(weir_response *res, int status, const char *code, const char *message);

/* Begins an answer that is streamed: length in bytes, or -1 when it is not known (chunked; for HTTP/1.0 until
 * close).
 * Returns: as weir_reply_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_reply_begin(weir_response *res, int status, const char *type, int64_t length) WEIR_CHECKED;

/* Writes a piece of it. The answer ends when the handler returns 0; fewer bytes than announced break the
 * connection.
 * Owns:    data is lent until this returns.
 * Returns: 0; -EINVAL more than announced, or nothing begun; -EPIPE, -ECONNRESET …
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it: a slow client slows the writer.
 */
int weir_reply_write(weir_response *res, const void *data, size_t bytes) WEIR_CHECKED;

/* --- changing answers on their way: compressing them, say --- */

/* An answer before its head is written. */
typedef struct weir_reply_head {
    int status;
    const char *type; /* Content-Type; NULL: none */
    int64_t length;   /* of the body; -1: not known */
    bool bodiless;    /* no body goes out: HEAD, 204, 304 */
    bool whole;       /* the body is there, all of it: */
    weir_bytes body;
} weir_reply_head;

/* What stands between a handler and its client. Its functions are called in the task that answers, may wait,
 * and must not answer themselves. */
typedef struct weir_reply_filter {
    /* Sees every answer, the server's own about a failure too, and may change its headers. Returns 1: the
     * body goes through piece(), its length is whatever comes out, and of one that is bodiless none is told;
     * 0: it goes out as it is; a negative code, which is what the handler's call returns then. */
    int (*head)(void *arg, weir_response *res, const weir_reply_head *head);
    /* Takes the next bytes of the body (lent), perhaps none; last: there are no more. *out is what goes out
     * in their place, perhaps nothing yet, and stays good until the next call. Returns 0; 1: to be called
     * again, with no bytes, for more; a negative code, which breaks the answer off. A whole answer comes at
     * once; when 0 is returned for it, it goes out with its length. */
    int (*piece)(void *arg, weir_bytes in, bool last, weir_bytes *out);
    /* The exchange is over, however it ended. May be NULL. Must not wait. */
    void (*end)(void *arg);
} weir_reply_filter;

/* Has the answer go through a filter; for one who calls the handler proper.
 * Owns:    filter, and what arg points to, are lent until filter->end() or, without one, until the exchange
 * ends: weir_request_alloc() gives such memory.
 * Returns: 0; -WEIR_EBUSY the answer has begun, or has a filter.
 * Where:   task of its loop. Does not wait.
 */
int weir_reply_use_filter(weir_response *res, const weir_reply_filter *filter, void *arg);

/* The value of a header that the answer has so far, the first when it stands several times.
 * Returns: NULL when it is not there, or there is no memory to say it.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_reply_header_get(weir_response *res, const char *name);

/* The same of a header that is a list: all of them, joined by ", ".
 * Returns: as weir_reply_header_get().
 * Where:   task of its loop. Does not wait.
 */
const char *weir_reply_header_joined(weir_response *res, const char *name);

/* Puts a header in the place of all with this name; value NULL: they are taken out.
 * Owns:    both are copied.
 * Returns: as weir_reply_header().
 * Where:   task of its loop. Does not wait.
 */
int weir_reply_header_set(weir_response *res, const char *name, const char *value);

#ifdef __cplusplus
}
#endif
#endif
