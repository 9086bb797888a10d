/* SPDX-License-Identifier: MIT */
/* HTTP/1.1 server: routes, handlers, requests and responses (RFC 9110, RFC 9112).
 *
 * Threading: a handler runs as a task on the loop of its connection. A request and its response belong to
 * that task and the tasks of its scope; they are invalid after the handler has returned. Options, routes
 * and their data are read by all loops and must not change while the server runs. `state` is what setup
 * returned on this loop: no other loop uses it.
 *
 * Each handler runs in a scope of its own. When the client leaves, that scope is cancelled, and with it all
 * tasks that the handler started.
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

/* Answers one request. Returns 0 or a negative code. After a negative code the client gets the status that
 * weir_respond_error() assigns to it, if no answer has begun; otherwise the connection is broken off, so that
 * the client notices. */
typedef int weir_handler(weir_request *req, weir_response *res, void *state);

enum { WEIR_PARAMS_MAX = 8 };
#define WEIR_NO_RATE UINT64_MAX

/* A zero field means its default, given in brackets. */
typedef struct weir_limits {
    size_t head_bytes;          /* of a request's head: request line and fields [16 KiB] */
    int headers;                /* fields of a request [100] */
    uint64_t body_bytes;        /* of a request's body [1 MiB] */
    uint64_t reply_bytes;       /* of a backend's answer [4 MiB] */
    weir_duration head_timeout; /* until a head is complete, from its first byte [10 s] */
    weir_duration idle_timeout; /* between requests, and while a body or an answer makes no progress [60 s] */
    /* Least rate, in bytes a second, at which a client must send a body and take an answer. It is an
     * average over the time spent waiting for the client, and applies to a body once that time is 10 s, to
     * an answer once it is 10 s and idle_timeout. WEIR_NO_RATE: none [256] */
    uint64_t body_rate_bytes;
    /* Of the whole server. Beyond, the connection that has been idle longest is closed for a new one; while
     * none is idle, new connections wait in the kernel's queue [10000] */
    int connections;
    /* A new connection always gets room when `connections` is reached, for admin addresses. Closed for it is
     * the connection that has been idle, has not completed its head, or has taken nothing of its answer for
     * the longest time, if that is at least half a second; otherwise the oldest. */
    bool always_room;
    /* Of one IPv4 address or one IPv6 network (/64). More are answered 503 and closed. Does not apply to
     * Unix sockets [0: no limit] */
    int connections_per_client;
    int exchanges; /* of the whole server; more requests are refused with 503 [2000] */
} weir_limits;

typedef struct weir_route {
    const char *path;    /* "/a/b", "/users/{id}"; "/files/" followed by a star for everything below */
    const char *methods; /* "GET POST"; NULL: all. GET includes HEAD. */
    weir_handler *handler;
    void *data;              /* the route's own, immutable; see weir_request_data() */
    uint64_t body_bytes_max; /* 0: the server's limit */
    bool vital; /* answered also while other requests are refused for lack of room: for health checks */
} weir_route;

/* An exchange that has ended, for logs and metrics. Everything it points to is valid until the callback
 * returns. */
typedef struct weir_exchange_record {
    const weir_request *request; /* for weir_request_peer(), weir_request_trace() and similar functions */
    const char *method, *target; /* "" if the head could not be parsed */
    const char *route;           /* the pattern, or "" if no route matched */
    void *data;                  /* the route's own; NULL if no route matched */
    void *state;                 /* what setup returned on this loop */
    const void *note;            /* as given to weir_request_note(); NULL: none */
    int status;                  /* 0: the client left before an answer began */
    const char *refused;         /* the reason of a refusal, one of weir_refusal_at(); NULL: not refused */
    bool complete;               /* the whole answer was sent */
    uint64_t request_bytes, reply_bytes; /* of the bodies */
    weir_duration took;                  /* from the first byte of the head to the last byte of the answer */
} weir_exchange_record;

/* Lists where the time of an exchange that has ended went, in no order. The shares add up to record->took.
 * They are computed at each call.
 * Owns:    names are valid as long as the record.
 * Returns: the number written to out; 0: no ledger was kept.
 * Where:   in on_exchange. Does not wait.
 */
size_t weir_exchange_charges(const weir_exchange_record *record, weir_charge out[WEIR_CHARGES_MAX]);

/* Names of the limits as an answer mentions them when a limit was exceeded: the keys by which an operator
 * can change them. NULL: the names in weir_limits. */
typedef struct weir_limit_names {
    const char *head, *headers, *body, *head_timeout, *idle_timeout, *body_rate;
} weir_limit_names;

