/* SPDX-License-Identifier: MIT */
/* The inside of the HTTP server: what its files share.
 *
 * Threading: a weir__server is shared by all loops: immutable once it serves, but for what is atomic. All
 * else belongs to one loop.
 *
 *     service.c      weir_serve(): signals, and the end whatever runs
 *     server.c       options, routes, running on every loop
 *     placing.c      which loop a connection is given to
 *     rescue.c       what waits for a loop that is held
 *     server_loop.c  the server on one loop: listeners, placing connections, going and ending
 *     connection.c   a connection between and during exchanges: input, time limits, closing
 *     exchange.c     one request with its response, as a task
 *     exchange_charges.c  where its time went
 *     client_waits.c how long it waits for its client
 *     read_ahead.c   a body that is sent before anything of the answer is read
 *     leaving.c      whether a client that sends no more is still there
 *     request.c      what a handler asks of the request
 *     request_trace.c  the trace it belongs to
 *     response.c     what a handler answers
 *     response_pieces.c  the same in pieces that are let go as they are sent
 *     filter.c       what stands between a handler's answer and the client
 *     routing.c      which route a request is for
 *     refusals.c     why a request is refused
 *     unserved.c     connections on which none came
 *     room.c         room for new connections when all are taken
 *     clients.c      how many connections each client has
 *     peers.c        who clients are, as text
 */
#ifndef WEIR__HTTP_SERVER_SERVER_H
#define WEIR__HTTP_SERVER_SERVER_H

#include <stdatomic.h>

#include <weir/http_server.h>
#include <weir/stream.h>
#include <weir/sync.h>

#include "base/arena.h"
#include "core/held_loop.h"
#include "core/loop.h"
#include "core/runtime.h"
#include "core/scope.h"
#include "core/account/activity.h"
#include "http/message/body.h"
#include "http/server/clients.h"
#include "http/message/date.h"
#include "http/message/head.h"
#include "core/timeout_list.h"
#include "http/message/pattern.h"
#include "http/server/peers.h"
#include "http/message/trace.h"
#include "http/server/unserved.h"
#include "net/listener.h"
#include "net/stream.h"

struct weir__connection;
struct weir__exchange;

enum {
    WEIR__DRAIN_S = 30,                       /* unless the options say otherwise */
    WEIR__EXCHANGE_BYTES_MAX = 64 << 20,      /* memory of one exchange */
    WEIR__DISCARD_BYTES_MAX = 256 << 10,      /* of a body that its handler left unread */
    WEIR__AHEAD_BYTES_MAX = 32 << 20,         /* read ahead of its body */
    WEIR__AHEAD_BYTES_MAX_OF_ALL = 256 << 20, /* of all together */
    WEIR__METHOD_COUNT = WEIR__HTTP_OTHER_METHOD + 1,
};

struct weir__route {
    const weir_route *given;
    struct weir__http_pattern pattern;
    unsigned methods;                     /* bits by enum weir__http_method */
    char *task_names[WEIR__METHOD_COUNT]; /* "GET /page/{id}" */
};

struct weir__server {
    struct weir__registered registered;
    weir_server_options options; /* defaults filled in */
    struct weir__route *routes;
    size_t route_count;
    int loop_count;
    struct weir__server_loop *loops;
    atomic_int exchanges;
    atomic_int exchanges_max;      /* the limit, or less for now: weir_server_hold() */
    atomic_size_t ahead_bytes;     /* see read_ahead.c */
    atomic_int full_loops;         /* that take no more; see room.c */
    atomic_bool room_wanted;       /* one of them has nobody to close for a new one */
    struct weir__clients *clients; /* NULL: each may have any number */
    pthread_mutex_t alive_lock;    /* all zero is a lock that is free */
    bool alive;                    /* loops may be told from outside; under the lock */
    atomic_bool draining;
    atomic_int accepting_loops; /* so many have not stopped */
    struct weir__held_hook held_hook;
    bool ledger; /* of each exchange is kept */
};

