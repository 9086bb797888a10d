/* SPDX-License-Identifier: MIT */
/* A connection: what comes in goes to its exchange; between exchanges it holds no task and no buffer.
 *
 * Bytes lie in a buffer of the loop only while the callback runs: they are copied into the exchange's own
 * memory and the buffer goes back. While an exchange holds input it has not used, no more is asked for, so a
 * client can't send faster than the handler reads. While it holds none, something is always asked for: that
 * is how a client's leaving is seen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/task.h"
#include "http/server/server.h"

/* Many clients send all of a body before they read: what they send is thrown away, if it comes at some pace:
 * a step each time that long. */
enum { LINGER_MS = 2000, LINGER_STEP_BYTES = 1 << 16, LINGER_BYTES_MAX = 1 << 26 };
enum { IDLE_GRACE_MS = 5000, IDLE_GRACE_LEAST_MS = 500, DRAIN_LINGER_MS = 1000 };

static void closed(weir_stream *stream)
{
    struct weir__connection *c = weir__stream_extra(stream);

    weir__list_remove(&c->node);
    if (c->home->server->clients != NULL && c->client[0].family != 0)
        weir__clients_leave(c->home->server->clients, c->client);
    weir__server_loop_left(c->home);
}

static void drop(struct weir__connection *c, bool reset)
{
    weir__unserved_ends(c, WEIR_UNSERVED_DRAINED); /* unless it has been told how */
    weir__timeout_list_leave(&c->patient);
    if (c->exchange != NULL)
        weir__exchange_free(c->exchange);
    c->exchange = NULL;
    if (reset)
        weir__stream_abort_detached(weir__connection_stream(c), closed);
    else
        weir__stream_close_detached(weir__connection_stream(c), closed);
}

static void linger(struct weir__connection *c)
{
    weir__exchange_free(c->exchange);
    c->exchange = NULL;
    c->lingering = true;
    c->lingered_bytes = 0;
    weir__timeout_list_enter(&c->home->linger, &c->patient);
    weir__connection_await(c);
}

void weir__connection_close(struct weir__connection *c, bool reset, bool lingers)
{
    if (reset || !lingers || weir_stream_shutdown(weir__connection_stream(c)) < 0) {
        drop(c, reset);
        return;
    }
    /* Closing with bytes unread would reset the connection and may destroy the answer on its way. */
    linger(c);
}

/* --- input --- */

