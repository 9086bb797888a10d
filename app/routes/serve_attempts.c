/* SPDX-License-Identifier: MIT */
#include "routes/serve_attempts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <weir/scope.h>
#include <weir/sync.h>
#include <weir/task.h>

#include "apps/linger.h"
#include "routes/gather_note.h"
#include "routes/proxy_answer.h"
#include "routes/proxy_upload.h"

enum { NUMBER_BYTES = 4 };

static const char attempt_header[] = "x-weir-attempt";

struct attempt {
    struct serving *s;
    enum weir_attempt_kind kind;
    weir_instant began;
    bool ended; /* by itself, with err: it has not been cancelled */
    int err;    /* 0: the first of an answer is here */
};

/* Of one request. */
struct race {
    weir_attempts *rules;
    weir_scope *asks; /* the first attempt does, in this scope; NULL: it does not any more */
    struct attempt first, second;
    struct serving copy; /* of the request, for the second */
    bool denied;         /* there was no place for a hedge, and that is counted */
};

static weir_duration since(weir_instant began)
{
    return weir_between(began, weir_now());
}

/* --- which requests --- */

bool serve_attempts_may(const struct serving *s)
{
    const struct proxying *p = &s->p;

    if (s->state->queue->attempts == NULL || p->headers.upgrade != NULL || !proxy_upload_may_repeat(p))
        return false;
    return !proxy_has_body(p) || (p->body_read && p->held.len <= PROXY_TWICE_BYTES);
}

/* --- one attempt --- */

static bool has_answered(const struct attempt *a)
{
    return a->ended && a->err == 0;
}

static bool has_answered_well(const struct attempt *a)
{
    const int status = a->s->p.reply.status;

    return has_answered(a) && status < 500 && status != 429;
}

void serve_attempts_heard(const struct serving *s)
{
    const weir_reply *reply = &s->p.reply;
    const char *after =
        reply->status == 429 || reply->status == 503 ? weir_reply_header(reply, "retry-after") : NULL;
    weir_duration period;

    if (after != NULL && weir_retry_after_parse(after, (int64_t)time(NULL), &period) == 0)
        weir_attempts_pushback(s->state->queue->attempts, period);
}

/* Waits for what comes behind 100 (Continue), which nobody has waited for. */
static int hear(struct proxying *p)
{
    while (p->heard_err > 0 && p->reply.status == 100)
        proxy_answer_hear(p);
    if (p->heard_err == 0)
        p->heard_err = weir_fetch_head(p->fetch, &p->reply); /* which does not wait any more */
    return p->heard_err < 0 ? p->heard_err : 0;
}

/* The attempt has failed: another request can have its place. */
static void give_up(struct serving *s, int err)
{
    weir_fetch_close(s->p.fetch);
    s->p.fetch = NULL;
    serving_gives(s, err);
}

/* Returns: 0: the first of an answer is here. */
static int ask(struct attempt *a)
{
    int err = serving_begin(a->s);

    if (err == 0)
        err = hear(&a->s->p);
    a->err = err;
    a->ended = err == 0 || (err != -WEIR_EDEADLINE && weir_cancelled() == 0);
    if (err == 0)
        serve_attempts_heard(a->s);
    else if (a->ended)
        give_up(a->s, err);
    return err;
}

/* --- a second one --- */

/* Makes the headers of a second attempt; left: what the first one says of the deadline. Returns: 0; -ENOMEM.
 */
static int make_headers(struct proxying *p, const char *left, int number)
{
    const size_t count = p->headers.count;
    weir_header *headers = weir_request_alloc(p->req, (count + 1) * sizeof *headers);
    char *text = weir_request_alloc(p->req, NUMBER_BYTES);
    size_t n = 0;

    if (headers == NULL || text == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        headers[n] = p->headers.header[i];
        if (headers[n].value == left)
            headers[n].value = p->left; /* which is less by now */
        n += strcasecmp(headers[n].name, attempt_header) != 0;
    }
    (void)snprintf(text, NUMBER_BYTES, "%d", number);
    headers[n++] = (weir_header){attempt_header, text};
    p->headers.header = headers;
    p->headers.count = n;
    return 0;
}

/* Takes a place, and pays. own: of an attempt that has failed, which is used if no other is free; or NULL. */
static bool take_place(struct race *r, enum weir_attempt_kind kind, struct app_place *own,
                       struct app_place *place)
{
    struct app_queue *queue = r->first.s->state->queue;
    const bool is_other = app_place_try(queue, r->first.s->place.serial, place);
    enum weir_attempt_denial why;

    if (!is_other && (own == NULL || !own->taken)) {
        if (!r->denied)
            weir_attempts_deny(r->rules, WEIR_ATTEMPT_NO_ROOM);
        r->denied = true;
        return false;
    }
    if (weir_attempts_pay(r->rules, kind, weir_between(weir_now(), weir_deadline()), &why) == 0) {
        if (!is_other)
            app_place_reuse(queue, own, place);
        return true;
    }
    if (is_other)
        app_place_undo(queue, place);
    return false;
}

