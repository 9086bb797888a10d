/* SPDX-License-Identifier: MIT */
/* One request with its response, as a task: from the bytes of a head to the end of the answer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/account/attribution.h"
#include "core/task.h"
#include "core/wait.h"
#include "http/message/headers.h"
#include "http/server/server.h"
#include "net/address.h"

enum { INPUT_ROOM_MIN = 512 };

/* An exchange that waits longer than this to be run comes too late to be cheap; when even the luckiest of a
 * whole window does, new ones are refused until that is over. (After Nichols and Jacobson, "Controlling Queue
 * Delay", 2012: the least delay tells a standing queue from a burst.) */
static const int64_t delay_target_ns = 50 * 1000000;
static const int64_t delay_window_ns = 100 * 1000000;

struct weir__exchange *weir__exchange_new(struct weir__connection *c)
{
    struct weir__arena memory;
    struct weir__exchange *x;

    weir__arena_init(&memory, &c->home->loop->chunks, WEIR__EXCHANGE_BYTES_MAX);
    x = weir__arena_alloc(&memory, sizeof *x);
    if (x == NULL)
        return NULL;
    memset(x, 0, sizeof *x);
    weir__arena_move(&x->memory, &memory);
    x->connection = c;
    if (c->home->server->ledger)
        weir__ledger_open(&x->activity.ledger, &x->memory, weir__heartbeat_ticks(&c->home->loop->heartbeat));
    return x;
}

void weir__exchange_free(struct weir__exchange *x)
{
    if (x == NULL)
        return;
    weir_buffer_free(&x->body);
    if (x->ahead != NULL)
        weir__read_ahead_end(x);
    weir__arena_free(&x->memory);
}

/* --- input --- */

static int make_room(struct weir__exchange *x, size_t len)
{
    size_t room = x->input_room == 0 ? INPUT_ROOM_MIN : x->input_room;
    char *input;

    if (x->input_len + len <= x->input_room)
        return 0;
    while (room < x->input_len + len)
        room *= 2;
    input = weir__arena_alloc(&x->memory, room);
    if (input == NULL)
        return -ENOMEM;
    if (x->input_len > 0)
        memcpy(input, x->input, x->input_len);
    x->input = input;
    x->input_room = room;
    return 0;
}

/* Behind the head: one buffer, filled when it is empty. */
static int use_later_input(struct weir__exchange *x)
{
    if (x->later_input == NULL) {
        x->later_input = weir__arena_alloc(&x->memory, WEIR__STREAM_LENT_BYTES_MAX);
        if (x->later_input == NULL)
            return -ENOMEM;
    }
    x->input = x->later_input;
    x->input_room = WEIR__STREAM_LENT_BYTES_MAX;
    x->input_at = x->input_len = 0;
    return 0;
}

int weir__exchange_take(struct weir__exchange *x, const char *data, size_t len)
{
    bool unused = x->running && x->input_at < x->input_len;
    int err;

    if (unused && x->ahead != NULL)
        return weir__read_ahead_take(x, data, len);
    if (x->ahead != NULL)
        weir__read_ahead_used(x, data, len);
    err = x->running && !unused ? use_later_input(x) : make_room(x, len);
    if (err < 0)
        return err;
    memcpy(x->input + x->input_len, data, len);
    x->input_len += len;
    return 0;
}

void weir__exchange_used(struct weir__exchange *x)
{
    if (x->input_at == x->input_len && x->input_end == 0)
        weir__connection_await(x->connection);
}

static bool describe_body(const struct weir__look *look, const struct weir__task *task,
                          struct weir__wait_words *out)
{
    struct weir__connection *connection;
    char peer[WEIR_ADDRESS_BYTES];

