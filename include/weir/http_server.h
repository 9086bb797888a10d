/* SPDX-License-Identifier: MIT */
/* HTTP/1.1 server: addresses, routes, limits, draining, statistics (RFC 9110, RFC 9112).
 *
 *     weir_serve(&options, routes, count)      a program that is a server: loops, signals and a drain
 *     weir_server_open(…), weir_server_close() a server among others, inside a runtime of yours
 *
 * What a handler may do with its request and its response is in <weir/http_request.h> and
 * <weir/http_response.h>.
 *
 * Threading: a handler runs as a task on the loop of its connection. Options, routes and their data are read
 * by all loops and must not change while the server is open. `state` is what setup returned on this loop: no
 * other loop uses it. Each function says from where it may be called.
 *
 * Each handler runs in a scope of its own. When the client leaves, that scope is cancelled, and with it all
 * tasks that the handler started. Tasks that outlive a request are started in the scope of the server
 * (weir_server_scope()), or by options.background.
 */
#ifndef WEIR_HTTP_SERVER_H
#define WEIR_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/charge.h>
#include <weir/error.h>
#include <weir/http_request.h>
#include <weir/http_response.h>
#include <weir/http_text.h>
#include <weir/runtime.h>
#include <weir/scope.h>
#include <weir/stream.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Answers one request. Returns 0 or a negative code. After a negative code the client gets the status that
 * weir_respond_error() assigns to it, if no answer has begun; otherwise the connection is broken off, so that
 * the client notices. */
typedef int weir_handler(weir_request *req, weir_response *res, void *state);

#define WEIR_NO_RATE UINT64_MAX

/* A zero field means its default, given in brackets. */
typedef struct weir_limits {
    size_t head_bytes;          /* of a request's head: request line and fields [16 KiB] */
    int headers;                /* fields of a request [100] */
    uint64_t body_bytes;        /* of a request's body [1 MiB] */
    weir_duration head_timeout; /* until a head is complete, from its first byte; before that, until the
                                   handshake of TLS and the header of the PROXY protocol are, from the
                                   accept [10 s] */
    weir_duration idle_timeout; /* between requests, and while a body or an answer makes no progress [60 s] */
    /* Least rate, in bytes a second, at which a client must send a body and take an answer. It is an
     * average over the time spent waiting for the client, and applies to a body once that time is 10 s, to
     * an answer once it is 10 s and idle_timeout. WEIR_NO_RATE: none [256] */
    uint64_t body_rate_bytes;
    /* Of the whole server. Beyond, the connection that has been idle longest is closed for a new one; while
     * none is idle, new connections wait in the kernel's queue. The same is done when descriptors are used up
     * [10000] */
    int connections;
    /* A new connection always gets room when `connections` is reached, for admin addresses. Closed for it is
     * the connection that has been idle, has not completed its head, or has taken nothing of its answer for
     * the longest time, if that is at least half a second; otherwise the oldest. */
    bool always_room;
    /* Of one IPv4 address or one IPv6 network (/64), which a header of the PROXY protocol may tell: a
     * connection counts when its header has come. More are answered 503 and closed, with TLS closed without
     * an answer. Does not apply to Unix sockets, nor where options.counts_client says so [0: no limit] */
    int connections_per_client;
    int exchanges;              /* of the whole server; more requests are refused with 503 [2000] */
    unsigned char reserved[32]; /* for later versions; zero */
} weir_limits;

/* A route. The first route whose host, scheme, path and methods match takes a request. If only methods
 * differ, the client gets 405 with the methods of all routes that match otherwise. */