typedef struct weir_server_options {
    const char *listen;                    /* an address, see <weir/stream.h> */
    const char *const *listens;            /* or several addresses, NULL-terminated */
    int loops;                             /* weir_serve() only; 0: weir_cpu_count() */
    enum weir_io io;                       /* weir_serve() only */
    bool log_json;                         /* weir_serve() only; as in weir_options */
    enum weir_log_level log_level;         /* weir_serve() only; as in weir_options */
    const struct weir_pool_options *pools; /* weir_serve() only; as in weir_options */
    size_t pool_count;
    weir_duration stall_after; /* weir_serve() only, like the next two; as in weir_options */
    enum weir_stall_then stall_then;
    void (*on_stall)(void *arg, const struct weir_stall *stall);
    weir_limits limits;
    weir_limit_names limit_names;
    weir_duration drain; /* the longest time that exchanges get to end; 0: 30 s. Idle connections may be used
                            once more during at most the first 5 s of it */
    void *(*setup)(void *arg); /* called once on each loop, before it accepts; returns its state. NULL: the
                                  server stops */
    void (*teardown)(void *state); /* called once on each loop, after its last exchange */
    void (*on_listening)(void *arg,
                         const char *address); /* called for each address, once connections are accepted */
    void (*on_exchange)(
        void *arg,
        const weir_exchange_record *record); /* called on the loop of the exchange; must not wait */
    /* Turns off the ledger, so that weir_exchange_charges() returns 0: for measuring what the ledger costs.
     */
    bool ledger_off;
    bool server_timing; /* sends clients a Server-Timing header with the charges: it contains the names of
                           backends */
    void (*on_drain)(
        void *arg); /* called when a drain begins, on the first loop that learns of it; must not wait */
    /* weir_serve() only: called on a thread of its own when SIGHUP, SIGUSR1 or SIGUSR2 arrives. NULL:
     * SIGHUP drains like SIGTERM; SIGUSR1 and SIGUSR2 are logged and have no effect. Signals for which the
     * program has set an action other than the default are left alone. */
    void (*on_signal)(void *arg, int number);
    void *arg; /* passed to the callbacks */
} weir_server_options;

/* Runs a whole service: loops, signals, server. SIGTERM and SIGINT drain; a second signal cancels at once
 * what is left. Handlers that compute on and jobs that ignore their cancel are not waited for without end:
 * what has not ended one second after the drain's time, or half a second after the second signal, is named
 * in the log, and the process ends by _exit(0), without teardown and without atexit() handlers.
 * Owns:    everything is lent until the function returns.
 * Returns: 0 after a drain; -EBUSY one of the signals is already being caught; -EINVAL, -WEIR_ECONFIG a
 *          route's path or the options; the errors of weir_run() and weir_listen().
 * Where:   a thread that is no loop, usually main().
 */
int weir_serve(const weir_server_options *options, const weir_route *routes, size_t route_count) WEIR_CHECKED;

/* Runs a server inside a runtime of yours, on all its loops, until the scope is cancelled. Then it drains
 * under a shield of its own and returns when the last exchange has ended, however long that takes: a
 * handler that ignores its cancel delays the return, and a loop that is held when the scope is cancelled
 * drains once it continues.
 * Owns:    everything is lent until the function returns.
 * Returns: -WEIR_ECANCELED or -WEIR_EDEADLINE after a drain; otherwise as weir_serve().
 * Cancel:  begins the drain; what is left after options->drain is cancelled.
 * Where:   task. Waits.
 */
int weir_server_run(const weir_server_options *options, const weir_route *routes,
                    size_t route_count) WEIR_CHECKED;

/* --- statistics of servers, from any thread --- */

/* Classes of refusals. */
enum weir_refusal_type {
    WEIR_REFUSAL_LOAD,     /* overload: the service sheds load */
    WEIR_REFUSAL_SLOWNESS, /* the client was too slow */
    WEIR_REFUSAL_FAULT,    /* the request is malformed, or no route takes it */
};

typedef struct weir_refusal {
    const char *reason; /* a token of lower-case letters and '_' */
    enum weir_refusal_type type;
} weir_refusal;

