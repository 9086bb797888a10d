/* SPDX-License-Identifier: MIT */
/* HTTP/1.0 and 1.1: a connection with one exchange at a time.
 *
 * Threading: all of it belongs to the connection's loop.
 *
 *     h1_connection.c  from exchange to exchange; implements wire.h
 *     h1_open.c        before the first request: whose connection it is, the handshake of TLS
 *     h1_input.c       what came in: heads, and bodies of requests
 *     h1_output.c      responses on their way out
 *     h1_progress.c    time limits and least rates for the body and the response
 *     h1_half_close.c  whether a client that has sent its last still reads
 *     h1_read_ahead.c  receives a body while its client reads nothing of the response
 *     h1_watch.c       whether a client is still there while its body is not received
 *     h1_reject.c      responses without an exchange
 *     h1_take_over.c   gives a connection to another protocol
 *     h1_close.c       the end of a connection
 *     h1_receive.c     asks for input, without a task
 *
 * Received bytes lie in a buffer of the loop only while the callback runs: they are copied to the exchange
 * and the buffer is handed back. While an exchange has input that it has not used no more is asked for, so a
 * client can't send faster than the handler reads. While an exchange has none something is always asked for:
 * so a client that leaves is noticed. While a body is not asked for, the connection is watched for that.
 */
#ifndef WEIR__HTTP_SERVER_H1_H
#define WEIR__HTTP_SERVER_H1_H

#include "http/message/scan.h"
#include "http/server/output_queue.h"
#include "http/server/state.h"
#include "net/layers.h"
#include "net/stream.h"
#include "net/stream_watch.h"

enum {
    WEIR__H1_DISCARD_BYTES_MAX = 64 << 10,            /* of a body that its handler left unread */
    WEIR__H1_DISCARD_MS = 1000,                       /* how long that may take */
    WEIR__H1_READ_AHEAD_BYTES_MAX = 32 << 20,         /* for one exchange */
    WEIR__H1_READ_AHEAD_BYTES_MAX_OF_ALL = 256 << 20, /* for all exchanges of a server */
};

/* Lies behind its stream, in one allocation. Small, because there may be 10 000 idle ones. */
struct weir__connection {
    struct weir__server_loop *home;
    struct weir__list node;             /* in home->connections */
    struct weir__timeout_entry timeout; /* in one of home's timeout lists, or in none */
    struct weir__h1_exchange *exchange; /* from the first byte of a head to the end of its response */
    struct weir__output_queue output;
    bool awaiting;       /* input is asked for */
    bool lingering;      /* shut down; what still comes is dropped */
    unsigned char stage; /* enum weir__stage */
    union {
        uint32_t lingered_bytes;           /* while it lingers */
        struct weir__unserved_place place; /* while a part of a head is here */
    };
    struct weir__client_key client[]; /* one, if connections of a client are limited and this one counts */
};

/* What an exchange waits for its client to do: bits. */
enum weir__h1_wait { WEIR__H1_WAIT_BODY = 1, WEIR__H1_WAIT_TAKE = 2 };

struct weir__h1_progress {
    uint8_t waits;                  /* of enum weir__h1_wait, now */
    bool sampled;                   /* the last three are known */
    int body_err;                   /* sticky: the body comes in too slowly */
    int64_t body_since_ns, body_ns; /* this wait for the body; those before it, summed */
    int64_t taken_since_ns;         /* the client took something then, or the wait began */
    int64_t take_ns;                /* waits for it to take the response, as far as they were sampled */
    uint64_t taken_from, taken;     /* by the first sample and the last: see weir__stream_acknowledged() */
};

struct weir__h1_exchange {
    struct weir__exchange exchange;      /* first: see weir__exchange_new() */
    struct weir__connection *connection; /* NULL: it is another protocol's */
    bool running;                        /* its task exists */
    bool stopping;             /* its task waits until no more input is asked for: see h1_take_over.c */
    bool sent_last;            /* a watch has seen the client's end: bytes before it may be unread */
    bool lends;                /* payload that was taken still lies in the input: it must stay there */
    bool keep_alive, chunked;  /* of the response, once it has begun */
    uint8_t early_bytes;       /* of the response that were sent before its head: see h1_half_close.c */
    struct weir__task *reader; /* parked for input */
    /* Received, and not used. Up to the end of the head these are the bytes that the head's spans point to;
     * what comes after the complete head goes to another place. */
    char *input;
    size_t input_at, input_len, input_room;
    char *later_input;
    int input_end; /* 1: the client has sent its last; < 0: the connection broke */
    struct weir__http_scan scan;
    struct weir__h1_read_ahead *ahead; /* NULL: none was necessary */
    struct weir__stream_watch *watch;  /* for the end of the body's sender; NULL: there is none */
    struct weir__client_key client;    /* of a connection that is another protocol's */
    struct weir__h1_progress progress;
};