typedef struct weir_route {
    /* The host that the client names, without a port, in any case: "example.com"; "*.example.com" for every
     * name below it, at any depth, but not for itself. A dot at the end, of either, has no meaning. NULL:
     * every host, and requests that name none. See weir_route_host_check() */
    const char *host;
    const char *path; /* "/a/b", "/users/{id}"; "/files/" followed by a star for everything below. See
                         weir_pattern_check() */
    const char
        *methods; /* "GET POST"; NULL: all but CONNECT. GET includes HEAD. A CONNECT request has the path
                     "/". See weir_methods_check() */
    weir_handler *handler;
    void *data;              /* the route's own, immutable; see weir_request_data() */
    uint64_t body_bytes_max; /* 0: the server's limit */
    bool vital;       /* answered also while other requests are refused for lack of room: for health checks */
    const char *name; /* of the route in records, tasks, stalls and the log: for several routes with one path
                         [path] */
    const char *scheme; /* "https": only requests on connections with TLS; "http": only those on connections
                           without. As weir_request_scheme() says [NULL: all] */
    /* The route also takes preflights of CORS: OPTIONS with Origin and Access-Control-Request-Method for a
     * method that it takes. They reach the route that the request proper will reach, whichever take OPTIONS.
     */
    bool preflights;
    /* The handler is called also for a request whose Content-Length is above the limit, instead of a 413: for
     * one that decides first whether the request may pass. See weir_request_body_is_too_large() */
    bool takes_too_large;
    unsigned char reserved[14]; /* for later versions; zero */
} weir_route;

/* An exchange that has ended, for logs and metrics. Everything it points to is valid until the callback
 * returns. */
typedef struct weir_exchange_record {
    const weir_request *request; /* for weir_request_peer(), weir_request_trace() and similar functions */
    const char *method, *target; /* "" if the head could not be parsed */
    const char *route;           /* the name of the route: its path, unless it has another; "" if no route
                                    matched */
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
    unsigned char reserved[32]; /* for later versions; zero */
} weir_limit_names;

typedef struct weir_server_options weir_server_options;

/* A zero field means its default, given in brackets. */
struct weir_server_options {
    /* Where to listen: one address in the form of <weir/stream.h>, or several listeners. With port 0 the
     * system chooses a port: see weir_server_address(). On a runtime of several loops each loop listens at
     * each TCP address. A Unix socket and an inherited descriptor have one listener, whose connections go to
     * all loops. */
    const char *listen;
    const weir_listener_options *listeners; /* instead of listen. The server closes their descriptors, when it
                                               drains or if it does not open */
    size_t listener_count;
    weir_limits limits;
    weir_limit_names limit_names;
    weir_duration drain; /* the longest time that exchanges get to end [30 s]. Idle connections may be used
                            once more during at most the first 5 s of it */
    void *(*setup)(void *arg, weir_server *server); /* called once on each loop, in a task, before it accepts;
                                                       returns its state. NULL: the server does not open */
    void (*teardown)(void *state); /* called once on each loop where setup returned a state, in a task, after
                                      the last exchange and the last background task */
    /* A task that runs once beside the server, on the loop that opened it, from the time when every loop is
     * set up until it returns. It is cancelled once the last exchange of all loops has ended, and awaited
     * before the first teardown. It starts further tasks in scopes of its own. A negative result other than
     * the cause of the cancel is logged, drains the server and becomes its result. */
    int (*background)(void *arg, weir_server *server);
    void (*on_listening)(void *arg, weir_server *server); /* called once, as all loops begin to accept */
    void (*on_exchange)(
        void *arg,
        const weir_exchange_record *record); /* called on the loop of the exchange; must not wait */
    void (*on_drain)(
        void *arg); /* called when a drain begins, on the first loop that learns of it; must not wait */
    /* weir_serve() only: called on a thread of its own when SIGHUP, SIGUSR1 or SIGUSR2 arrives. NULL:
     * SIGHUP drains like SIGTERM; SIGUSR1 and SIGUSR2 are logged and have no effect. Signals for which the
     * program has set an action other than the default are left alone. */
    void (*on_signal)(void *arg, int number);
    void *arg; /* passed to the callbacks */
    /* Turns off the ledger, so that weir_exchange_charges() returns 0: for measuring what the ledger costs.
     */
    bool ledger_off;
    bool server_timing;   /* sends clients a Server-Timing header with the charges: it contains the names of
                             backends */
    weir_options runtime; /* weir_serve() only, as of weir_run(), but for loops [weir_cpu_count()] */
    /* Called before the server answers a request itself, instead of a handler: 404, 405, and what it refuses
     * before a handler is called (400, 413, 503 …), also if the head could not be parsed. May add headers and
     * filters to the answer. weir_request_data() is NULL if no route matched. state: what setup returned on
     * this loop. A negative code takes the place of a handler's. Called in the task of the exchange; must not
     * wait, nor answer. */
    int (*on_refusal)(void *arg, weir_request *req, weir_response *res, void *state);
    /* weir_serve() only: called once, in a task, before the server opens, with a copy of the options that the
     * function may complete: with contexts for TLS, which only a task can open. May wait. A negative result
     * is that of weir_serve(), which opens nothing then */
    int (*prepare)(void *arg, weir_server_options *options);
    /* weir_serve() only: called once, in a task, after the server has closed or could not be opened, if
     * prepare has returned 0 */
    void (*finish)(void *arg);
    /* Called when the time to drain is over, or the drain is to end at once, on the first loop where
     * something is left: so many exchanges and connections of all loops are cut off now. Must not wait */
    void (*on_cut)(void *arg, int exchanges, int connections);
    /* Reports whether limits.connections_per_client applies to an IP address, in the form of
     * weir_request_peer_ip(): not to that of a proxy, whose connections are those of all its clients. Called
     * on the loop of a connection once its client is known, if there is such a limit; must not wait. NULL: to
     * all
     */
    bool (*counts_client)(void *arg, const unsigned char ip[16]);
    bool sigterm_once; /* weir_serve() only: a further SIGTERM does nothing; SIGINT after it ends at once. For
                          a process that gets SIGTERM from its supervisor, and perhaps from others who mean
                          both */
    unsigned char reserved[23]; /* for later versions; zero */
};

