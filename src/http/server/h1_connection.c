/* SPDX-License-Identifier: MIT */
/* An HTTP/1 connection, from exchange to exchange. Between exchanges it holds no task and no buffer. */
#include <errno.h>
#include <string.h>

#include <weir/scope.h>

#include "core/task.h"
#include "http/server/exchange.h"
#include "http/server/h1.h"
#include "http/server/h1_progress.h"
#include "http/server/request.h"
#include "tls/transport/start_tls.h"

static const struct weir__wire wire;

/* --- an exchange begins --- */

static struct weir__h1_exchange *begin_exchange(struct weir__connection *c)
{
    struct weir__exchange *x = weir__exchange_new(c->home, &wire, sizeof(struct weir__h1_exchange));

    if (x == NULL)
        return NULL;
    weir__timeout_list_enter(&c->home->head, &c->timeout);
    x->began_ns = x->queued_ns = c->timeout.since_ns;
    x->request.secure = weir__tls_is_on(weir__connection_stream(c));
    c->exchange = weir__h1_of(x);
    c->exchange->connection = c;
    return c->exchange;
}

/* The exchange's task has been made. */
static void started(struct weir__h1_exchange *h)
{
    struct weir__connection *c = h->connection;

    if (c->stage != WEIR__STAGE_SERVED)
        weir__unserved_served(weir__connection_unserved(c));
    /* An application that asks for addresses asks when an exchange ends: after a reset there is none. */
    if (c->home->peers.texts)
        (void)weir_request_peer(&h->exchange.request);
    h->running = true;
    weir__timeout_list_leave(&c->timeout);
}

/* Starts the exchange when its head is whole or faulty. Returns: 1 started; 0 more input is needed; -ENOMEM.
 */
static int try_start(struct weir__h1_exchange *h)
{
    struct weir__server_loop *home = h->exchange.home;
    const weir_limits *l = &home->server->options.limits;
    struct weir__http_head_limits limits = {.head_bytes_max = l->head_bytes,
                                            .target_bytes_max = l->head_bytes};
    struct weir__http_request_head *head = &h->exchange.request.head;
    struct weir__http_fault fault = {0};
    int used, err;

    head->fields = home->fields;
    head->field_max = (size_t)l->headers;
    used = weir__http_request_head_parse(h->input + h->input_at, h->input_len - h->input_at, &h->scan,
                                         &limits, head, &fault);
    if (used == 0)
        return 0;
    if (used > 0)
        h->input_at += (size_t)used;
    err = weir__exchange_start(&h->exchange, used < 0 ? &fault : NULL);
    if (err < 0)
        return err;
    started(h);
    return 1;
}

/* Goes on with an exchange that has not started. Returns: whether more input is wanted; after false the
 * connection may be gone. */
static bool go_on(struct weir__connection *c)
{
    struct weir__h1_exchange *h = c->exchange;
    int result = try_start(h);

    if (result < 0) {
        weir__h1_reject(c);
        return false;
    }
    if (result == 0)
        weir__unserved_half_sent(weir__connection_unserved(c));
    else
        weir__h1_watch_behind(h);
    return result == 0 || h->input_at == h->input_len;
}

/* --- input --- */

/* Input could not be kept. */
static void no_memory(struct weir__connection *c)
{
    struct weir__h1_exchange *h = c->exchange;

    if (h != NULL && h->running)
        weir__h1_input_ended(h, -ENOMEM);
    else
        weir__h1_reject(c);
}

static void wake_reader(struct weir__h1_exchange *h)
{
    struct weir__task *reader = h->reader;

    if (reader == NULL)
        return;
    h->reader = NULL;
    weir__h1_body_came(h);
    weir__wake(reader, 1);
}

/* Passes over empty lines before a head, of which a first part had come alone. */
static void pass_empty_lines(struct weir__h1_exchange *h)
{
    size_t passed = weir__h1_empty_lines(h->input + h->input_at, h->input_len - h->input_at);

    if (passed == 0)
        return;
    h->input_at += passed;
    if (h->input_at == h->input_len)
        h->input_at = h->input_len = 0;
    h->scan = (struct weir__http_scan){0};
}

