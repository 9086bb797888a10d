/* SPDX-License-Identifier: MIT */
/* One request with its response: a task runs the route's handler, or answers a refusal. */
#include "http/server/exchange.h"

#include <errno.h>
#include <string.h>

#include "core/task.h"
#include "http/server/exchange_timing.h"
#include "http/server/filter.h"
#include "http/server/handler_check.h"
#include "http/server/refusals.h"
#include "http/server/response_error.h"
#include "http/server/routing.h"

/* Admission by queueing delay (after Nichols and Jacobson, "Controlling Queue Delay", 2012). An exchange that
 * waits longer than the target for its task to run comes too late to be cheap. When even the least delay of a
 * whole window exceeds the target, new exchanges are refused until one does not. The least delay tells a
 * standing queue from a burst. */
static const int64_t delay_target_ns = 50 * 1000000;
static const int64_t delay_window_ns = 100 * 1000000;

struct weir__exchange *weir__exchange_new(struct weir__server_loop *home, const struct weir__wire *wire,
                                          size_t bytes)
{
    struct weir__arena memory;
    struct weir__exchange *x;

    weir__arena_init(&memory, &home->loop->chunks, WEIR__EXCHANGE_BYTES_MAX);
    x = weir__arena_alloc(&memory, bytes);
    if (x == NULL)
        return NULL;
    memset(x, 0, bytes);
    weir__arena_move(&x->memory, &memory);
    x->home = home;
    x->loop = home->loop;
    x->wire = wire;
    if (home->server->ledger)
        weir__ledger_open(&x->activity.ledger, &x->memory, weir__heartbeat_ticks(&home->loop->heartbeat));
    return x;
}

void weir__exchange_free(struct weir__exchange *x)
{
    x->loop = NULL;
    if (x->body.cap > 0)
        weir_buffer_free(&x->body);
    if (x->request.trailers.cap > 0)
        weir_buffer_free(&x->request.trailers);
    weir__arena_free(&x->memory);
}

/* --- the head --- */

/* The byte behind a span of the head is never read again: it becomes a NUL. */
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
    uint64_t max = x->home->server->options.limits.body_bytes;

    if (req->route != NULL && req->route->given->body_bytes_max > 0)
        max = req->route->given->body_bytes_max;
    weir__http_body_begin(&req->body, req->head.framing, req->head.content_length, max);
    if (req->head.framing == WEIR__HTTP_CHUNKED) {
        weir_buffer_init(&req->trailers, (size_t)2 * WEIR__HTTP_TRAILER_BYTES_MAX);
        req->body.chunked.keeps_trailers = true;
    }
    req->continue_due = req->head.expect_continue && !req->body.ended;
    if (weir__http_body_is_too_large(&req->body) &&
        (req->route == NULL || !req->route->given->takes_too_large))
        weir__refuse(x, 413, "too_large", weir__body_limit_text(x), true);
}

static int take_head(struct weir__exchange *x)
{
    weir_request *req = &x->request;
    size_t bytes = req->head.field_count * sizeof *req->head.fields;
    struct weir__http_field *fields = weir__arena_alloc(&x->memory, bytes);
    int err;

    if (fields == NULL)
        return -ENOMEM;
    memcpy(fields, req->head.fields, bytes);
    req->head.fields = fields;
    err = weir__exchange_find_route(x);
    if (err < 0)
        return err;
    req->method = end_text(req->head.method_text);
    req->target = end_text(req->head.target);
    begin_body(x);
    return 0;
}

/* --- admission --- */

/* The verdict of a long window does not hold for an exchange after it that was not kept waiting. */
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

/* A verdict holds for one more window. After that no exchange has come, so none waits. */
static bool is_overloaded(const struct weir__server_loop *home, int64_t now_ns)
{
    return home->overloaded && now_ns < home->window_ends_ns + delay_window_ns;
}

static void refuse_beyond(struct weir__exchange *x, int exchanges)
{
    if (exchanges >= x->home->server->options.limits.exchanges)
        weir__refuse_busy(x, "exchanges", "too many requests are in progress; try again later");
    else
        weir__refuse_busy(x, "memory", "memory is short; try again later");
}

/* --- the task --- */

static int answer_refusal(struct weir__exchange *x)
{
    const weir_server_options *o = &x->home->server->options;
    const struct weir__refusal *r = &x->refusal;
    int err = o->on_refusal != NULL ? o->on_refusal(o->arg, &x->request, &x->response, x->home->state) : 0;

    if (err == 0 && r->allow != NULL)
        err = weir_response_header_add(&x->response, "allow", r->allow);
    if (err == 0 && r->code == NULL)
        return weir_respond_bytes(&x->response, r->status, NULL, NULL, 0);
    return err < 0 ? err : weir_respond_fault(&x->response, r->status, r->code, r->message);
}

static void record(struct weir__exchange *x)
{
    const weir_server_options *o = &x->home->server->options;
    const struct weir__refusal *refusal = &x->refusal;
    weir_request *req = &x->request;
    weir_exchange_record r;

    if (o->on_exchange == NULL)
        return;
    /* Member by member: an initializer would clear the structure first, for every request. */
    r.request = req;
    r.method = req->method != NULL ? req->method : "";
    r.target = req->target != NULL ? req->target : "";
    r.route = req->route != NULL ? req->route->name : "";
    r.data = req->route != NULL ? req->route->given->data : NULL;
    r.state = x->home->state;
    r.note = req->note;
    r.status = x->response.status;
    r.refused = refusal->reason != NULL ? refusal->reason : refusal->code;
    r.complete = x->response.ended && x->response.err == 0;
    r.request_bytes = req->body.taken;
    r.reply_bytes = x->response.sent;
    r.took = weir__exchange_close(x);
    o->on_exchange(o->arg, &r);
}

