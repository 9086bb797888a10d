/* SPDX-License-Identifier: MIT */
#include "http/client/race.h"

#include <errno.h>
#include <stdlib.h>

#include "core/task.h"
#include "http/client/backend/outcome.h"
#include "http/client/backend/state.h"
#include "http/client/origin.h"

bool weir__race_suits(const weir_fetch_options *o, bool whole, size_t body_bytes)
{
    const enum weir__http_method method =
        weir__http_method_of(weir_bytes_of(o->method != NULL ? o->method : "GET"));

    if (!whole || body_bytes > WEIR__RACE_BODY_BYTES_MAX)
        return false;
    if (o->once || o->duplex || o->upgrade != NULL || method == WEIR__HTTP_CONNECT)
        return false;
    return o->repeatable || method == WEIR__HTTP_GET || method == WEIR__HTTP_HEAD ||
           method == WEIR__HTTP_OPTIONS;
}

/* --- the first attempt, and its hedge --- */

/* It is taken: the hedge need not go on. */
static void first_has_won(struct weir__race *r)
{
    r->won = &r->first;
    weir__timeout_cancel(r->loop, &r->timeout);
    if (r->hedge != NULL && r->hedge->scope != NULL)
        weir__scope_cancel(r->hedge->scope, -WEIR_ECANCELED);
}

static void learn(struct weir__attempt *a)
{
    int64_t now_ns = weir__loop_now_ns(a->race->loop);

    if (a->kind == WEIR_ATTEMPT_FIRST && !a->sampled)
        weir__attempts_took(weir__backend_attempts(a->race->backend), now_ns - a->began_ns, now_ns);
    a->sampled = true;
}

static void see_first(struct weir__fetch_watch *watch, struct weir__fetch *f)
{
    struct weir__attempt *a = weir__container_of(watch, struct weir__attempt, watch);
    struct weir__race *r = a->race;

    if (f->ended)
        return; /* its task has been woken */
    if (f->head_done) {
        learn(a);
        weir__backend_note_pushback(&f->use, &f->reply);
    }
    if (r->won != NULL)
        return;
    r->informed = r->informed || !f->head_done;
    if (!f->head_done || weir__attempt_is_good(a)) {
        first_has_won(r);
        a->stop = f->streamed;
    } else { /* no hedge is begun any more */
        weir__timeout_cancel(r->loop, &r->timeout);
        a->stop = true;
        weir__fetch_wake(f);
    }
}

/* The first attempt has taken long. If it can't be hedged now, perhaps it can when it has taken twice as
 * long. On the loop's own stack. */
static void hedge(struct weir__timeout *timeout)
{
    struct weir__race *r = weir__container_of(timeout, struct weir__race, timeout);
    struct weir__second *s = weir__race_place(r, WEIR_ATTEMPT_HEDGE);

    if (s == NULL) {
        weir__timeout_set(r->loop, &r->timeout, weir__loop_now_ns(r->loop) + r->after_ns);
        r->after_ns *= 2;
        return;
    }
    r->hedge = s;
    r->hedged = true;
    if (weir__race_spawn(s) < 0)
        r->hedge = NULL;
}

static void begin(struct weir__race *r)
{
    struct weir__attempt *a = &r->first;

    a->began_ns = r->began_ns = weir__loop_now_ns(r->loop);
    a->f->watch = &a->watch;
    r->made = (weir_attempts_made){.made = 1, .last = WEIR_ATTEMPT_FIRST};
    r->tried = (struct weir__backend_tried){1, {a->f->use.number}};
    weir__attempts_first(weir__backend_attempts(r->backend), a->began_ns);
    r->after_ns = weir__attempts_hedge_after(weir__backend_attempts(r->backend), a->began_ns);
    if (r->after_ns > 0)
        weir__timeout_set(r->loop, &r->timeout, a->began_ns + r->after_ns);
}

static int run_first(struct weir__race *r, const weir_bytes authority, bool is_path)
{
    struct weir__attempt *a = &r->first;
    struct weir__client_connection *given;
    bool writes_head;
    int err = weir__backend_take(r->backend, a->f, r->options->balance_key, &a->origin, &given);

    if (err < 0)
        return err;
    begin(r);
    writes_head = is_path && !weir__fetch_head_names(a->origin, authority);
    a->err = weir__race_attempt(a, given, r->room, writes_head);
    weir__timeout_cancel(r->loop, &r->timeout);
    /* Not after the wait for a hedge: without a connection it does not keep its origin. */
    if (a->err < 0 && (!weir__attempt_has_lost(a) || a->f->connection == NULL))
        weir__race_vacate(a);
    r->over_ns = weir__loop_now_ns(r->loop);
    return a->err;
}

/* --- what is taken --- */