/* Runs a whole service: loops, signals, server. SIGTERM and SIGINT drain; a second signal cancels at once
 * what is left. Handlers that compute on and jobs that ignore their cancel are not waited for without end:
 * what has not ended one second after the drain's time, or half a second after the second signal, is named
 * in the log, and the process ends by _exit(0), without teardown and without atexit() handlers.
 * Owns:    everything is lent until the function returns.
 * Returns: 0 after a drain; -EBUSY one of the signals is already being caught; otherwise the errors of
 *          weir_run(), weir_server_open() and weir_server_wait().
 * Where:   a thread that is no loop, usually main().
 */
int weir_serve(const weir_server_options *options, const weir_route *routes, size_t route_count) WEIR_CHECKED;

/* --- a server inside a runtime --- */

/* Opens a server on all loops of the runtime. It accepts connections when the function returns, on tasks of
 * its own that no scope of the caller cancels. A runtime may have several servers.
 * Owns:    everything is lent until weir_server_close() returns. The caller owns *out and closes it.
 * Returns: 0; -EINVAL the options, or a route without path or handler; -WEIR_ECONFIG a path or a host that
 *          cannot be understood, which is logged, or setup returned NULL; -ENOMEM; the errors of
 *          weir_listen(), logged with the address.
 * Cancel:  ends the wait; nothing is left open.
 * Where:   task. Waits for setup on all loops.
 */
int weir_server_open(const weir_server_options *options, const weir_route *routes, size_t route_count,
                     weir_server **out) WEIR_CHECKED;

/* Begins to drain, unless the server drains already: no loop accepts connections, exchanges get options.drain
 * to end, what is left then is cancelled.
 * Where:   any thread, until weir_server_close() is called. Does not wait.
 */
void weir_server_drain(weir_server *server);

/* Cancels at once what a drain would wait for.
 * Where:   any thread, until weir_server_close() is called. Does not wait.
 */
void weir_server_stop(weir_server *server);

/* Waits until the server has drained. A handler that ignores its cancel delays the end, however long; a loop
 * that is held drains once it continues.
 * Returns: 0 after a drain; what options.background returned, if that is why; the cause of a cancel.
 * Cancel:  ends the wait; the server goes on.
 * Where:   task. Waits.
 */
int weir_server_wait(weir_server *server) WEIR_CHECKED;

/* Drains the server, waits for the end as weir_server_wait(), tears every loop down, and frees the server.
 * NULL does nothing.
 * Cancel:  does not shorten the wait; weir_server_stop() does.
 * Where:   the task that opened it. Waits.
 */
void weir_server_close(weir_server *server);