static inline struct weir__h1_exchange *weir__h1_of(struct weir__exchange *x)
{
    return weir__container_of(x, struct weir__h1_exchange, exchange);
}

static inline weir_stream *weir__connection_stream(struct weir__connection *c)
{
    return weir__stream_of_extra(c);
}

static inline struct weir__connection *weir__connection_of_timeout(struct weir__timeout_entry *entry)
{
    return weir__container_of(entry, struct weir__connection, timeout);
}

/* Ends the watch for the client's end, if there is one: see h1_watch.c. */
static inline void weir__h1_unwatch(struct weir__h1_exchange *h)
{
    if (h->watch != NULL)
        weir__stream_watch_stop(h->watch);
    h->watch = NULL;
}

/* A connection as unserved.h counts it. */
static inline struct weir__unserved_connection weir__connection_unserved(struct weir__connection *c)
{
    return (struct weir__unserved_connection){&c->home->unserved, &c->stage, &c->place,
                                              weir__connection_stream(c)};
}

/* The first thing done to a connection. */
static inline void weir__connection_open(struct weir__server_loop *home, struct weir__connection *c)
{
    c->home = home;
    weir__list_push_back(&home->connections, &c->node);
    weir__list_init(&c->timeout.node);
    weir__unserved_begins(weir__connection_unserved(c));
}

/* --- h1_connection.c --- */

/* Before the first connection of a loop, and after the last. */
void weir__connections_init(struct weir__server_loop *home);
void weir__connections_end(struct weir__server_loop *home);
/* Closes a connection on which nothing goes on, or breaks off its response, to make room for another one. */
void weir__connection_make_room(struct weir__connection *c);

/* --- h1_open.c --- */

void weir__h1_open_init(struct weir__server_loop *home);
/* Begins to serve a stream whose extra is a struct weir__connection, and on which the layers have been put.
 */
void weir__connection_start(struct weir__server_loop *home, weir_stream *stream, struct weir__layers layers);
/* For weir__layers_put_on(): the header of the PROXY protocol has told the client. */
int weir__connection_client_known(weir_stream *stream);
/* The client has left without a request under way, or the handshake or the header failed. result: of the
 * receive. */
void weir__h1_left_without_request(struct weir__connection *c, int32_t result);

/* --- h1_reject.c --- */

/* A connection whose client has as many as it may have: says so, unless that needs a handshake, and closes
 * it.
 */
void weir__h1_reject_client(struct weir__connection *c);
/* A connection whose client speaks HTTP without TLS: says that it should. TLS has been taken off. */
void weir__h1_reject_plain(struct weir__connection *c);
/* A connection without the memory for its request: says so, if possible, and closes it. */
void weir__h1_reject(struct weir__connection *c);

/* --- h1_close.c --- */

/* Closes a connection and frees its exchange. */
void weir__h1_drop(struct weir__connection *c, bool reset);
/* From now on what the client sends is dropped, for a while; then the connection is closed. Frees the
 * exchange. */
void weir__h1_linger(struct weir__connection *c);
/* Shuts our side down, lingers, and receives. */
void weir__h1_shut_down(struct weir__connection *c);
void weir__h1_close_init(struct weir__server_loop *home);
/* Drops what a client sent while its connection lingers. Returns: whether it goes on lingering; after false c
 * may be gone. */
bool weir__h1_lingered(struct weir__connection *c, size_t bytes);
void weir__h1_exchange_free(struct weir__h1_exchange *h);
/* Draining: a connection without an exchange may be used once more, for a while. */
void weir__connections_drain(struct weir__server_loop *home);
/* The time to drain is over: closes the connections whose request never came. */
void weir__connections_close_waiting(struct weir__server_loop *home);

/* --- h1_receive.c --- */

/* Asks for input, unless that is done already: home->input_came is called with it. */
void weir__h1_receive(struct weir__connection *c);

/* --- h1_input.c --- */

