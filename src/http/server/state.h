/* SPDX-License-Identifier: MIT */
/* The structures of the HTTP server: the server, its part on one loop, and an exchange.
 *
 * Threading: a weir__server is shared by all loops, and immutable once it serves, except for atomic members.
 * Everything else belongs to one loop, except for what is marked otherwise.
 *
 * Each file uses those below it:
 *
 *     service.c           weir_serve(): a program that is a server, with its loops and signals
 *     unfinished.c        the tasks it leaves unfinished when it ends
 *     server.c            a server: opened and served on every loop
 *     server_stats.c      statistics, and the limit of exchanges while memory is short
 *     server_options.c    default options
 *     server_loop.c       the server on one loop: listening, serving, draining
 *     placing.c           the loop that a new connection is given to
 *     accepting.c         the loops that accept connections
 *     room.c              closing idle connections for new ones, at the limit and without descriptors
 *     quiet.c             whether a draining loop has anything left
 *     h1_connection.c     an HTTP/1 connection, from exchange to exchange
 *     h1_*.c              its parts: see h1.h
 *     exchange.c          one request with its response, as a task
 *     request*.c          what a handler asks of the request
 *     upgrade.c           another protocol on the connection
 *     response*.c         what a handler answers
 *     body_pump.c         bodies, as the pump of bodies needs them
 *     filter.c            changes a response's body on its way
 *     handler_check.h     mistakes of handlers
 *     exchange_timing.c   where an exchange's time went
 *     server_timing.c     … as the header Server-Timing
 *     routing.c           the route of a request
 *     refusals.c          requests that the server answers itself
 *     wire.h              between an exchange and its connection
 *     output_queue.c      the order of writers on one connection
 *     clients.c, peers.c, unserved.c   connections and addresses of clients
 */
#ifndef WEIR__HTTP_SERVER_STATE_H
#define WEIR__HTTP_SERVER_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include <weir/http_server.h>
#include <weir/stream.h>
#include <weir/sync.h>

#include "base/arena.h"
#include "core/account/activity.h"
#include "core/held_loop.h"
#include "core/loop.h"
#include "core/runtime.h"
#include "core/scope.h"
#include "core/spare.h"
#include "core/timeout_list.h"
#include "http/message/body.h"
#include "http/message/date.h"
#include "http/message/head.h"
#include "http/message/pattern.h"
#include "http/server/clients.h"
#include "http/server/output_queue.h"
#include "http/server/peers.h"
#include "http/server/unserved.h"
#include "http/server/wire.h"

struct weir__connection;

enum {
    WEIR__DRAIN_S = 30,                  /* the default of weir_server_options.drain */
    WEIR__EXCHANGE_BYTES_MAX = 64 << 20, /* memory of one exchange */
    WEIR__METHOD_COUNT = WEIR__HTTP_OTHER_METHOD + 1,
};

struct weir__route {
    const weir_route *given;
    const char *name;
    weir_bytes host; /* empty: any; without the star of a wildcard, but with its dot */
    struct weir__http_pattern pattern;
    unsigned methods;                     /* bits by enum weir__http_method */
    const char *scheme;                   /* NULL: any */
    char *task_names[WEIR__METHOD_COUNT]; /* "GET /page/{id}" */
};

/* --- the server --- */

struct weir_server {
    weir_server_options options; /* defaults filled in */
    weir_runtime *runtime;
    struct weir__scope scope;              /* of the task that serves, on the loop that opened the server */
    weir_event ended;                      /* set when that task has ended; on the same loop */
    int result;                            /* a failure of options.background; 0: none */
    char (*addresses)[WEIR_ADDRESS_BYTES]; /* as bound */
    size_t address_count;
    struct weir__route *routes;
    size_t route_count;
    bool routes_name_hosts, routes_take_preflights;
    int loop_count;
    struct weir__server_loop *loops;
    atomic_int exchanges;
    atomic_int exchanges_max;       /* the limit, or less for now: weir_server_hold() */
    atomic_size_t read_ahead_bytes; /* see h1_read_ahead.c */
    atomic_int full_loops;          /* loops that accept no more: see room.c */
    atomic_bool room_wanted; /* a loop that is full, or has no descriptor, has none that could be closed */
    atomic_bool room_given;  /* a connection was closed for another loop */
    struct weir__clients *clients; /* NULL: a client may have any number of connections */
    pthread_mutex_t post_lock;     /* guards the next three */
    bool may_post;                 /* every loop takes messages */
    bool drain_asked, stop_asked;  /* messages are posted, or will be once they may */
    atomic_bool draining, cuts;
    atomic_int accepting_loops; /* loops that have not stopped */
    struct weir__held_hook held_hook;
    bool ledger; /* kept for each exchange */
};

/* What a connection tells its loop. */
struct weir__connection_events {
    /* It waits for a request again, while a loop is full. */
    void (*idle)(struct weir__server_loop *home);
    /* It is closed. */
    void (*closed)(struct weir__server_loop *home);
};