/* An attempt that is not taken is over, before what is has its place in the caller's fetch. */
static void take_hedge(struct weir__race *r, struct weir__second *s)
{
    const unsigned char number = s->attempt.number;

    weir__race_drop(&r->first);
    weir__race_take(s);
    r->made.taken = number;
}

static void drop_hedge(struct weir__second *s)
{
    weir__race_drop(&s->attempt);
    free(s);
}

/* Both attempts are over, or have a head. The first good head is taken, else an answer rather than an error,
 * else what the first one has. */
static void settle(struct weir__race *r)
{
    struct weir__second *s = r->hedge;

    r->hedge = NULL;
    if (s != NULL && (r->won == &s->attempt || (r->won == NULL && r->first.err < 0 && s->attempt.err == 0))) {
        take_hedge(r, s);
        return;
    }
    if (s != NULL)
        drop_hedge(s);
    if (r->f->asked == 0) /* its time was counted without the wait for the hedge */
        r->f->reply.took.ns += weir__loop_now_ns(r->loop) - r->over_ns;
    r->made.taken = r->first.err == 0;
}

/* --- retrying --- */

static bool is_of_this_side(int err)
{
    return err == -ENOMEM || err == -ENOBUFS || err == -EMFILE || err == -ENFILE || err == -WEIR_ECONFIG ||
           err == -WEIR_ECANCELED || err == -WEIR_EDEADLINE || err == -EINVAL || err == -WEIR_EBUSY;
}

/* Whether there was no answer at all, rather than a bad one. */
static bool broke_off(int err)
{
    return err != -WEIR_EPROTOCOL && err != -WEIR_ETOOLARGE;
}

/* Why the attempt that the caller has would be made again: of enum weir_retry_on; 0: for nothing. */
static unsigned cause_to_retry(const struct weir__race *r)
{
    const struct weir__attempt *a = &r->first;

    if (a->err < 0 && is_of_this_side(a->err))
        return 0;
    if (a->err < 0 && !a->connected)
        return WEIR_RETRY_CONNECT;
    if (a->err < 0)
        return broke_off(a->err) && !a->f->head_done ? WEIR_RETRY_RESET : 0;
    return weir_retry_on_status(a->f->reply.status);
}

static bool may_retry(const struct weir__race *r)
{
    const weir_retry_options *retry = &weir__backend_attempts(r->backend)->settings->retry;

    return !r->hedged && !r->informed && r->made.made <= retry->times && weir_cancelled() == 0 &&
           (retry->on & cause_to_retry(r)) != 0;
}

/* An answer is dropped only once another attempt is certain. */
static bool retry(struct weir__race *r)
{
    struct weir__second *s;

    weir__race_vacate(&r->first); /* so another one may have its place, where there is only one */
    s = weir__race_place(r, WEIR_ATTEMPT_RETRY);
    if (s == NULL)
        return false;
    weir__race_drop(&r->first);
    weir__race_retry(s);
    r->won = s->attempt.err == 0 && weir__attempt_is_good(&s->attempt) ? &r->first : NULL;
    r->made.taken = s->attempt.err == 0 ? s->attempt.number : 0;
    weir__race_take(s);
    return true;
}

/* --- all of it --- */

static enum weir_attempt_outcome outcome_of_last(const struct weir__race *r)
{
    if (r->won == &r->first)
        return WEIR_ATTEMPT_ANSWERED;
    return r->first.err == -WEIR_ECANCELED || r->first.err == -WEIR_EDEADLINE ? WEIR_ATTEMPT_CANCELLED
                                                                              : WEIR_ATTEMPT_FAILED;
}

int weir__race_run(struct weir__race *r, weir_url *url)
{
    struct weir__task *self = weir__task_current();
    const bool is_path = url->authority.len == 0;
    struct weir__attempt *a = &r->first;

    r->backend = r->options->backend;
    r->loop = self->loop;
    r->charged_name = self->attribution.name;
    *a = (struct weir__attempt){.watch = {see_first}, .race = r, .f = r->f, .number = 1};
    weir__timeout_init(&r->timeout, hedge);
    a->err = weir__fetch_check_place(r->f, r->options, url, (int64_t)r->body_bytes, r->room);
    if (a->err == 0) {
        weir__scope_open(&r->scope, self);
        a->err = run_first(r, url->authority, is_path);
        (void)weir__scope_close(&r->scope, self); /* waits for the hedge */
    }
    if (a->origin == NULL)
        return a->err;
    settle(r);
    while (may_retry(r) && retry(r))
        ;
    r->f->watch = NULL;
    weir__race_learn(a);
    weir__attempts_ended(weir__backend_attempts(r->backend), a->kind, outcome_of_last(r));
    r->origin = a->origin;
    r->sent = a->sent;
    r->made.good = r->won == &r->first;
    r->f->reply.attempts = r->made;
    return a->err;
}