/* Lists the reasons for which a request can be refused. They do not change while a program runs; the last
 * is "other".
 *
 * Reasons of the server are "exchanges" and "queueing" (see weir_limits), "memory" (see
 * weir_server_hold()), otherwise the code in the answer. weir_respond_error() refuses on behalf of a handler:
 * "pool_full", "pool_wait", "pool_deadline" and "pool_late" if its job found no place or no worker in time;
 * "replies" if answers of backends hold as much memory as they may (weir_client_options). For a client that
 * is too slow: "timeout" (the head took longer than head_timeout, or no byte of the body arrived for
 * idle_timeout), "body_rate", and "unread" (nothing of the answer was taken for idle_timeout, or too
 * little).
 *
 * Owns:    static.
 * Returns: NULL if i is beyond the last.
 * Where:   any thread.
 */
const weir_refusal *weir_refusal_at(size_t i);

/* Ways in which a connection ended that carried no request, or whose last request was incomplete. */
enum weir_unserved {
    WEIR_UNSERVED_HEAD_TIMEOUT, /* a head was not complete within head_timeout */
    WEIR_UNSERVED_IDLE_TIMEOUT, /* no byte arrived within idle_timeout */
    WEIR_UNSERVED_CLOSED,       /* the client closed it */
    WEIR_UNSERVED_RESET,        /* the connection broke */
    WEIR_UNSERVED_MADE_ROOM,    /* it was idle and was closed for a new one */
    WEIR_UNSERVED_CLIENT_LIMIT, /* its client had as many connections as it may have */
    WEIR_UNSERVED_MEMORY,       /* no memory */
    WEIR_UNSERVED_DRAINED,      /* the server ended */
    WEIR_UNSERVED_WAYS
};

/* Names a way: "head_timeout" …
 * Owns:    static.
 * Returns: never NULL.
 * Where:   any thread.
 */
const char *weir_unserved_name(enum weir_unserved way);

/* Sums since the servers began, and present values. */
typedef struct weir_server_stats {
    int connections, exchanges; /* now: accepted and not yet closed; in progress */
    int fresh, half_sent; /* of the connections: those that have sent nothing yet; those that have sent a part
                             of a head */
    uint64_t accepted;    /* connections */
    uint64_t turned_away; /* connections closed for lack of memory, before there was an exchange to record */
    uint64_t unserved[WEIR_UNSERVED_WAYS]; /* connections, by the way they ended */
} weir_server_stats;

/* One of the addresses from which most connections without a request come. */
typedef struct weir_server_client {
    const char *address; /* "192.0.2.1"; for IPv6 the network: "2001:db8:0:1::/64"; "unix"; "?" */
    int half_sent;       /* its present connections that have sent a part of a head */
    uint64_t unserved[WEIR_UNSERVED_WAYS]; /* since the address has had an entry */
    uint64_t inherited; /* upper bound of such connections before that: the count of the entry that this one
                           replaced */
} weir_server_client;

/* Calls fn for those addresses, at most 64 on each loop. Any address with more than one in 64 of such
 * connections is among them. An address is reported once for each loop that knows it.
 * Owns:    what fn is given is lent until it returns.
 * Returns: nothing.
 * Where:   any thread while the runtime runs. Does not block its loops.
 */
void weir_server_clients_each(weir_runtime *runtime, void (*fn)(void *arg, const weir_server_client *client),
                              void *arg);

/* Reads the totals of the servers on a runtime: all zero if there is none.
 * Owns:    stats is the caller's.
 * Returns: nothing.
 * Where:   any thread while the runtime runs. Does not block its loops.
 */
void weir_server_stats_get(weir_runtime *runtime, weir_server_stats *stats);

/* Lowers the maximum of requests in progress of the servers on a runtime, until the next call. A request
 * beyond most is refused with 503 at its head, by the reason "memory"; requests in progress continue. most
 * INT_MAX: the configured maximum. The log has a line when the maximum falls below the configured one, and
 * when it is the configured one again.
 * Owns:    nothing.
 * Returns: nothing.
 * Where:   any thread while the runtime runs. Does not wait.
 */
void weir_server_hold(weir_runtime *runtime, int most);

/* --- the request. Everything returned is valid as long as the handler runs; texts are NUL-terminated --- */

/* Returns the method: "GET", "POST" …
 * Returns: never NULL.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_method(const weir_request *req);

/* Returns path and query as the client wrote them.
 * Returns: never NULL.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_target(const weir_request *req);

/* Returns the path, with dot segments resolved and unreserved characters decoded.
 * Returns: never NULL.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_path(const weir_request *req);

/* Returns the query: what follows the "?".
 * Returns: never NULL; "" if there is none.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_query(const weir_request *req);

/* Finds a parameter of the route's path, exactly as the client wrote it ("{id}"); "*" names what a final
 * star matched.
 * Returns: NULL if the route has no such parameter.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_param(const weir_request *req, const char *name);

/* Finds the value of a header. If the header occurs several times, the first value.
 * Returns: NULL if the request has no such header.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_header(const weir_request *req, const char *name);

/* Finds the value of a header that is a list. If the header occurs several times, all values joined by ", "
 * (RFC 9110, 5.3). Use this for every list: code that reads only a part of a list can be deceived.
 * Returns: NULL if the request has no such header, or memory is exhausted.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_header_joined(weir_request *req, const char *name);

/* Reads header number i, in the order in which they arrived.
 * Returns: false if i is beyond the last.
 * Where:   task of its loop. Does not wait.
 */