/* The part of a server on one loop. */
struct weir__server_loop {
    struct weir_server *server;
    struct weir__loop *loop;
    void *state; /* what options.setup returned */
    weir_listener **listeners;
    size_t listener_count, closing_listeners;
    bool listens; /* it has listeners until it drains; constant while the server serves */
    bool serving, full, draining;
    bool cut; /* the drain ends now */
    struct weir__message drain_now, cut_now;
    struct weir__list moving;   /* connections on their way from here to other loops: see placing.c */
    struct weir__timeout sweep; /* checks whether they have arrived */
    struct weir__message all_stopped;
    atomic_int connection_count;                     /* here and on their way here; other loops read it */
    _Atomic uint64_t accepted_count, rejected_count; /* any thread reads them */
    /* see accepting.c */
    atomic_bool accepts, accepts_posted;
    struct weir__message accepts_changed;
    /* see room.c */
    struct weir__timeout room;
    struct weir__message nudge;
    atomic_bool nudged;
    bool gives_room; /* a connection is being closed for another loop */
    struct weir__spare spare;
    struct weir__spare_want descriptor_wanted;
    /* Connections: all of them, and lists by what each waits for, with a time limit for each list. */
    struct weir__list connections;
    struct weir__timeout_list opening, idle, head, progress, half_closed, behind, linger;
    const struct weir__connection_events *events;
    bool (*input_came)(struct weir__connection *c, char *data, int32_t result); /* see h1_receive.c */
    struct weir__http_field *fields;   /* a head's fields are parsed into these */
    struct weir__scope exchange_scope; /* of the task of every exchange */
    weir_scope background;             /* see weir_server_scope() */
    weir_event stop;                   /* serving waits for this */
    weir_event quiet;                  /* set when draining and nothing is left: see quiet.c */
    /* Queueing of exchanges: see exchange.c */
    int64_t window_ends_ns, window_least_ns;
    bool overloaded;
    char date[WEIR__HTTP_DATE_BYTES];
    uint64_t date_until;       /* in ticks of the heartbeat */
    int64_t failure_logged_ns; /* when a failure to accept was last logged */
    int64_t room_logged_ns;    /* and that a connection was closed for lack of descriptors */
    int64_t refusal_logged_ns; /* see h1_open.c */
    int refusals_unlogged;     /* since then */
    struct weir__unserved unserved;
    struct weir__peers peers;
};

/* --- an exchange --- */

struct weir_request {
    struct weir__http_request_head head;
    struct weir__http_params params;
    struct weir__http_body body;
    int body_err;                        /* sticky: the rest of the body can't be read */
    const char *method, *target, *query; /* NUL-terminated where they lie in the head */
    weir_bytes raw_path, path;           /* as it came, and in normal form */
    weir_bytes authority;                /* as the client wrote it; empty: it named none */
    const char *path_text, *written_text, *authority_text, *peer, *local; /* made when asked for */
    weir_buffer trailers;                    /* lines, as they came; of a chunked body */
    struct weir__http_field *trailer_fields; /* made when asked for */
    size_t trailer_count;
    const struct weir__route *route;
    unsigned char peer_ip[16]; /* once the connection is another protocol's */
    bool has_peer_ip;
    const struct weir__route *path_route; /* see weir_request_path_data() */
    const void *note;                     /* for on_exchange */
    const char *user;                     /* the name of the client; NULL: not known */
    weir_trace trace;                     /* found when asked for; all 0 before */
    const char *trace_state;              /* found with trace; NULL: none */
    bool continue_due;                    /* the client waits for a 100 before it sends the body */
    bool continue_left;                   /* its handler sends that */
    bool secure;                          /* it came by TLS */
    weir_header *headers, *trailer_list;  /* made when asked for */
};

/* Fields, as lines "name: value\r\n" in the arena. */
struct weir__header_lines {
    char *text;
    size_t len, room;
    bool may_have_type; /* a content-type was added, and perhaps removed again */
};

struct weir_response {
    struct weir__header_lines headers, trailers;
    int status;
    bool began, ended;
    bool close;          /* the handler wants the connection closed */
    bool no_body;        /* none is sent: HEAD, 204, 304 */
    bool names_chunks;   /* to HEAD: GET would be answered in chunks */
    bool final;          /* the handler is done with the request: its body will not be read any more */
    uint64_t left, sent; /* of the body: what the handler may still write; what was sent */
    int err;             /* sticky: sending failed */
    bool open_ended;     /* the body's length is unknown, and trailers may follow it */
    struct weir__filter *filters;          /* from the handler to the client; NULL: none */
    struct weir__filter *unasked;          /* of these, the first that has not been shown the head */
    bool filtered;                         /* the body goes through filters */
    struct weir__output_queue filter_turn; /* one task at a time goes through the filters */
};

/* A request that the server answers itself. */
struct weir__refusal {
    int status;                 /* 0: it is not refused */
    const char *code, *message; /* NULL: the answer is the status and Allow alone */
    const char *reason;         /* which limit, when the code leaves it open; else NULL */
    bool close;                 /* the beginning of the next request is unknown */
    const char *allow;
};

/* One request with its response. Lies in its own arena, inside the structure of its connection's protocol. */
struct weir__exchange {
    struct weir_request request;
    struct weir_response response;
    struct weir__arena memory;
    struct weir__activity activity; /* of its task, and of every task that one spawns */
    struct weir__server_loop *home;
    const struct weir__wire *wire;
    struct weir__refusal refusal;
    struct weir__loop *loop;   /* NULL: the handler has returned, and its request and response are over */
    struct weir__scope *scope; /* of the handler; NULL before the task runs and after the answer */
    bool client_left;          /* the response will not be read */
    bool taken_over;           /* the connection is another protocol's: see upgrade.c */
    weir_buffer body;          /* what weir_request_read_body() returned */
    int64_t began_ns;          /* the first byte of the head came */
    int64_t queued_ns;         /* the task was spawned; 0: not yet, and not with the first byte */
};

static inline struct weir__exchange *weir__exchange_of_request(const weir_request *req)
{
    return weir__container_of(req, struct weir__exchange, request);
}

static inline struct weir__exchange *weir__exchange_of_response(const weir_response *res)
{
    return weir__container_of(res, struct weir__exchange, response);
}

static inline bool weir__status_has_no_body(int status)
{
    return status == 204 || status == 304;
}

/* Counts up a number that only its own loop writes: needs no locked instruction. */
static inline void weir__server_count(_Atomic uint64_t *n)
{
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1, memory_order_relaxed);
}

#endif