static bool is_complete(const struct weir__exchange *x)
{
    return x->response.ended && x->response.err == 0;
}

static int call_handler(struct weir__exchange *x, const struct weir__task *self)
{
    int outcome = x->request.route->given->handler(&x->request, &x->response, x->home->state);

    if (__builtin_expect(self->scope != x->scope, 0))
        weir__scope_check_innermost(x->scope, "the handler");
    return outcome;
}

static void answer(struct weir__exchange *x, const struct weir__task *self)
{
    int outcome;

    x->response.no_body = x->request.head.method == WEIR__HTTP_HEAD;
    outcome = x->refusal.status != 0 ? answer_refusal(x) : call_handler(x, self);
    if (x->taken_over && outcome < 0)
        x->response.err = outcome;
    if (!x->response.ended)
        weir__response_finish(x, outcome);
    if (x->response.filters != NULL) {
        weir__filter_end(x);
        weir__scope_check_innermost(x->scope, "a filter");
    }
    if (!x->request.body.ended && is_complete(x))
        x->wire->finish_request(x);
}

static int run(void *arg)
{
    struct weir__exchange *x = arg;
    struct weir__server_loop *home = x->home;
    struct weir__task *self = weir__running(home->loop);
    int64_t now_ns = weir__loop_now_ns(home->loop);
    struct weir__scope scope;

    note_delay(home, now_ns, now_ns - x->queued_ns);
    weir__ledger_begin(&x->activity.ledger);
    weir__scope_open(&scope, self);
    x->scope = &scope;
    if (x->client_left)
        weir__scope_cancel(x->scope, -WEIR_ECANCELED);
    answer(x, self);
    x->scope = NULL;
    (void)weir__scope_close(&scope, self);
    record(x);
    x->loop = NULL;
    weir__task_set_activity(self, NULL);
    atomic_fetch_sub_explicit(&home->server->exchanges, 1, memory_order_relaxed);
    if (is_complete(x))
        x->wire->end(x);
    else
        x->wire->reset(x);
    return 0;
}

static const char *task_name(const struct weir__exchange *x)
{
    const weir_request *req = &x->request;

    if (x->refusal.status != 0 || req->route == NULL)
        return "refusing a request";
    return req->route->task_names[req->head.method];
}

/* Has the first task of the exchange, which has not begun, work for the exchange. */
static void begin_work(struct weir__exchange *x, struct weir__task *task)
{
    x->activity.memory = &x->memory;
    x->activity.route = x->request.route != NULL ? x->request.route->name : NULL;
    weir__task_set_activity(task, &x->activity);
    if (x->activity.ledger.on)
        weir__ledger_start(&x->activity.ledger, weir__loop_slice_ticks(task->loop));
}

static int start(struct weir__exchange *x)
{
    struct weir__server_loop *home = x->home;
    struct weir_server *server = home->server;
    const struct weir__route *route = x->request.route;
    struct weir__task *task;
    int exchanges = atomic_fetch_add_explicit(&server->exchanges, 1, memory_order_relaxed);
    int err;

    if (x->queued_ns == 0) /* else its head came whole, just now */
        x->queued_ns = weir__loop_now_ns(home->loop);
    if (route != NULL && route->given->vital)
        ; /* beyond all limits */
    else if (exchanges >= atomic_load_explicit(&server->exchanges_max, memory_order_relaxed))
        refuse_beyond(x, exchanges);
    else if (is_overloaded(home, x->queued_ns))
        weir__refuse_busy(x, "queueing", "requests wait too long to be started; try again later");
    err = weir__spawn(&home->exchange_scope, task_name(x), run, x, &task);
    if (err < 0) {
        atomic_fetch_sub_explicit(&server->exchanges, 1, memory_order_relaxed);
        return err;
    }
    begin_work(x, task);
    return 0;
}

/* Empties what is known of a head that is faulty or not complete: on_refusal may ask for it. */
static void forget_head(struct weir__exchange *x)
{
    memset(&x->request.head, 0, sizeof x->request.head);
    x->request.method = x->request.target = x->request.query = "";
}

int weir__exchange_start(struct weir__exchange *x, const struct weir__http_fault *fault)
{
    int err = 0;

    if (fault == NULL) {
        err = take_head(x);
    } else {
        forget_head(x);
        weir__refuse_fault(x, fault);
    }
    return err < 0 ? err : start(x);
}

int weir__exchange_start_slow(struct weir__exchange *x)
{
    forget_head(x);
    weir__refuse_slow_head(x);
    x->queued_ns = 0;
    return start(x);
}

/* --- the client --- */

static void cancel(struct weir__exchange *x)
{
    if (x->scope != NULL)
        weir__scope_cancel(x->scope, -WEIR_ECANCELED);
}

void weir__exchange_client_left(struct weir__exchange *x)
{
    x->client_left = true;
    cancel(x);
}

void weir__exchange_abort(struct weir__exchange *x, const char *reason, int err)
{
    x->refusal.reason = reason;
    x->response.err = err;
    cancel(x);
}