/* Adds to the input. */
int weir__h1_input_add(struct weir__h1_exchange *h, const char *data, size_t len) WEIR_CHECKED;
/* The client has sent its last (result 0), or the connection broke. */
void weir__h1_input_ended(struct weir__h1_exchange *h, int result);
/* Nothing that was taken of the input is needed there any more. */
void weir__h1_input_used(struct weir__h1_exchange *h);
/* Passes over the empty lines that some clients send behind a body: they are no beginning of a request.
 * Returns: their bytes. */
size_t weir__h1_empty_lines(const char *data, size_t len);
int weir__h1_take_body(struct weir__exchange *x, size_t most, weir_bytes *payload);
int weir__h1_await_body(struct weir__exchange *x);
void weir__h1_release_body(struct weir__exchange *x, size_t next_bytes);
ssize_t weir__h1_read_body(struct weir__exchange *x, void *data, size_t bytes);
ssize_t weir__h1_splice_body(struct weir__exchange *x, struct weir__splice *splice, uint64_t most);

/* --- h1_output.c --- */

int weir__h1_send(struct weir__exchange *x, const struct weir__wire_head *head, const struct iovec *body,
                  size_t count, bool end);
int weir__h1_send_informational(struct weir__exchange *x, int status, weir_bytes fields);
bool weir__h1_can_splice(struct weir__exchange *x);
int weir__h1_splice(struct weir__exchange *x, struct weir__splice *splice);
/* Sends the head of an answer that ends HTTP on the connection. */
int weir__h1_send_switch(struct weir__h1_exchange *h, const char *protocol) WEIR_CHECKED;
/* Sends at once as much as the kernel takes, without a task.
 * Returns: the bytes it took; -EAGAIN none, or another writer is writing; -EPIPE, -ECONNRESET … */
ssize_t weir__h1_send_now(struct weir__connection *c, const char *data, size_t len);

/* --- h1_read_ahead.c --- */

/* The client takes nothing: receives more of the body, if there is more. */
void weir__h1_read_ahead(struct weir__h1_exchange *h);
/* Adds to input that is not used up. */
int weir__h1_read_ahead_add(struct weir__h1_exchange *h, const char *data, size_t len) WEIR_CHECKED;
/* All input was used up, and this came after it. */
void weir__h1_read_ahead_used(struct weir__h1_exchange *h, const char *data, size_t len);
/* All input was used up, and the body goes on with bytes that were not input. */
void weir__h1_read_ahead_passed(struct weir__h1_exchange *h);
/* What was taken of the input is used: what came meanwhile becomes input. Returns: 0; -ENOMEM. */
int weir__h1_read_ahead_settle(struct weir__h1_exchange *h) WEIR_CHECKED;
bool weir__h1_read_ahead_wants_more(const struct weir__h1_exchange *h);
/* All that came before the client's end is kept, and the body is not whole. */
bool weir__h1_read_ahead_is_cut(const struct weir__h1_exchange *h);
void weir__h1_read_ahead_end(struct weir__h1_exchange *h);

/* --- h1_take_over.c --- */

int weir__h1_take_over(struct weir__exchange *x, const char *protocol, weir_stream **out);
/* No more input is asked for. */
void weir__h1_input_stopped(struct weir__h1_exchange *h);
/* The exchange of a connection that was taken over has ended. Frees it. */
void weir__h1_end_taken_over(struct weir__h1_exchange *h);

/* --- h1_watch.c --- */

/* Nothing is asked for while more of the body is to come: watches for the client's end. Harmless when that is
 * done already. */
void weir__h1_watch(struct weir__h1_exchange *h);
/* The client's end has been received, behind all that came before it. */
void weir__h1_watched_end(struct weir__h1_exchange *h);

/* --- h1_half_close.c --- */

void weir__h1_half_close_init(struct weir__server_loop *home);
/* The client has sent its last while its exchange runs: the exchange is cancelled if it turns out to have
 * left. */
void weir__h1_watch_half_closed(struct weir__h1_exchange *h);
/* The same for a further exchange of such a client, which is watched already. */
void weir__h1_probe_half_closed(struct weir__h1_exchange *h);
/* The next request, or a part of it, is here while an exchange runs whose body has ended. Its client's
 * leaving shows only behind that, so some of it is received. Harmless when nothing is here. */
void weir__h1_watch_behind(struct weir__h1_exchange *h);
bool weir__h1_wants_behind(const struct weir__h1_exchange *h);

#endif