struct weir__server_loop {
    struct weir__server *server;
    struct weir__loop *loop;
    void *state; /* the user's, from setup */
    weir_listener **listeners;
    size_t listener_count, closing_listeners;
    bool serving, full, draining;
    bool cut; /* it is to end now */
    struct weir__message drain_now, cut_now;
    struct weir__list moving;       /* connections on their way from here to other loops, see placing.c */
    struct weir__timeout sweep;     /* looks whether they have arrived */
    pthread_mutex_t listeners_lock; /* of their number: another loop may be about to rescue us */
    struct weir__message all_stopped;
    /* see rescue.c */
    struct weir__rescue *rescues; /* what we do for others, by their number */
    int rescuing;                 /* how many */
    struct weir__timeout rescue_timeout;
    struct weir__message rescue_message;
    atomic_bool rescue_asked;
    atomic_int rescuer;                     /* number of who does it for us, from 1 */
    atomic_int connection_count;            /* here and on their way; read by others, to place new ones */
    _Atomic uint64_t accepted, turned_away; /* written here, read by others */
    struct weir__timeout room;              /* see room.c; so are the next two */
    struct weir__message nudge;
    atomic_bool nudged;
    struct weir__list connections; /* all that are here */
    struct weir__timeout_list idle, head, progress, half_closed, behind, linger;
    struct weir__http_field *fields;   /* room to parse into */
    struct weir__scope exchange_scope; /* of every exchange's task */
    weir_event stop;                   /* serving waits for this, or its cancel */
    weir_event quiet;                  /* set when draining and no connection or listener is left */
    /* Queueing on the loop: see exchange.c */
    int64_t window_ends_ns, window_least_ns;
    bool overloaded;
    char date[WEIR__HTTP_DATE_BYTES];
    int64_t date_until_ns;
    int64_t complained_ns; /* when it last said that accepting fails */
    struct weir__unserved unserved;
    struct weir__peers peers;
};

/* Lies behind its stream, in one allocation; 10 000 idle ones must cost little. */
struct weir__connection {
    struct weir__server_loop *home;
    struct weir__list node; /* in home->connections */
    struct weir__timeout_entry patient;
    struct weir__exchange *exchange; /* from the first byte of a head to the end of its answer */
    bool awaiting;                   /* an await of the stream is pending */
    bool lingering;                  /* answered and shut down; what still comes is thrown away */
    unsigned char stage;             /* enum weir__stage */
    union {
        uint32_t lingered_bytes;           /* while it lingers */
        struct weir__unserved_place place; /* while half a head is here */
    };
    struct weir__client_key client[]; /* one, if clients are counted and this one is */
};

struct weir_request {
    struct weir__http_request_head head;
    struct weir__http_params params;
    struct weir__http_body body;
    int body_err;                        /* sticky: what follows can't be understood any more */
    const char *method, *target, *query; /* in the input, made NUL-terminated */
    weir_bytes raw_path, path;           /* as it came, and in normal form */
    const char *path_text, *peer;        /* made when asked for */
    const struct weir__route *route;
    const void *note;        /* for on_exchange */
    weir_trace trace;        /* looked for when asked; all 0 before */
    const char *trace_state; /* of the same moment; NULL: none */
    bool continue_due;
};

struct weir_response {
    char *headers; /* complete lines, in the arena */
    size_t headers_len, headers_room;
    int status;
    bool began, ended, chunked, no_body, keep_alive;
    uint64_t left, sent; /* of the body: what the handler may still write; what went out */
    int err;             /* the connection's, sticky */
    const weir_reply_filter *filter;
    void *filter_arg;
    bool filtered;   /* the body goes through it */
    bool unfiltered; /* it has failed: what is said of that does not go through it */
};

/* Why a request is answered by the server itself. */
struct weir__refusal {
    int status;                 /* 0: it is not */
    const char *code, *message; /* NULL: it is answered with the status and Allow alone */
    const char *reason;         /* which limit, when the code leaves it open; else NULL */
    bool close;                 /* nobody knows where the next request begins */
    const char *allow;
};

/* What an exchange waits for its client to do. */
enum weir__waits_for { WEIR__FOR_BODY = 1, WEIR__FOR_ANSWER = 2 };

struct weir__client_waits {
    uint8_t what;                   /* of enum weir__waits_for, now */
    bool looked;                    /* the last three are known */
    int body_err;                   /* sticky: the body comes in too slowly */
    int64_t body_since_ns, body_ns; /* this wait for the body; those before it together */
    int64_t answer_since_ns;        /* the client took something then, or was first asked to */
    int64_t answer_ns;              /* waits for it to take the answer, as far as they were looked at */
    uint64_t taken_from, taken;     /* by the first look and the last; see weir__stream_acknowledged() */
};

