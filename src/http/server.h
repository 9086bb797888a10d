/* The inside of the HTTP server: what its files share.
 *
 * Threading: a weir__server is shared by all loops: immutable once it serves, but for what is atomic. All else belongs to
 * one loop.
 *
 *     server.c      options, routes, loops, draining
 *     connection.c  a connection between and during exchanges: input, idleness, time limits, closing
 *     exchange.c    one request with its response, as a task
 *     request.c     what a handler asks of the request
 *     response.c    what a handler answers
 */
#ifndef WEIR__HTTP_SERVER_H
#define WEIR__HTTP_SERVER_H

#include <stdatomic.h>

#include <weir/http_server.h>
#include <weir/stream.h>
#include <weir/sync.h>

#include "base/arena.h"
#include "core/loop.h"
#include "core/scope.h"
#include "http/body.h"
#include "http/date.h"
#include "http/head.h"
#include "http/pattern.h"
#include "net/stream.h"

enum {
    WEIR__EXCHANGE_BYTES_MAX = 64 << 20, /* memory of one exchange */
    WEIR__INPUT_BYTES = WEIR__IO_LENT_BYTES,
};

struct weir__route {
    const weir_route *given;
    struct weir__http_pattern pattern;
    char name[WEIR__HTTP_PATTERN_BYTES_MAX + 16]; /* of its tasks */
};

struct weir__server {
    weir_server_options options; /* defaults filled in */
    struct weir__route *routes;
    size_t route_count;
    int loop_count;
    struct weir__server_loop **loops;
    atomic_int connections, exchanges;
    atomic_bool draining;
};

/* Connections in the same state, the one longest in it first; one timer for all of them. */
struct weir__patience {
    struct weir__list waiting;
    struct weir__timeout timeout;
    int64_t limit_ns;
    void (*exhausted)(struct weir__connection *c);
    struct weir__loop *loop;
};

struct weir__server_loop {
    struct weir__server *server;
    struct weir__loop *loop;
    void *state; /* the user's, from setup */
    weir_listener **listeners;
    size_t listener_count;
    struct weir__patience idle, head, progress;
    struct weir__list busy; /* connections whose exchange makes no wait on the client */
    struct weir__http_field *fields; /* room to parse into */
    struct weir__scope *exchange_scope;
    size_t connection_count, exchange_count;
    weir_event quiet; /* set when draining and no exchange is left */
    /* Queueing on the loop: exchanges are refused while even the least delay of a window stays above the target. */
    int64_t window_ends_ns, window_least_ns;
    bool overloaded;
    char date[WEIR__HTTP_DATE_BYTES];
    int64_t date_until_ns;
    int64_t wall_offset_ns;
};

/* Lies behind its stream, in one allocation. */
struct weir__connection {
    weir_stream *stream;
    struct weir__server_loop *home;
    struct weir__list node; /* in the list of its state */
    int64_t since_ns;       /* in that state */
    struct weir__exchange *exchange; /* NULL: idle */
    struct weir__exchange *early;    /* idle, but a head has begun to come in */
};

struct weir_request {
    struct weir__http_request_head head;
    struct weir__http_params params;
    struct weir__http_body body;
    const char *method, *target, *path, *query;
    bool continue_due;
    const struct weir__route *route;
    char peer[WEIR_ADDRESS_BYTES];
};

struct weir_response {
    char *headers; /* complete lines, in the arena */
    size_t headers_len, headers_room;
    int status;
    bool began, ended, chunked, no_body, keep_alive;
    uint64_t left, sent; /* of the body; left only when not chunked */
    int err;             /* the connection's, sticky */
};

struct weir__exchange {
    struct weir_request request;
    struct weir_response response;
    struct weir__arena memory;
    struct weir__connection *connection;
    struct weir__scope *scope; /* the handler's; NULL before and after */
    struct weir__task *reader; /* parked for input */
    weir_buffer body;          /* what weir_read_body() handed out */
    char *input;               /* WEIR__INPUT_BYTES of what came and was not used */
    size_t input_at, input_len;
    struct weir__http_scan scan;
    struct weir__http_fault fault; /* status != 0: refuse instead of handling */
    int input_end;                 /* 1: the client has sent its last; < 0: the connection broke */
    bool input_wanted;             /* an await is pending */
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

/* connection.c */
int weir__connection_start(struct weir__server_loop *home, weir_stream *stream);
/* Asks for more input, into exchange->input when there is an exchange. */
void weir__connection_await(struct weir__connection *c);
/* Between exchanges: with input left the next exchange begins at once. */
void weir__connection_idle(struct weir__connection *c);
/* Ends it from a task. */
void weir__connection_close(struct weir__connection *c, bool reset);
/* Ends it from a callback. */
void weir__connection_drop(struct weir__connection *c);
void weir__connection_enter(struct weir__connection *c, struct weir__patience *patience);
void weir__patience_init(struct weir__patience *p, struct weir__loop *loop, weir_duration limit,
                         void (*exhausted)(struct weir__connection *));
void weir__patience_stop(struct weir__patience *p);
void weir__connection_idle_exhausted(struct weir__connection *c);
void weir__connection_head_exhausted(struct weir__connection *c);
void weir__connection_progress_exhausted(struct weir__connection *c);

/* exchange.c */
struct weir__exchange *weir__exchange_new(struct weir__connection *c);
void weir__exchange_free(struct weir__exchange *x);
/* Looks for a head in the input: starts the exchange's task when it is whole or faulty. False: more is needed. */
bool weir__exchange_try_start(struct weir__exchange *x);
/* Parks until there is input: 1; 0 the client has sent its last; < 0. */
int weir__exchange_fill(struct weir__exchange *x);

/* request.c */
int weir__request_discard_body(weir_request *req);

/* response.c */
void weir__response_begin_exchange(struct weir__exchange *x);
/* Ends what the handler left: the last chunk, or the visible break. */
void weir__response_finish(struct weir__exchange *x, int outcome);
int weir__response_send_continue(struct weir__exchange *x);
const char *weir__server_date(struct weir__server_loop *home);

/* server.c */
const struct weir__route *weir__server_match(struct weir__server *server, weir_request *req, weir_bytes normal,
                                             weir_bytes path, uint32_t *allowed);

#endif