/* Returns: whether more input is wanted; after false the connection may be gone. */
static bool take(struct weir__connection *c, const char *data, size_t len)
{
    struct weir__h1_exchange *h = c->exchange;
    bool begins = h == NULL;

    if (c->lingering)
        return weir__h1_lingered(c, len);
    if (begins) { /* the idle timeout is not renewed by empty lines */
        size_t passed = weir__h1_empty_lines(data, len);
        if (passed == len)
            return true;
        data += passed;
        len -= passed;
        h = begin_exchange(c);
    }
    if (h == NULL || weir__h1_input_add(h, data, len) < 0) {
        no_memory(c);
        return false;
    }
    if (!h->running) {
        if (!begins) {
            pass_empty_lines(h);
            h->exchange.queued_ns = 0;
        }
        return go_on(c);
    }
    wake_reader(h);
    if (weir__h1_read_ahead_wants_more(h) || (h->input_at < h->input_len && weir__h1_wants_behind(h)))
        return true;
    weir__h1_watch(h);
    return false;
}

static bool input_came(struct weir__connection *c, char *data, int32_t result)
{
    if (result > 0) {
        weir_stream *stream = weir__connection_stream(c);
        bool more = take(c, data, (size_t)result);
        weir__stream_return(stream, data); /* if the stream was closed, c is gone now */
        return more;
    }
    if (c->exchange == NULL || !c->exchange->running)
        weir__h1_left_without_request(c, result);
    else if (result == -ECANCELED && c->exchange->stopping)
        weir__h1_input_stopped(c->exchange);
    else
        weir__h1_input_ended(c->exchange, result);
    return false;
}

/* --- an exchange ends --- */

/* The client has sent its last, or left: there will be no more input. */
static void go_on_to_the_end(struct weir__connection *c, bool kept, int end)
{
    struct weir__h1_exchange *h = c->exchange;
    int result = 0;

    if (h != NULL && kept) {
        h->input_end = end;
        result = try_start(h);
    }
    if (result < 0)
        weir__h1_drop(c, true);
    else if (result == 0)
        weir__h1_left_without_request(c, end < 0 ? end : 0);
    else
        weir__h1_probe_half_closed(h);
}

static void become_idle(struct weir__connection *c)
{
    struct weir__server_loop *home = c->home;

    weir__timeout_list_enter(&home->idle, &c->timeout);
    weir__h1_receive(c);
    if (atomic_load_explicit(&home->server->full_loops, memory_order_relaxed) > 0)
        home->events->idle(home);
}

/* Begins the next exchange if some of its bytes are here. */
static void next_exchange(struct weir__connection *c, struct weir__h1_exchange *h)
{
    size_t left, passed;
    bool kept = true;
    int end;

    weir__h1_input_used(h);
    left = h->input_len - h->input_at;
    passed = left > 0 ? weir__h1_empty_lines(h->input + h->input_at, left) : 0;
    end = h->input_end;
    c->exchange = NULL;
    h->input_at += passed;
    left -= passed;
    if (left > 0 && end >= 0)
        kept =
            begin_exchange(c) != NULL && weir__h1_input_add(c->exchange, h->input + h->input_at, left) == 0;
    weir__h1_exchange_free(h);
    if (end != 0) {
        go_on_to_the_end(c, kept, end);
    } else if (!kept) {
        weir__h1_reject(c);
    } else if (left > 0) {
        if (go_on(c))
            weir__h1_receive(c);
    } else {
        become_idle(c);
    }
}

static void finish_request(struct weir__exchange *x)
{
    struct weir__h1_exchange *h = weir__h1_of(x);
    weir_scope time;

    if (!h->keep_alive)
        return;
    weir_scope_open(&time, weir_after(weir_ms(WEIR__H1_DISCARD_MS)), 0);
    if (weir__request_discard_body(&x->request, WEIR__H1_DISCARD_BYTES_MAX) < 0)
        h->keep_alive = false;
    (void)weir_scope_close(&time);
}

/* Whether the client may still be sending. */
static bool sends(const struct weir__h1_exchange *h)
{
    const weir_request *req = &h->exchange.request;
    bool read = req->body.ended || req->head.minor == 0;

    return h->input_end == 0 && (!read || h->exchange.refusal.close || h->input_at < h->input_len);
}