    if (!weir__peek(&look->peek, weir__peek_at((struct weir__exchange *)task->wait_arg, connection),
                    &connection, sizeof(struct weir__connection *)) ||
        !weir__stream_peer_seen(look, task->loop, weir__connection_stream(connection), peer))
        return false;
    (void)snprintf(out->text, sizeof out->text, "the request's body from %s", peer);
    return true;
}

static const struct weir__wait_class body = {"the request's body", describe_body, .charge = WEIR_CHARGE_BODY};

static void stop_reading(struct weir__task *task)
{
    struct weir__exchange *x = task->wait_arg;

    x->reader = NULL;
    weir__wake_cancelled(task);
}

int weir__exchange_fill(struct weir__exchange *x)
{
    int got = weir__wait_begin();

    if (got < 0)
        return got;
    weir__exchange_used(x);
    if (x->input_at < x->input_len)
        return 1;
    if (x->input_end != 0)
        return x->input_end < 0 ? x->input_end : 0;
    got = weir__client_wait_for_body(x);
    if (got < 0)
        return got;
    x->reader = weir__task_current();
    got = weir__park(&body, stop_reading, x);
    weir__client_sent(x);
    return got;
}

/* Waits for what the client sends, and is as patient with it as weir__exchange_fill(). */
static ssize_t receive(struct weir__exchange *x, void *data, size_t bytes)
{
    struct weir__task *self = weir__task_current();
    struct weir__attribution before;
    ssize_t got = weir__client_wait_for_body(x);

    if (got < 0)
        return got;
    before = weir__attribution_on(self, WEIR_CHARGE_BODY, NULL);
    got = weir_read(weir__connection_stream(x->connection), data, bytes);
    weir__client_sent(x);
    weir__attribution_back(self, before);
    return got;
}

ssize_t weir__exchange_read(struct weir__exchange *x, void *data, size_t bytes)
{
    ssize_t got = receive(x, data, bytes);

    if (x->waits.body_err < 0)
        return x->waits.body_err;
    if (got > 0 || (got < 0 && weir_cancelled() < 0))
        return got;
    weir__exchange_input_ended(x, (int)got);
    return got;
}

void weir__exchange_input_ended(struct weir__exchange *x, int result)
{
    struct weir__task *reader = x->reader;

    x->input_end = result == 0 ? 1 : result;
    if (reader != NULL) {
        x->reader = NULL;
        weir__wake(reader, result);
    }
    if (result == 0)
        weir__exchange_watch_leaving(x);
    else if (x->scope != NULL)
        weir__scope_cancel(x->scope, -WEIR_ECANCELED);
}

/* --- the head --- */

/* The byte behind a span of the input is never read again: there is room for a NUL. */
static const char *end_text(weir_bytes span)
{
    char *text = (char *)(uintptr_t)span.data;

    if (text == NULL)
        return "";
    text[span.len] = '\0';
    return text;
}

static void begin_body(struct weir__exchange *x)
{
    weir_request *req = &x->request;
    uint64_t max = x->connection->home->server->options.limits.body_bytes;

    if (req->route != NULL && req->route->given->body_bytes_max > 0)
        max = req->route->given->body_bytes_max;
    weir__http_body_begin(&req->body, req->head.framing, req->head.content_length, max);
    req->continue_due = req->head.expect_continue && !req->body.ended;
    if (weir__http_body_is_too_large(&req->body))
        weir__refuse(x, 413, "too_large", weir__body_limit_text(x), true);
}

static int take_head(struct weir__exchange *x, size_t used)
{
    weir_request *req = &x->request;
    size_t bytes = req->head.field_count * sizeof *req->head.fields;
    struct weir__http_field *fields = weir__arena_alloc(&x->memory, bytes);
    int err;

    if (fields == NULL)
        return -ENOMEM;
    memcpy(fields, req->head.fields, bytes);
    req->head.fields = fields;
    x->input_at += used;
    err = weir__exchange_find_route(x);
    if (err < 0)
        return err;
    req->method = end_text(req->head.method_text);
    req->target = end_text(req->head.target);
    begin_body(x);
    return 0;
}