/* What is said without a task, when none can be made. */
#define CANNED_503_BODY "{\"error\":{\"code\":\"busy\",\"message\":\"out of memory; try again later\"}}\n"
static const char canned_503_text[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                      "content-type: application/json\r\n"
                                      "content-length: 69\r\n"
                                      "retry-after: 1\r\n"
                                      "connection: close\r\n\r\n" CANNED_503_BODY;
_Static_assert(sizeof CANNED_503_BODY - 1 == 69, "the content-length above");

static void canned_503_sent(struct weir__stream_send *send, weir_stream *stream, int result)
{
    free(send);
    if (result != -ECANCELED && weir_stream_shutdown(stream) < 0)
        drop(weir__stream_extra(stream), true);
}

/* Without memory for a task, or even for an exchange: the connection ends, if possible with a 503. */
static void reject(struct weir__connection *c)
{
    struct weir__stream_send *send = calloc(1, sizeof *send);

    weir__server_count(&c->home->turned_away);
    weir__unserved_ends(c, WEIR_UNSERVED_MEMORY);
    if (send == NULL) {
        drop(c, true);
        return;
    }
    linger(c);
    send->data = canned_503_text;
    send->bytes = sizeof canned_503_text - 1;
    send->sent = canned_503_sent;
    weir__stream_send_detached(weir__connection_stream(c), send);
}

#define TURNED_BACK_BODY                                                                                     \
    "{\"error\":{\"code\":\"busy\",\"message\":\"too many connections from your address\"}}\n"
static const char turned_back_text[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                       "content-type: application/json\r\n"
                                       "content-length: 77\r\n"
                                       "retry-after: 1\r\n"
                                       "connection: close\r\n\r\n" TURNED_BACK_BODY;
_Static_assert(sizeof TURNED_BACK_BODY - 1 == 77, "the content-length above");

/* At once, and without waiting for what it may still send: else it would have the place all the same. */
void weir__connection_turn_back(struct weir__server_loop *home, weir_stream *stream)
{
    struct weir__connection *c = weir__stream_extra(stream);

    c->home = home;
    weir__list_push_back(&home->connections, &c->node);
    weir__list_init(&c->patient.node);
    weir__unserved_begins(c);
    weir__unserved_ends(c, WEIR_UNSERVED_CLIENT_LIMIT);
    (void)weir__stream_send_now(stream, turned_back_text, sizeof turned_back_text - 1);
    drop(c, false);
}

void weir__connection_make_room(struct weir__connection *c)
{
    if (c->exchange != NULL && c->exchange->running) {
        weir__client_takes_too_little(c->exchange);
        return;
    }
    weir__unserved_ends(c, WEIR_UNSERVED_MADE_ROOM);
    drop(c, false);
}

/* The exchange may have begun: true when more input is wanted. */
static bool go_on(struct weir__connection *c)
{
    struct weir__exchange *x = c->exchange;
    int started = weir__exchange_try_start(x);

    if (started < 0) {
        reject(c);
        return false;
    }
    if (started == 0)
        weir__unserved_half_sent(c);
    else
        weir__exchange_watch_behind(x);
    return started == 0 || x->input_at == x->input_len;
}

/* Empty lines that some clients send behind a body are no beginning of a request: they are passed over. The
 * timeouts with an idle connection is not renewed by them. */
static size_t empty_lines(const char *data, size_t len)
{
    size_t at = 0;

    while (at + 2 <= len && data[at] == '\r' && data[at + 1] == '\n')
        at += 2;
    return at;
}

static struct weir__exchange *begin_exchange(struct weir__connection *c)
{
    struct weir__exchange *x = c->exchange = weir__exchange_new(c);

    if (x != NULL) {
        weir__timeout_list_enter(&c->home->head, &c->patient);
        x->began_ns = c->patient.since_ns;
    }
    return x;
}

static bool lingered(struct weir__connection *c, size_t len)
{
    uint32_t before = c->lingered_bytes;

    c->lingered_bytes += (uint32_t)len;
    if (c->lingered_bytes > LINGER_BYTES_MAX) {
        drop(c, false);
        return false;
    }
    if (before / LINGER_STEP_BYTES != c->lingered_bytes / LINGER_STEP_BYTES)
        weir__timeout_list_enter(&c->home->linger, &c->patient);
    return true;
}

/* True when more is wanted; after false c may be gone. */
static bool took(struct weir__connection *c, const char *data, size_t len)
{
    struct weir__exchange *x = c->exchange;

    if (c->lingering)
        return lingered(c, len);
    if (x == NULL) {
        size_t passed = empty_lines(data, len);
        if (passed == len)
            return true;
        data += passed;
        len -= passed;
        x = begin_exchange(c);
    }
    if (x == NULL || weir__exchange_take(x, data, len) < 0) {
        if (x == NULL || !x->running)
            reject(c);
        else
            weir__exchange_input_ended(x, -ENOMEM);
        return false;
    }
    if (!x->running)
        return go_on(c);
    if (x->reader != NULL) {
        struct weir__task *reader = x->reader;
        x->reader = NULL;
        weir__client_sent(x);
        weir__wake(reader, 1);
    }
    return weir__read_ahead_wants_more(x) || (x->input_at < x->input_len && weir__exchange_wants_behind(x));
}

/* Its client has gone, and left no request that is under way. */
static void client_left(struct weir__connection *c, int32_t result)
{
    weir__unserved_ends(c, result == 0 ? WEIR_UNSERVED_CLOSED : WEIR_UNSERVED_RESET);
    drop(c, false);
}

static bool handle(struct weir__connection *c, char *data, int32_t result)
{
    c->awaiting = false;
    if (result > 0) {
        weir_stream *stream = weir__connection_stream(c);
        bool more = took(c, data, (size_t)result);
        weir__stream_return(stream, data); /* when it has been closed, the last moment of c */
        return more;
    }
    if (c->exchange != NULL && c->exchange->running)
        weir__exchange_input_ended(c->exchange, result);
    else
        client_left(c, result);
    return false;
}

static void input_came(weir_stream *stream, char *data, int32_t result)
{
    struct weir__connection *c = weir__stream_extra(stream);

    if (handle(c, data, result))
        weir__connection_await(c);
}

void weir__connection_await(struct weir__connection *c)
{
    char *data;
    int32_t result;

    if (c->awaiting)
        return;
    do {
        c->awaiting = true;
        if (!weir__stream_await(weir__connection_stream(c), input_came, &data, &result))
            return;
    } while (handle(c, data, result));
}

/* --- from exchange to exchange --- */

void weir__connection_start(struct weir__server_loop *home, weir_stream *stream)
{
    struct weir__connection *c = weir__stream_extra(stream);

    c->home = home;
    weir__list_push_back(&home->connections, &c->node);
    weir__list_init(&c->patient.node);
    weir__peers_forget(&home->peers, c);
    weir__unserved_begins(c);
    weir__timeout_list_enter(&home->idle, &c->patient);
    weir__connection_await(c);
}

/* The client has sent its last, or gone: what is here of it is all there will be. */
static void go_on_to_the_end(struct weir__connection *c, bool kept, int end)
{
    struct weir__exchange *x = c->exchange;
    int started = 0;

    if (x != NULL && kept) {
        x->input_end = end;
        started = weir__exchange_try_start(x);
    }
    if (started < 0)
        drop(c, true);
    else if (started == 0)
        client_left(c, end < 0 ? end : 0);
    else
        weir__exchange_probe(x);
}

void weir__connection_next(struct weir__connection *c, struct weir__exchange *x)
{
    size_t left = x->input_len - x->input_at;
    size_t passed = left > 0 ? empty_lines(x->input + x->input_at, left) : 0;
    int end = x->input_end;
    bool kept = true;

    c->exchange = NULL;
    x->input_at += passed;
    left -= passed;
    if (left > 0 && end >= 0) {
        begin_exchange(c);
        kept = c->exchange != NULL && weir__exchange_take(c->exchange, x->input + x->input_at, left) == 0;
    }
    weir__exchange_free(x);
    if (end != 0) {
        go_on_to_the_end(c, kept, end);
    } else if (!kept) {
        reject(c);
    } else if (left > 0) {
        if (go_on(c))
            weir__connection_await(c);
    } else {
        struct weir__server_loop *home = c->home;
        weir__timeout_list_enter(&home->idle, &c->patient);
        weir__connection_await(c);
        if (atomic_load_explicit(&home->server->full_loops, memory_order_relaxed) > 0)
            weir__room_idle(home);
    }
}

/* --- timeouts at its end --- */

static struct weir__connection *of_patient(struct weir__timeout_entry *p)
{
    return weir__container_of(p, struct weir__connection, patient);
}

static void idle_exhausted(struct weir__timeout_entry *p)
{
    weir__unserved_ends(of_patient(p), WEIR_UNSERVED_IDLE_TIMEOUT);
    drop(of_patient(p), false);
}

/* It is of an empty line that came in pieces. */
static bool is_empty(const char *input, size_t len)
{
    return (len == 1 || (len == 2 && input[1] == '\n')) && input[0] == '\r';
}

static void head_exhausted(struct weir__timeout_entry *p)
{
    struct weir__connection *c = of_patient(p);
    const struct weir__exchange *x = c->exchange;

    weir__unserved_ends(c, WEIR_UNSERVED_HEAD_TIMEOUT);
    if (is_empty(x->input, x->input_len)) {
        drop(c, false);
        return;
    }
    if (weir__exchange_refuse_slow_head(c->exchange) < 0)
        reject(c);
}

void weir__connections_init(struct weir__server_loop *home)
{
    const weir_limits *l = &home->server->options.limits;

    weir__list_init(&home->connections);
    weir__timeout_list_init(&home->idle, home->loop, l->idle_timeout, idle_exhausted);
    weir__timeout_list_init(&home->head, home->loop, l->head_timeout, head_exhausted);
    weir__client_waits_init(home);
    weir__leaving_init(home);
    weir__timeout_list_init(&home->linger, home->loop, weir_ms(LINGER_MS), idle_exhausted);
}

/* --- draining --- */

/* drop() may take the connection out of the list at once or later: so the list is walked from a copy of its
 * order, each one taken out and put back before it is dropped. */
static void close_those(struct weir__server_loop *home, bool (*chosen)(const struct weir__connection *c))
{
    struct weir__list before, *node;

    weir__list_init(&before);
    weir__list_move_all(&before, &home->connections);
    while ((node = weir__list_pop_front(&before)) != NULL) {
        struct weir__connection *c = weir__container_of(node, struct weir__connection, node);
        weir__list_push_back(&home->connections, node);
        if (chosen(c))
            drop(c, false);
    }
}

static bool is_waiting(const struct weir__connection *c)
{
    return (c->exchange == NULL || !c->exchange->running) && !weir__list_is_empty(&c->patient.node);
}

/* It was not used any more: half of it is closed, and what its client sends all the same is read, so that the
 * client sees an end and no reset. */
static void idle_drained(struct weir__timeout_entry *p)
{
    weir__unserved_ends(of_patient(p), WEIR_UNSERVED_DRAINED);
    weir__connection_close(of_patient(p), false, true);
}

/* Closing a connection that its client is about to use loses a request. So it may be used once more, until it
 * has been idle for as long as that is likely; who has been idle for long already gets a moment, for what is
 * on its way. */
void weir__connections_drain(struct weir__server_loop *home)
{
    const weir_server_options *o = &home->server->options;
    int64_t grace_ns = weir_ms(IDLE_GRACE_MS).ns;

    if (grace_ns > o->drain.ns)
        grace_ns = o->drain.ns;
    home->idle.exhausted = idle_drained;
    weir__timeout_list_shorten(&home->idle, (weir_duration){grace_ns}, weir_ms(IDLE_GRACE_LEAST_MS));
    weir__timeout_list_shorten(&home->linger, weir_ms(DRAIN_LINGER_MS), weir_ms(DRAIN_LINGER_MS));
}

void weir__connections_close_waiting(struct weir__server_loop *home)
{
    close_those(home, is_waiting);
}