/* A connection that was promised to be kept is kept: when it drains, the next response promises no more. */
static void end(struct weir__exchange *x)
{
    struct weir__h1_exchange *h = weir__h1_of(x);

    if (h->connection == NULL)
        weir__h1_end_taken_over(h);
    else if (h->keep_alive && x->request.body.ended)
        next_exchange(h->connection, h);
    else if (sends(h))
        weir__h1_shut_down(h->connection);
    else
        weir__h1_drop(h->connection, false);
}

static void reset(struct weir__exchange *x)
{
    struct weir__h1_exchange *h = weir__h1_of(x);

    if (h->connection == NULL)
        weir__h1_end_taken_over(h);
    else
        weir__h1_drop(h->connection, true);
}

static const char *peer(struct weir__exchange *x, char *text)
{
    return weir__peers_of(&x->home->peers, weir__connection_stream(weir__h1_of(x)->connection), text);
}

static bool peer_ip(struct weir__exchange *x, unsigned char out[16])
{
    return weir__peers_ip(&x->home->peers, weir__connection_stream(weir__h1_of(x)->connection), out);
}

static const char *local(struct weir__exchange *x, char *text)
{
    return weir__stream_local(weir__connection_stream(weir__h1_of(x)->connection), text);
}

static int tls_info(struct weir__exchange *x, weir_tls_info *info)
{
    struct weir__connection *c = weir__h1_of(x)->connection;

    return c == NULL ? -ENOTCONN : weir__tls_info(weir__connection_stream(c), info);
}

static const struct weir__wire wire = {
    .take_body = weir__h1_take_body,
    .await_body = weir__h1_await_body,
    .release_body = weir__h1_release_body,
    .read_body = weir__h1_read_body,
    .splice_body = weir__h1_splice_body,
    .send = weir__h1_send,
    .can_splice = weir__h1_can_splice,
    .splice = weir__h1_splice,
    .send_informational = weir__h1_send_informational,
    .take_over = weir__h1_take_over,
    .finish_request = finish_request,
    .end = end,
    .reset = reset,
    .peer = peer,
    .peer_ip = peer_ip,
    .local = local,
    .tls_info = tls_info,
};

/* --- for the server --- */

/* Whether nothing of a head has come: empty lines have been passed over, but for a part of one. */
static bool has_no_head(const struct weir__h1_exchange *h)
{
    size_t left = h->input_len - h->input_at;

    return left == 0 || (left == 1 && h->input[h->input_at] == '\r');
}

static void head_exhausted(struct weir__timeout_entry *entry)
{
    struct weir__connection *c = weir__connection_of_timeout(entry);
    struct weir__h1_exchange *h = c->exchange;

    weir__unserved_ends(weir__connection_unserved(c), WEIR_UNSERVED_HEAD_TIMEOUT);
    if (has_no_head(h))
        weir__h1_drop(c, false);
    else if (weir__exchange_start_slow(&h->exchange) < 0)
        weir__h1_reject(c);
    else
        started(h);
}

void weir__connections_init(struct weir__server_loop *home)
{
    weir__list_init(&home->connections);
    home->input_came = input_came;
    weir__timeout_list_init(&home->head, home->loop, home->server->options.limits.head_timeout,
                            head_exhausted);
    weir__h1_progress_init(home);
    weir__h1_half_close_init(home);
    weir__h1_close_init(home);
    weir__h1_open_init(home);
}

void weir__connections_end(struct weir__server_loop *home)
{
    weir__timeout_list_stop(&home->opening);
    weir__timeout_list_stop(&home->idle);
    weir__timeout_list_stop(&home->head);
    weir__timeout_list_stop(&home->progress);
    weir__timeout_list_stop(&home->half_closed);
    weir__timeout_list_stop(&home->behind);
    weir__timeout_list_stop(&home->linger);
}

void weir__connection_make_room(struct weir__connection *c)
{
    if (c->exchange != NULL && c->exchange->running) {
        weir__h1_takes_too_little(c->exchange);
        return;
    }
    weir__unserved_ends(weir__connection_unserved(c), WEIR_UNSERVED_MADE_ROOM);
    weir__h1_drop(c, false);
}