struct weir__read_ahead {
    weir_buffer kept;            /* the input lies in it, unless it is empty */
    struct weir__http_body body; /* as of the last byte that came */
    size_t counted;              /* in server->ahead_bytes */
    size_t burst;                /* since the loop was last left to others */
    bool over;                   /* the body's end has come, or a fault */
    struct weir__timeout again;
    struct weir__exchange *exchange;
};

struct weir__exchange {
    struct weir_request request;
    struct weir_response response;
    struct weir__arena memory;      /* this lies in it */
    struct weir__activity activity; /* of its task and of all it spawns */
    struct weir__connection *connection;
    struct weir__refusal refusal;
    bool running;              /* its task exists */
    struct weir__scope *scope; /* of the whole task; NULL before it has begun */
    struct weir__task *reader; /* parked for input */
    weir_buffer body;          /* what weir_read_body() handed out */
    /* What came and was not used. Up to the end of the head it holds what the head's spans point to; what
     * comes after it is complete goes to another place. */
    char *input;
    size_t input_at, input_len, input_room;
    char *later_input;
    struct weir__http_scan scan;
    int input_end;                  /* 1: the client has sent its last; < 0: the connection broke */
    uint8_t head_sent;              /* bytes of the answer's head that went out before it: see leaving.c */
    struct weir__read_ahead *ahead; /* NULL: none was necessary */
    struct weir__client_waits waits;
    int64_t began_ns, queued_ns;
};

static inline struct weir__exchange *weir__exchange_of_request(const weir_request *req)
{
    return weir__container_of(req, struct weir__exchange, request);
}

static inline struct weir__exchange *weir__exchange_of_response(const weir_response *res)
{
    return weir__container_of(res, struct weir__exchange, response);
}

/* Of a number that only its own loop counts up: no locked instruction is needed. */
static inline void weir__server_count(_Atomic uint64_t *n)
{
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1, memory_order_relaxed);
}

static inline weir_stream *weir__connection_stream(struct weir__connection *c)
{
    return weir__stream_of_extra(c);
}

/* connection.c */

/* Begins to serve a stream whose extra is a struct weir__connection. */
void weir__connection_start(struct weir__server_loop *home, weir_stream *stream);
/* Has more input come in, unless that is asked for already. */
void weir__connection_await(struct weir__connection *c);
/* The exchange has ended and kept the connection: the next begins if its bytes are here. Frees x. */
void weir__connection_next(struct weir__connection *c, struct weir__exchange *x);
/* Ends it. lingers: the client may still be sending, and has an answer to read first. Frees its exchange. */
void weir__connection_close(struct weir__connection *c, bool reset, bool lingers);
/* Its client has as many as it may have: it is told so, and not served. */
void weir__connection_turn_back(struct weir__server_loop *home, weir_stream *stream);
/* Ends one on which nothing goes on, for the good of others. */
void weir__connection_make_room(struct weir__connection *c);
void weir__connections_init(struct weir__server_loop *home);
/* Draining: those that have no exchange may be used once more, for a while; later, when timeouts is at its
 * end, those whose head never came are closed. */
void weir__connections_drain(struct weir__server_loop *home);
void weir__connections_close_waiting(struct weir__server_loop *home);

/* A head has come. */
static inline void weir__connection_is_served(struct weir__connection *c)
{
    if (c->stage != WEIR__STAGE_SERVED)
        weir__unserved_served(c);
}

/* exchange.c */

/* NULL: no memory. */
struct weir__exchange *weir__exchange_new(struct weir__connection *c);
void weir__exchange_free(struct weir__exchange *x);
/* Adds to the input. */
int weir__exchange_take(struct weir__exchange *x, const char *data, size_t len) WEIR_CHECKED;
/* Looks for a head in the input and starts the exchange's task when it is whole or faulty.
 * Returns: 1 started; 0 more input is needed; -ENOMEM no task could be made. */
int weir__exchange_try_start(struct weir__exchange *x) WEIR_CHECKED;
/* Starts it with a refusal, though its head is not whole. */
int weir__exchange_refuse_slow_head(struct weir__exchange *x) WEIR_CHECKED;
/* Parks until there is input: 1; 0 the client has sent its last; < 0. */
int weir__exchange_fill(struct weir__exchange *x) WEIR_CHECKED;
/* Reads what comes next straight into data, past the input, which must be empty and not awaited.
 * Returns: so many bytes; 0 the client has sent its last; < 0. */