/* Opens a server, waits until the scope is cancelled or the server has drained for another reason, and closes
 * it: for a task that is a server.
 * Owns:    everything is lent until the function returns.
 * Returns: the errors of weir_server_open() and weir_server_wait().
 * Cancel:  begins the drain; what is left after options.drain is cancelled.
 * Where:   task. Waits.
 */
int weir_server_run(const weir_server_options *options, const weir_route *routes,
                    size_t route_count) WEIR_CHECKED;

/* Returns an address that the server listens on, with the port that the system chose: in the order of the
 * options.
 * Owns:    valid until weir_server_close().
 * Returns: NULL if i is beyond the last.
 * Where:   any thread, until weir_server_close() is called. Does not wait.
 */
const char *weir_server_address(const weir_server *server, size_t i);

/* Returns the scope of a server's background tasks on the calling loop: for tasks that outlive the request or
 * the setup that starts them. It is cancelled once the last exchange of this loop has ended, so that handlers
 * find these tasks at work also during a drain; they are awaited before teardown. The failure of one has no
 * effect on the others. Only one scope stands around them: they see no deadline.
 * Owns:    the scope is the server's. It is not closed, nor cancelled, by others.
 * Returns: never NULL.
 * Where:   setup, a handler, or a task of this scope. Does not wait.
 */
weir_scope *weir_server_scope(weir_server *server);

/* --- refusals --- */

/* Classes of refusals. */
enum weir_refusal_type {
    WEIR_REFUSAL_LOAD,     /* overload: the service sheds load */
    WEIR_REFUSAL_SLOWNESS, /* the client was too slow */
    WEIR_REFUSAL_FAULT,    /* the request is malformed, or no route takes it */
    WEIR_REFUSAL_RULE,     /* the program does not allow the request; for weir_respond_refusal() */
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
    WEIR_UNSERVED_HEAD_TIMEOUT, /* a head was not complete within head_timeout, or before it the handshake of
                                   TLS or the header of the PROXY protocol */
    WEIR_UNSERVED_IDLE_TIMEOUT, /* no byte arrived within idle_timeout */
    WEIR_UNSERVED_CLOSED,       /* the client closed it */
    WEIR_UNSERVED_RESET,        /* the connection broke */
    WEIR_UNSERVED_MADE_ROOM,    /* it was idle and was closed for a new one */
    WEIR_UNSERVED_CLIENT_LIMIT, /* its client had as many connections as it may have */
    WEIR_UNSERVED_MEMORY,       /* no memory */
    WEIR_UNSERVED_DRAINED,      /* the server ended */
    WEIR_UNSERVED_TLS,          /* TLS failed: the statistics of its context say why (<weir/tls.h>) */
    WEIR_UNSERVED_PROXY_HEADER, /* it did not begin with a valid header of the PROXY protocol */
    WEIR_UNSERVED_WAYS
};

/* Names a way: "head_timeout" …
 * Owns:    static.
 * Returns: never NULL.
 * Where:   any thread.
 */
const char *weir_unserved_name(enum weir_unserved way);

/* --- statistics. Other threads may read them until the first teardown ends, or weir_server_close() is called
 * if there is no teardown --- */

/* Sums since the server began, and present values. */
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
 * Where:   any thread, until the first teardown ends. Does not block the loops.
 */
void weir_server_clients_each(const weir_server *server,
                              void (*fn)(void *arg, const weir_server_client *client), void *arg);

/* Reads the totals of a server.
 * Owns:    stats is the caller's.
 * Returns: nothing.
 * Where:   any thread, until the first teardown ends. Does not block the loops.
 */
void weir_server_stats_get(const weir_server *server, weir_server_stats *stats);

/* Lowers the maximum of requests in progress of a server, until the next call. A request beyond most is
 * refused with 503 at its head, by the reason "memory"; requests in progress continue. most INT_MAX: the
 * configured maximum. The log has a line when the maximum falls below the configured one, and when it is the
 * configured one again.
 * Owns:    nothing.
 * Returns: nothing.
 * Where:   any thread, until the first teardown ends. Does not wait.
 */
void weir_server_hold(weir_server *server, int most);

#ifdef __cplusplus
}
#endif
#endif