/* --- the task --- */

/* A window that was long does not speak for whoever comes at last and was not kept waiting. */
static void note_delay(struct weir__server_loop *home, int64_t now_ns, int64_t delay_ns)
{
    if (now_ns >= home->window_ends_ns) {
        home->overloaded = home->window_ends_ns != 0 && home->window_least_ns > delay_target_ns &&
                           home->window_least_ns != INT64_MAX && delay_ns > delay_target_ns;
        home->window_ends_ns = now_ns + delay_window_ns;
        home->window_least_ns = INT64_MAX;
    }
    if (delay_ns < home->window_least_ns)
        home->window_least_ns = delay_ns;
}

/* What was found holds for one more window: after that nobody has come, so nobody waits. */
static bool is_overloaded(const struct weir__server_loop *home, int64_t now_ns)
{
    return home->overloaded && now_ns < home->window_ends_ns + delay_window_ns;
}

static int answer_refusal(struct weir__exchange *x)
{
    const struct weir__refusal *r = &x->refusal;
    int err = r->allow != NULL ? weir_reply_header(&x->response, "allow", r->allow) : 0;

    if (err == 0 && r->code == NULL)
        return weir_reply_bytes(&x->response, r->status, NULL, NULL, 0);
    return err < 0 ? err : weir_reply_fault(&x->response, r->status, r->code, r->message);
}

static void record(struct weir__exchange *x)
{
    struct weir__server_loop *home = x->connection->home;
    const weir_server_options *o = &home->server->options;
    const struct weir__refusal *refusal = &x->refusal;
    weir_request *req = &x->request;
    weir_exchange_record r;

    if (o->on_exchange == NULL)
        return;
    /* Field by field: a structure is cleared first, and this is on the path of every request. */
    r.request = req;
    r.method = req->method != NULL ? req->method : "";
    r.target = req->target != NULL ? req->target : "";
    r.route = req->route != NULL ? req->route->given->path : "";
    r.data = req->route != NULL ? req->route->given->data : NULL;
    r.state = home->state;
    r.note = req->note;
    r.status = x->response.status;
    r.refused = refusal->reason != NULL ? refusal->reason : refusal->code;
    r.complete = x->response.ended && x->response.err == 0;
    r.request_bytes = req->body.taken;
    r.reply_bytes = x->response.sent;
    r.took = weir__exchange_close(x);
    o->on_exchange(o->arg, &r);
}

/* How the connection goes on. */
static void leave(struct weir__exchange *x)
{
    struct weir__connection *c = x->connection;
    const weir_response *res = &x->response;
    bool whole = res->ended && res->err == 0;
    bool read = x->request.body.ended || x->request.head.minor == 0;

    if (!whole)
        weir__connection_close(c, true, false);
    else if (res->keep_alive &&
             x->request.body.ended) /* promised: draining, the next answer promises no more */
        weir__connection_next(c, x);
    else
        weir__connection_close(
            c, false, x->input_end == 0 && (!read || x->refusal.close || x->input_at < x->input_len));
}

static int run(void *arg)
{
    struct weir__exchange *x = arg;
    struct weir__server_loop *home = x->connection->home;
    int64_t now_ns = weir__loop_now_ns(home->loop);
    weir_scope scope;
    int outcome;

    note_delay(home, now_ns, now_ns - x->queued_ns);
    weir__ledger_begin(&x->activity.ledger);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    x->scope = weir__scope_of(&scope);
    if (x->input_end < 0)
        weir__scope_cancel(x->scope, -WEIR_ECANCELED);
    weir__response_begin_exchange(x);
    if (x->refusal.status != 0)
        outcome = answer_refusal(x);
    else
        outcome = x->request.route->given->handler(&x->request, &x->response, home->state);
    if (!x->response.ended) /* else all is said */
        weir__response_finish(x, outcome);
    if (x->response.filter != NULL)
        weir__filter_end(x);
    if (!x->request.body.ended && x->response.ended && x->response.err == 0 && x->response.keep_alive &&
        weir__request_discard_body(&x->request) < 0)
        x->response.keep_alive = false;
    x->scope = NULL;
    (void)weir_scope_close(&scope);
    record(x);
    weir__task_set_activity(weir__task_current(), NULL);
    atomic_fetch_sub_explicit(&home->server->exchanges, 1, memory_order_relaxed);
    leave(x);
    return 0;
}