ssize_t weir__exchange_read(struct weir__exchange *x, void *data, size_t bytes) WEIR_CHECKED;
/* A task has used input: asks for more when all of it is used, so that the client's leaving is seen. */
void weir__exchange_used(struct weir__exchange *x);
/* The client has left, or sent its last: result 0, or why the connection broke. */
void weir__exchange_input_ended(struct weir__exchange *x, int result);

/* client_waits.c */

void weir__client_waits_init(struct weir__server_loop *home);
/* The wait for more of the body begins. Returns: 0; -WEIR_ESLOW it does not, because too little has come. */
int weir__client_wait_for_body(struct weir__exchange *x) WEIR_CHECKED;
/* The wait for the client to take more of the answer begins. */
void weir__client_wait_to_take_more(struct weir__exchange *x);
static inline void weir__client_wait_to_take(struct weir__exchange *x)
{
    struct weir__connection *c = x->connection;

    if (x->waits.what != 0 || x->ahead != NULL) {
        weir__client_wait_to_take_more(x);
        return;
    }
    x->waits.what = WEIR__FOR_ANSWER;
    weir__timeout_list_enter(&c->home->progress, &c->patient);
    x->waits.answer_since_ns = c->patient.since_ns;
}
/* Since when it has taken nothing of its answer; INT64_MAX: it is not asked to. */
int64_t weir__client_takes_nothing_since(const struct weir__timeout_entry *p);
/* Breaks off the answer. */
void weir__client_takes_too_little(struct weir__exchange *x);

static inline void weir__client_took(struct weir__exchange *x)
{
    x->waits.what &= (uint8_t)~WEIR__FOR_ANSWER;
    if (x->waits.what == 0)
        weir__timeout_list_leave(&x->connection->patient);
}
/* The wait for the body is over. Harmless if there is none. */
void weir__client_sent(struct weir__exchange *x);

/* read_ahead.c */

/* The client takes nothing: has more of the body come in, if there is more. */
void weir__read_ahead(struct weir__exchange *x);
/* Adds to input that is not used up. */
int weir__read_ahead_take(struct weir__exchange *x, const char *data, size_t len) WEIR_CHECKED;
/* All of it was used up, and this came after it. */
void weir__read_ahead_used(struct weir__exchange *x, const char *data, size_t len);
bool weir__read_ahead_wants_more(const struct weir__exchange *x);
void weir__read_ahead_end(struct weir__exchange *x);

/* leaving.c */

void weir__leaving_init(struct weir__server_loop *home);
/* The client has sent its last: its exchange, which runs, is cancelled once it turns out to have left. */
void weir__exchange_watch_leaving(struct weir__exchange *x);
/* The same for a further exchange of such a client, which is watched already. */
void weir__exchange_probe(struct weir__exchange *x);
/* The next request, or a part of it, is here while an exchange runs whose body has ended: its client's
 * leaving is seen only behind that, so some of it is read. Harmless when nothing is. */
void weir__exchange_watch_behind(struct weir__exchange *x);
bool weir__exchange_wants_behind(const struct weir__exchange *x);

/* exchange_charges.c */

/* Accounts for all so far, in its task. Returns: how long that is. */
weir_duration weir__exchange_close(struct weir__exchange *x);
/* Adds a Server-Timing header: where the time went so far. */
void weir__exchange_tell_timing(struct weir__exchange *x);

/* request.c */
int weir__request_discard_body(weir_request *req) WEIR_CHECKED;

/* response.c */
void weir__response_begin_exchange(struct weir__exchange *x);
/* Ends what the handler left: the last chunk, or the visible break. */
void weir__response_finish(struct weir__exchange *x, int outcome);
int weir__response_send_continue(struct weir__exchange *x) WEIR_CHECKED;
/* Once it is clear that an answer may be given: a whole one; the head of a stream; bytes of its body. */
int weir__response_send_whole(struct weir__exchange *x, int status, const char *type, const void *data,
                              size_t bytes) WEIR_CHECKED;
int weir__response_send_head(struct weir__exchange *x, int status, const char *type,
                             int64_t length) WEIR_CHECKED;