/* Makes the second attempt. Returns: false: there is no memory. */
static bool make_second(struct race *r, enum weir_attempt_kind kind, const struct app_place *place)
{
    struct serving *first = r->first.s, *s = &r->copy;
    weir_attempts_made *made = &first->note.attempts;

    *s = *first;
    s->place = *place;
    s->p.fetch = NULL;
    s->p.heard = false;
    s->p.why = NULL;
    s->p.reply = (weir_reply){.status = 0};
    s->p.name = s->state->queue->name_of[kind];
    r->second = (struct attempt){.s = s, .kind = kind, .began = weir_now()};
    made->made++;
    made->last = kind;
    made->last_after = weir_between(r->first.began, r->second.began);
    r->second.err = make_headers(&s->p, first->p.left, made->made);
    r->second.ended = r->second.err < 0;
    if (r->second.ended)
        give_up(s, r->second.err);
    return !r->second.ended;
}

/* Asks another process, and the next one if one takes no connection. */
static void ask_second(struct race *r)
{
    struct serving *s = r->second.s;

    while (serving_is_refused(ask(&r->second)) &&
           app_place_try(s->state->queue, r->first.s->place.serial, &s->place))
        ;
}

/* --- hedging --- */

/* Waits until it is time to hedge. Returns: false: it never is. */
static bool await_time(struct race *r)
{
    const weir_duration after = weir_attempts_hedge_after(r->rules);
    weir_event none;
    weir_scope time;

    if (after.ns == 0)
        return false;
    weir_event_init(&none);
    weir_scope_open(&time, weir_after(after), 0);
    (void)!weir_event_wait(&none); /* unlike a sleep, no part of the latency is charged to it */
    (void)weir_scope_close(&time);
    return weir_cancelled() == 0;
}

/* Where there is no place, or nothing that pays, there may be later. */
static int hedge(void *arg)
{
    struct race *r = arg;
    struct app_place place;

    do {
        if (!await_time(r) || r->asks == NULL)
            return 0;
    } while (!take_place(r, WEIR_ATTEMPT_HEDGE, NULL, &place));
    if (make_second(r, WEIR_ATTEMPT_HEDGE, &place))
        ask_second(r);
    if (has_answered_well(&r->second) && r->asks != NULL)
        weir_scope_cancel(r->asks);
    return 0;
}

/* The first attempt, with a hedge beside it. */
static void ask_hedged(struct race *r)
{
    weir_scope hedges, asks;

    weir_scope_open(&hedges, weir_never(), WEIR_COLLECT);
    if (r->first.s->note.attempts.made == 1 && weir_attempts_hedge_after(r->rules).ns > 0)
        (void)weir_spawn(&hedges, "a second attempt", hedge, r);
    weir_scope_open(&asks, weir_never(), 0);
    r->asks = &asks;
    if (ask(&r->first) == 0)
        weir_attempts_took(r->rules, since(r->first.began));
    r->asks = NULL;
    (void)weir_scope_close(&asks);
    if (has_answered_well(&r->first) || r->second.s == NULL)
        weir_scope_cancel(&hedges); /* else its answer decides */
    (void)weir_scope_close(&hedges);
}

/* --- the end of an attempt --- */

static enum weir_attempt_outcome outcome_of(const struct attempt *a, const struct attempt *taken)
{
    if (has_answered_well(a))
        return a == taken ? WEIR_ATTEMPT_ANSWERED : WEIR_ATTEMPT_LOST;
    if (a->ended)
        return WEIR_ATTEMPT_FAILED;
    return taken != NULL && weir_cancelled() == 0 ? WEIR_ATTEMPT_LOST : WEIR_ATTEMPT_CANCELLED;
}

/* Leaves an attempt that has not ended to its process, since the answer of the other is taken. */
static void leave(struct race *r, struct attempt *a)
{
    struct serving *s = a->s;
    const bool is_first = a->kind == WEIR_ATTEMPT_FIRST;
    const struct app_linger_options options = {.place = s->place,
                                               .fetch = s->p.fetch,
                                               .until = weir_add(a->began, s->state->settings->proxy.timeout),
                                               .began = is_first ? a->began : (weir_instant){0}};

    if (is_first && r->second.kind == WEIR_ATTEMPT_HEDGE)
        weir_attempts_beaten(r->rules, since(a->began));
    if (s->p.fetch != NULL) {
        app_linger(s->state->queue, &options);
        return;
    }
    if (is_first)
        weir_attempts_took(r->rules, since(a->began));
    app_place_give(s->state->queue, &s->place, APP_UNMEASURED);
}