bool weir_request_header_at(const weir_request *req, size_t i, weir_bytes *name, weir_bytes *value);

/* Returns the address of the client.
 * Returns: never NULL.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_peer(const weir_request *req);

/* Returns the trace that the request belongs to: the one in its traceparent header, or a new one with span
 * 0 if there is no valid header. The same at each call.
 * Returns: never NULL; valid as long as the handler runs.
 * Where:   task of its loop. Does not wait.
 */
const weir_trace *weir_request_trace(const weir_request *req);

/* Returns the trace state to be passed on with the trace: the tracestate headers as one value, cut after a
 * whole member to WEIR_TRACE_STATE_MAX bytes.
 * Returns: NULL if there is none, or the trace began here.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_request_trace_state(const weir_request *req);

/* Returns the route's own data.
 * Returns: weir_route.data.
 * Where:   task of its loop. Does not wait.
 */
void *weir_request_data(const weir_request *req);

/* Attaches a pointer that on_exchange finds in the record.
 * Owns:    note is lent until on_exchange has returned; weir_request_alloc() gives such memory.
 * Returns: nothing.
 * Where:   task of its loop. Does not wait.
 */
void weir_request_note(weir_request *req, const void *note);

/* Allocates memory that is valid until on_exchange has returned.
 * Returns: NULL if memory is exhausted, or the exchange has used its 64 MiB.
 * Where:   task of its loop. Does not wait.
 */
void *weir_request_alloc(weir_request *req, size_t bytes);

/* Reads the whole body. Sends 100 Continue if the client waits for it.
 * Owns:    *body points to memory of the request and is valid as long as the handler runs.
 * Returns: 0; -WEIR_ETOOLARGE over max_bytes or the route's limit (413); -WEIR_ESLOW (408);
 *          -WEIR_ETRUNCATED, -WEIR_EPROTOCOL; -ENOMEM.
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits.
 */
int weir_request_read_body(weir_request *req, weir_bytes *body, size_t max_bytes) WEIR_CHECKED;

/* Reads the next piece of the body: for bodies larger than memory.
 * Owns:    data is lent.
 * Returns: > 0 bytes; 0 the end; < 0 as weir_request_read_body().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits.
 */
ssize_t weir_request_read(weir_request *req, void *data, size_t bytes) WEIR_CHECKED;

/* --- the response: headers first, then a whole answer or a stream --- */

/* Adds a header. The headers that frame the message (Content-Length, Transfer-Encoding, Connection) and
 * Date are set by the server.
 * Owns:    both are copied.
 * Returns: 0; -EINVAL a character that is not allowed in a header, or a header that the server sets;
 *          -WEIR_EBUSY the answer has begun; -ENOMEM.
 * Where:   task of its loop. Does not wait.
 */
int weir_response_header_add(weir_response *res, const char *name, const char *value);

/* Answers with a text.
 * Returns: 0; -WEIR_EBUSY an answer has begun already; -EINVAL status; -EPIPE, -ECONNRESET …
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_text(weir_response *res, int status, const char *text);

/* Answers with bytes. type NULL: no Content-Type.
 * Owns:    data is lent until the function returns.
 * Returns: as weir_respond_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_bytes(weir_response *res, int status, const char *type, const void *data, size_t bytes);

/* Answers with the contents of a buffer.
 * Returns: as weir_respond_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_buffer(weir_response *res, int status, const char *type, const weir_buffer *body);

/* A part of an answer, sent from where it lies in memory. */
typedef struct weir_response_piece {
    const void *data;
    size_t bytes;
    void (*sent)(void *arg); /* called once, when data is no longer needed; must not wait. NULL: no call */
    void *arg;
} weir_response_piece;