int weir__response_send_body(struct weir__exchange *x, const void *data, size_t bytes) WEIR_CHECKED;
/* Whether one may be given. whole: the handler reads no more of the request. */
int weir__response_begin(struct weir__exchange *x, int status, bool whole) WEIR_CHECKED;
/* The head of one with a body to come, as bytes to be sent. */
int weir__response_make_head(struct weir__exchange *x, int status, const char *type, int64_t length,
                             struct iovec *made) WEIR_CHECKED;
/* Sends some of it. */
int weir__response_send_pieces(struct weir__exchange *x, struct iovec *pieces, size_t count) WEIR_CHECKED;
bool weir__response_has_no_body(const struct weir__exchange *x, int status);

/* filter.c */

/* The same through the answer's filter. */
int weir__filter_whole(struct weir__exchange *x, int status, const char *type, const void *data,
                       size_t bytes) WEIR_CHECKED;
int weir__filter_head(struct weir__exchange *x, int status, const char *type, int64_t length) WEIR_CHECKED;
int weir__filter_body(struct weir__exchange *x, const void *data, size_t bytes) WEIR_CHECKED;
/* All was written: what it still has goes out. */
int weir__filter_finish(struct weir__exchange *x) WEIR_CHECKED;
/* The exchange is over, and has one. */
void weir__filter_end(struct weir__exchange *x);

/* room.c */

void weir__room_init(struct weir__server_loop *home);
/* A connection has been accepted. */
void weir__room_taken(struct weir__server_loop *home);
/* One became idle, while loops are full. */
void weir__room_idle(struct weir__server_loop *home);
/* One is gone. */
void weir__room_left(struct weir__server_loop *home);

/* routing.c */

/* The methods a route takes, as bits. */
unsigned weir__route_methods(const weir_route *route);
/* By its head: its route and what the path says, or a refusal. Returns: 0; -ENOMEM. */
int weir__exchange_find_route(struct weir__exchange *x) WEIR_CHECKED;

/* refusals.c */

/* The first refusal counts. message: a literal, or in the memory of the exchange. */
void weir__refuse(struct weir__exchange *x, int status, const char *code, const char *message, bool close);
void weir__refuse_busy(struct weir__exchange *x, const char *reason, const char *message);
void weir__refuse_fault(struct weir__exchange *x, const struct weir__http_fault *fault);
void weir__refuse_slow_head(struct weir__exchange *x);
/* That its body is too large, and how much is taken. */
const char *weir__body_limit_text(struct weir__exchange *x);

/* placing.c */

/* Gives a connection that was accepted here to a loop, and counts it there. */
void weir__connection_place(struct weir__server_loop *here, int fd);
void weir__placing_init(struct weir__server_loop *home);

/* rescue.c: of a loop; of all */
int weir__rescue_open(struct weir__server_loop *home) WEIR_CHECKED;
void weir__rescue_close(struct weir__server_loop *home);
void weir__rescues_pause(struct weir__server_loop *home, bool pause);
/* Takes what waits for loops that are held, and has the kernel take no more for them. */
void weir__rescues_drain(struct weir__server_loop *home);
void weir__rescue_begin(struct weir__server *server);
void weir__rescue_end(struct weir__server *server);

/* server.c */

/* weir_server_run() of a server that is all zero, and lives until it is freed. */
int weir__server_run(struct weir__server *server, const weir_server_options *options,
                     const weir_route *routes, size_t route_count) WEIR_CHECKED;
void weir__server_free(struct weir__server *server);
/* Has each loop drain, and end at once what it drains: any thread, each once, until the server is freed. */
void weir__server_drain_outside(struct weir__server *server);
void weir__server_cut_outside(struct weir__server *server);

/* server_loop.c */
int weir__server_loop_open(struct weir__server_loop *home, const char *const *addresses, size_t count,
                           bool first) WEIR_CHECKED;
/* Serves until cancelled, then drains. */
int weir__server_loop_run(struct weir__server_loop *home);
void weir__server_loop_close(struct weir__server_loop *home);
/* The callback of its listeners. */
void weir__server_loop_accepted(weir_listener *l, void *arg, int fd);
void weir__server_loop_close_listener(struct weir__server_loop *home, weir_listener *l);
/* A connection is gone. */
void weir__server_loop_left(struct weir__server_loop *home);
/* While draining: the last may have gone. */
void weir__server_loop_check_quiet(struct weir__server_loop *home);
/* A loop accepts no more, or never did. */
void weir__server_loop_stopped(struct weir__server *server);

#endif