/* Drops an attempt whose answer is not taken. */
static void drop(struct race *r, struct attempt *a, enum weir_attempt_outcome outcome)
{
    struct serving *s = a->s;

    if (!a->ended && outcome == WEIR_ATTEMPT_LOST) {
        leave(r, a);
    } else if (a->err == 0) {
        weir_fetch_close(s->p.fetch);
        app_place_give(s->state->queue, &s->place, APP_UNMEASURED);
    } else {
        /* The deadline of a client in a hurry says nothing of how long answers take. */
        if (a->kind == WEIR_ATTEMPT_FIRST && a->err == -WEIR_EDEADLINE && !client_deadline_passed(s->p.until))
            weir_attempts_took(r->rules, since(a->began));
        give_up(s, a->err);
    }
    s->p.fetch = NULL;
    s->place.taken = false;
}

static void end(struct race *r, struct attempt *a, const struct attempt *taken)
{
    const enum weir_attempt_outcome outcome = outcome_of(a, taken);

    if (!serving_is_refused(a->err) || a->kind != WEIR_ATTEMPT_FIRST)
        weir_attempts_ended(r->rules, a->kind, outcome);
    if (a != taken)
        drop(r, a, outcome);
}

/* --- retrying --- */

static unsigned cause_of(const struct attempt *a)
{
    if (a->err < 0) {
        const enum gather_end end = gather_end_of(a->err);
        return end == GATHER_CONNECT ? WEIR_RETRY_CONNECT : end == GATHER_CLOSED ? WEIR_RETRY_RESET : 0;
    }
    return weir_retry_on_status(a->s->p.reply.status);
}

/* A connection that is refused costs nothing: the next process is asked in any case. */
static bool wants_retry(const struct attempt *a, const weir_retry_options *retry)
{
    return a->ended && !serving_is_refused(a->err) && (cause_of(a) & retry->on) != 0;
}

/* What an attempt has given that is tried again is dropped. */
static void retry(struct race *r)
{
    const weir_retry_options *options = &r->first.s->state->settings->app->retry;
    struct attempt *last = &r->first;
    struct app_place place;

    for (int i = 0; i < options->times && wants_retry(last, options); i++) {
        if (!take_place(r, WEIR_ATTEMPT_RETRY, &last->s->place, &place))
            return;
        end(r, last, NULL);
        last = &r->second;
        if (make_second(r, WEIR_ATTEMPT_RETRY, &place))
            ask_second(r);
    }
}

/* --- the whole --- */

static bool was_retried(const struct race *r)
{
    return r->second.s != NULL && r->second.kind == WEIR_ATTEMPT_RETRY;
}

/* The first good answer; of two bad ones the first, too. NULL: there is none. */
static struct attempt *choose(struct race *r)
{
    struct attempt *second = r->second.s != NULL && has_answered(&r->second) ? &r->second : NULL;

    if (was_retried(r) || !has_answered(&r->first))
        return second;
    return second != NULL && has_answered_well(second) && !has_answered_well(&r->first) ? second : &r->first;
}

/* The request goes on as this attempt. */
static void go_on_as(struct race *r, const struct attempt *a)
{
    struct serving *s = r->first.s;

    if (a != &r->second)
        return;
    r->copy.note = s->note;
    *s = r->copy;
    s->p.address = s->address;
}

static int conclude(struct race *r)
{
    struct serving *s = r->first.s;
    const struct attempt *taken = choose(r), *last = was_retried(r) ? &r->second : &r->first;

    s->note.attempts.good = taken != NULL && has_answered_well(taken);
    s->note.attempts.taken = taken == NULL ? 0 : taken == &r->first ? 1 : s->note.attempts.made;
    if (s->note.attempts.made > 1)
        weir_request_note(s->p.req, &s->note);
    if (!was_retried(r))
        end(r, &r->first, taken);
    if (r->second.s != NULL)
        end(r, &r->second, taken);
    go_on_as(r, taken != NULL ? taken : last);
    return taken != NULL ? 0 : last->err;
}

int serve_attempts_begin(struct serving *s)
{
    const weir_instant now = weir_now();
    const weir_instant until =
        client_deadline_min(weir_add(now, s->state->settings->proxy.timeout), s->p.until);
    struct race r = {.rules = s->state->queue->attempts,
                     .first = {.s = s, .kind = WEIR_ATTEMPT_FIRST, .began = now}};
    weir_scope time;

    if (s->p.held.len > 0)
        s->p.first_bytes = s->p.held.len; /* all of it at once: nothing is left to pass on beside the wait */
    if (s->note.attempts.made == 0) {
        weir_attempts_first(r.rules);
        s->note.attempts.made = 1;
    }
    weir_scope_open(&time, until, 0);
    ask_hedged(&r);
    if (r.second.s == NULL)
        retry(&r);
    (void)weir_scope_close(&time);
    return conclude(&r);
}