static const char *task_name(const struct weir__exchange *x)
{
    const weir_request *req = &x->request;

    if (x->refusal.status != 0 || req->route == NULL)
        return "refusing a request";
    return req->route->task_names[req->head.method];
}

/* Its first task, which has not begun, works for the exchange. */
static void begin_work(struct weir__exchange *x, struct weir__task *task)
{
    x->activity.memory = &x->memory;
    x->activity.route = x->request.route != NULL ? x->request.route->given->path : NULL;
    weir__task_set_activity(task, &x->activity);
    if (x->activity.ledger.on)
        weir__ledger_start(&x->activity.ledger, weir__loop_slice_ticks(task->loop));
}

static void refuse_beyond(struct weir__exchange *x, int here)
{
    if (here >= x->connection->home->server->options.limits.exchanges)
        weir__refuse_busy(x, "exchanges", "too many requests are in progress; try again later");
    else
        weir__refuse_busy(x, "memory", "memory is short; try again later");
}

static int start(struct weir__exchange *x)
{
    struct weir__connection *c = x->connection;
    struct weir__server *server = c->home->server;
    const struct weir__route *route = x->request.route;
    struct weir__task *task;
    int here = atomic_fetch_add_explicit(&server->exchanges, 1, memory_order_relaxed);
    int err;

    x->queued_ns = weir__loop_now_ns(c->home->loop);
    if (route != NULL && route->given->vital)
        ; /* there is room for it */
    else if (here >= atomic_load_explicit(&server->exchanges_max, memory_order_relaxed))
        refuse_beyond(x, here);
    else if (is_overloaded(c->home, x->queued_ns))
        weir__refuse_busy(x, "queueing", "requests wait too long to be begun; try again later");
    err = weir__spawn(&c->home->exchange_scope, task_name(x), run, x, &task);
    if (err < 0) {
        atomic_fetch_sub_explicit(&server->exchanges, 1, memory_order_relaxed);
        return err;
    }
    begin_work(x, task);
    weir__connection_is_served(c);
    /* Whoever wants the client's address asks at the end: when it has reset, and has none any more. */
    if (c->home->peers.kept != NULL)
        (void)weir_request_peer(&x->request);
    x->running = true;
    weir__timeout_list_leave(&c->patient);
    return 1;
}

int weir__exchange_refuse_slow_head(struct weir__exchange *x)
{
    weir__refuse_slow_head(x);
    return start(x);
}

int weir__exchange_try_start(struct weir__exchange *x)
{
    struct weir__server_loop *home = x->connection->home;
    const weir_limits *l = &home->server->options.limits;
    struct weir__http_head_limits limits = {.head_bytes_max = l->head_bytes,
                                            .target_bytes_max = l->head_bytes};
    struct weir__http_request_head *head = &x->request.head;
    struct weir__http_fault fault = {0};
    int used;

    head->fields = home->fields;
    head->field_max = (size_t)l->headers;
    used = weir__http_request_head_parse(x->input + x->input_at, x->input_len - x->input_at, &x->scan,
                                         &limits, head, &fault);
    if (used == 0)
        return 0;
    if (used < 0) {
        memset(head, 0, sizeof *head);
        weir__refuse_fault(x, &fault);
    } else {
        int err = take_head(x, (size_t)used);
        if (err < 0)
            return err;
    }
    return start(x);
}