/* Answers with several pieces, one after the other, without copying them into one. Each piece is released,
 * in order, as soon as it has been sent, so what a slow client has taken is held no longer. Pieces that
 * were not sent are released when the function returns, whatever its result.
 * Owns:    the array is lent until the function returns; what a piece points to, until its sent() is
 *          called.
 * Returns: as weir_respond_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_pieces(weir_response *res, int status, const char *type, const weir_response_piece *pieces,
                        size_t count);

/* Answers {"error":{"code":…,"message":…}} with the status for a negative code: -WEIR_EBUSY 503 with
 * Retry-After; -ENOMEM, -EAGAIN and -WEIR_ENESTED 503; -WEIR_EDEADLINE and -WEIR_ELATE 504; -WEIR_ETOOLARGE
 * 413; -WEIR_ESLOW 408; -WEIR_EPROTOCOL and -WEIR_ETRUNCATED 400; -WEIR_ECPU 422; others 500. If a pool
 * refused a job of this exchange, Retry-After is the time that the pool expects to be busy, and the message
 * has its reason.
 * Returns: as weir_respond_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_error(weir_response *res, int err);

/* Answers in the form of weir_respond_error(), with a status, code and message of your own.
 * Returns: as weir_respond_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_fault(weir_response *res, int status, const char *code, const char *message);

/* Begins a streamed answer. length is in bytes, or -1 if unknown (the body is then chunked; for HTTP/1.0 it
 * ends with the connection).
 * Returns: as weir_respond_text().
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it.
 */
int weir_respond_begin(weir_response *res, int status, const char *type, int64_t length) WEIR_CHECKED;

/* Sends a piece of a streamed answer. The answer ends when the handler returns 0; if fewer bytes were sent
 * than announced, the connection is broken off.
 * Owns:    data is lent until the function returns.
 * Returns: 0; -EINVAL more than announced, or no answer was begun; -EPIPE, -ECONNRESET …
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the client does not take it: a slow client slows down the handler.
 */
int weir_respond_write(weir_response *res, const void *data, size_t bytes) WEIR_CHECKED;

/* --- filters: functions that change answers, for example compress them --- */

/* An answer before its head is written. */
typedef struct weir_response_head {
    int status;
    const char *type; /* Content-Type; NULL: none */
    int64_t length;   /* of the body; -1: unknown */
    bool bodiless;    /* no body is sent: HEAD, 204, 304 */
    bool whole;       /* the complete body is known, and is: */
    weir_bytes body;
} weir_response_head;

/* A filter between a handler and its client. Its functions are called in the task that answers, may wait,
 * and must not answer themselves. */
typedef struct weir_response_filter {
    /* Called with every answer, also with the server's own about a failure; may change its headers. Returns
     * 1: the body goes through piece(), its length is the length of what comes out, and an answer without a
     * body announces no length. Returns 0: the answer is sent unchanged. A negative code becomes the result
     * of the handler's call. */
    int (*head)(void *arg, weir_response *res, const weir_response_head *head);
    /* Takes the next bytes of the body (lent), perhaps none; last: no more follow. Sets *out to what is
     * sent instead, perhaps nothing yet; it stays valid until the next call. Returns 0; 1: call again, with
     * no bytes, for more output; a negative code, which breaks the answer off. A whole answer is passed in
     * one call; if that returns 0, the output is sent with its length. */
    int (*piece)(void *arg, weir_bytes in, bool last, weir_bytes *out);
    /* Called when the exchange has ended, whatever its result. May be NULL. Must not wait. */
    void (*end)(void *arg);
} weir_response_filter;

/* Passes the answer through a filter. Meant for wrappers that call the real handler.
 * Owns:    filter, and what arg points to, are lent until filter->end() or, without one, until the exchange
 *          ends: weir_request_alloc() gives such memory.
 * Returns: 0; -WEIR_EBUSY the answer has begun, or has a filter already.
 * Where:   task of its loop. Does not wait.
 */
int weir_response_filter_add(weir_response *res, const weir_response_filter *filter, void *arg);

/* Finds the value of a header that the answer has so far. If the header occurs several times, the first
 * value.
 * Returns: NULL if there is no such header, or memory is exhausted.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_response_header(weir_response *res, const char *name);

/* Finds the value of a header of the answer that is a list: all values, joined by ", ".
 * Returns: as weir_response_header().
 * Where:   task of its loop. Does not wait.
 */
const char *weir_response_header_joined(weir_response *res, const char *name);

/* Replaces all headers of this name by one; value NULL removes them.
 * Owns:    both are copied.
 * Returns: as weir_response_header_add().
 * Where:   task of its loop. Does not wait.
 */
int weir_response_header_set(weir_response *res, const char *name, const char *value);

#ifdef __cplusplus
}
#endif
#endif
