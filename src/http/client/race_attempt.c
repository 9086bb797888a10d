/* SPDX-License-Identifier: MIT */
#include "http/client/race_attempt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/account/attribution.h"
#include "core/misuse.h"
#include "core/task.h"
#include "http/client/backend/linger.h"
#include "http/client/backend/outcome.h"
#include "http/client/backend/state.h"
#include "http/client/origin.h"

/* --- any attempt --- */

static int exchange(struct weir__attempt *a)
{
    struct weir__fetch *f = a->f;

    a->sent = weir__fetch_send(f, a->race->body, a->race->body_bytes);
    if (weir__fetch_is_unsent(a->sent))
        return a->sent;
    while (!f->ended && !a->stop) {
        int err = weir__fetch_wait(f);
        if (err < 0)
            return err;
    }
    return f->ended && f->err < 0 ? weir__fetch_failure(f, a->sent) : 0;
}

int weir__race_attempt(struct weir__attempt *a, struct weir__client_connection *given,
                       struct weir__fetch_room room, bool writes_head)
{
    struct weir__fetch *f = a->f;
    const struct weir__race *r = a->race;
    int err = weir__origin_connect(a->origin, f, given);

    a->connected = err == 0;
    if (err == 0 && (writes_head || weir__fetch_head_is_old(f)))
        err = weir__fetch_write_head_for(f, r->options, a->origin, (int64_t)r->body_bytes, room);
    if (err == 0)
        err = exchange(a);
    if (err < 0 && weir__fetch_is_stale(f, err)) { /* it had been kept too long: this is no other attempt */
        err = weir__origin_replace(a->origin, f);
        weir__fetch_restart(f);
        a->connected = err == 0;
        if (err == 0)
            err = exchange(a);
    }
    return err;
}

/* --- a second one --- */

static void see_second(struct weir__fetch_watch *watch, struct weir__fetch *f)
{
    struct weir__attempt *a = weir__container_of(watch, struct weir__attempt, watch);
    struct weir__race *r = a->race;
    int64_t now_ns;

    if (f->ended)
        return; /* its task has been woken */
    if (f->head_done)
        weir__backend_note_pushback(&f->use, &f->reply);
    a->stop = true;
    weir__fetch_wake(f);
    if (r->won != NULL || (f->head_done && !weir__attempt_is_good(a)))
        return;
    r->won = a;
    r->informed = r->informed || !f->head_done;
    now_ns = weir__loop_now_ns(r->loop);
    if (a->kind == WEIR_ATTEMPT_HEDGE && r->first.err == 0 && !r->first.f->head_done)
        weir__attempts_beaten(weir__backend_attempts(r->backend), now_ns - r->first.began_ns);
    if (a->kind == WEIR_ATTEMPT_HEDGE)
        weir__scope_cancel(&r->scope, -WEIR_ECANCELED); /* of the first attempt's waits, and its own */
}

/* Of a deadline. The scope of the race may be closed: then the caller's task makes the attempt. */
static int64_t left_ns(const struct weir__race *r, int64_t now_ns)
{
    int64_t deadline_ns =
        r->scope.loop != NULL ? r->scope.deadline_ns : weir__task_current()->scope->deadline_ns;

    return deadline_ns == INT64_MAX ? INT64_MAX : deadline_ns - now_ns;
}

static void fill(struct weir__second *s, struct weir__race *r, enum weir_attempt_kind kind, int64_t now_ns)
{
    const struct weir__fetch *first = r->first.f;
    struct weir__fetch *f = &s->fetch;

    s->attempt = (struct weir__attempt){.watch = {see_second},
                                        .race = r,
                                        .f = f,
                                        .kind = kind,
                                        .number = (unsigned char)(r->made.made + 1),
                                        .began_ns = now_ns};
    s->given = NULL;
    s->scope = NULL;
    weir__fetch_init(f, first->client, r->options, first->streamed);
    f->kept = first->kept;
    f->host = first->host;
    f->tells_deadline = first->tells_deadline;
    f->attempt = s->attempt.number;
    f->watch = &s->attempt.watch;
}

struct weir__second *weir__race_place(struct weir__race *r, enum weir_attempt_kind kind)
{
    const int64_t now_ns = weir__loop_now_ns(r->loop);
    const struct weir__backend_second wanted = {kind, r->options->balance_key, &r->tried, left_ns(r, now_ns)};
    struct weir__second *s = malloc(sizeof *s);

    if (s == NULL)
        return NULL;
    fill(s, r, kind, now_ns);
    if (weir__backend_take_second(r->backend, &s->fetch, &wanted, &s->attempt.origin, &s->given) < 0) {
        free(s);
        return NULL;
    }
    r->tried.numbers[r->tried.count++] = s->fetch.use.number;
    r->made.made++;
    r->made.last = kind;
    r->made.last_after = (weir_duration){now_ns - r->first.began_ns};
    return s;
}

/* Charges the waits of an attempt to a name of its own: "orders (hedge)". */
static struct weir__attribution charge(const struct weir__second *s)
{
    struct weir__task *self = weir__task_current();
    struct weir__ledger *l = weir__attribution_ledger(self);
    char name[WEIR_CHARGE_LABEL_BYTES];
    const char *kept = NULL;

    if (l != NULL && s->attempt.race->charged_name != NULL) {
        (void)snprintf(name, sizeof name, "%s (%s)", s->attempt.race->charged_name,
                       weir_attempt_kind_name(s->attempt.kind));
        kept = weir__ledger_name(l, name);
    }
    return weir__attribution_on(self, WEIR_CHARGE_BACKEND,
                                kept != NULL ? kept : s->attempt.race->charged_name);
}

static int run(struct weir__second *s)
{
    return weir__race_attempt(&s->attempt, s->given, (struct weir__fetch_room){s->head, sizeof s->head},
                              true);
}

/* --- a hedge: its task --- */

/* Its waits end with the race, or when the first attempt has won. An answer, also a bad one, is left to the
 * task that asks. */
static int run_hedge(void *arg)
{
    struct weir__second *s = arg;
    struct weir__attempt *a = &s->attempt;
    struct weir__task *self = weir__task_current();
    struct weir__scope scope;

    weir_task_set_name("hedge of %s", weir__backend_name(a->race->backend));
    (void)charge(s);
    weir__scope_open(&scope, self);
    s->scope = &scope;
    if (weir__attempt_has_lost(a))
        weir__scope_cancel(&scope, -WEIR_ECANCELED);
    a->err = run(s);
    if (a->err < 0 && a->race->won == a)
        a->err = 0; /* its head came while it was still sending */
    s->scope = NULL;
    (void)weir__scope_close(&scope, self);
    if (a->err < 0)
        weir__race_drop(a);
    return 0;
}

int weir__race_spawn(struct weir__second *s)
{
    int err = weir__spawn_inside(&s->attempt.race->scope, "hedge", run_hedge, s);

    if (err == 0)
        return 0;
    s->attempt.err = err;
    weir__origin_put_back(s->attempt.origin, s->given);
    weir__origin_unbegin(s->attempt.origin);
    weir__backend_leave(&s->fetch);
    weir__attempts_ended(weir__backend_attempts(s->attempt.race->backend), s->attempt.kind,
                         WEIR_ATTEMPT_FAILED);
    free(s);
    return err;
}

/* --- a retry --- */

void weir__race_retry(struct weir__second *s)
{
    struct weir__attribution before = charge(s);

    s->attempt.err = run(s);
    weir__attribution_back(weir__task_current(), before);
}

/* --- the end of an attempt --- */

static bool was_cancelled(const struct weir__attempt *a)
{
    return a->err == -WEIR_ECANCELED || a->err == -WEIR_EDEADLINE;
}

static enum weir_attempt_outcome outcome_of(const struct weir__attempt *a)
{
    if (!was_cancelled(a) && !(a->err == 0 && weir__attempt_has_lost(a) && weir__attempt_is_good(a)))
        return WEIR_ATTEMPT_FAILED;
    return weir__attempt_has_lost(a) ? WEIR_ATTEMPT_LOST : WEIR_ATTEMPT_CANCELLED;
}

void weir__race_learn(struct weir__attempt *a)
{
    struct weir__attempts *attempts = weir__backend_attempts(a->race->backend);
    const int64_t now_ns = weir__loop_now_ns(a->race->loop), took_ns = now_ns - a->began_ns;

    if (a->kind != WEIR_ATTEMPT_FIRST || a->sampled || !was_cancelled(a))
        return;
    a->sampled = true;
    if (took_ns >= weir__attempts_percentile(attempts, now_ns))
        weir__attempts_took(attempts, took_ns, now_ns);
}

/* Whether its connection can be used again now. */
static bool is_whole(const struct weir__attempt *a)
{
    const struct weir__fetch *f = a->f;

    if (a->err < 0 || a->sent != 0 || !f->keep)
        return false;
    return f->streamed ? f->body.ended && !f->ended && f->piece_at == f->piece_len : f->ended && f->err == 0;
}

/* The request, or the answer, breaks off. */
static void release(struct weir__attempt *a)
{
    struct weir__fetch *f = a->f;

    if (a->sent != 0) {
        weir_stream *stream = weir__client_stream(f->connection);
        stream->transport->type->reset_on_close(stream->transport);
    }
    weir__origin_release(a->origin, f, is_whole(a));
}

void weir__race_vacate(struct weir__attempt *a)
{
    struct weir__fetch *f = a->f;

    if (a->err == 0 && (f->streamed || !f->ended))
        return;
    weir__origin_ended(a->origin, f, a->err < 0 ? a->err : f->err);
    if (f->connection != NULL)
        release(a);
    weir__backend_leave(f);
}

/* The answer may be read and dropped, so that the connection can be used again. */
static bool lingers(struct weir__attempt *a)
{
    return a->f->connection != NULL && a->sent == 0 && was_cancelled(a) &&
           weir__backend_linger(
               a->f, a->origin,
               &(struct weir__linger_terms){a->began_ns, a->kind == WEIR_ATTEMPT_FIRST && !a->sampled});
}

void weir__race_drop(struct weir__attempt *a)
{
    struct weir__fetch *f = a->f;
    const enum weir_attempt_outcome outcome = outcome_of(a);

    if (a->origin == NULL)
        return;
    weir__attempts_ended(weir__backend_attempts(a->race->backend), a->kind, outcome);
    weir__origin_ended(a->origin, f, outcome == WEIR_ATTEMPT_LOST ? -WEIR_ECANCELED : a->err);
    f->watch = NULL;
    weir__fetch_free_head(f);
    if (outcome != WEIR_ATTEMPT_LOST || !lingers(a)) {
        weir__race_learn(a);
        if (f->connection != NULL)
            release(a);
        weir__backend_leave(f);
        weir__fetch_drop_reply(f);
        if (f->piece_allocated)
            free(f->piece);
    }
    a->origin = NULL;
}

void weir__race_take(struct weir__second *s)
{
    struct weir__race *r = s->attempt.race;
    struct weir__fetch *f = r->f;

    weir__fetch_free_head(&s->fetch);
    *f = s->fetch;
    f->reply.took.ns += s->attempt.began_ns - r->began_ns;
    f->watch = NULL;
    f->head = NULL;
    if (f->connection != NULL)
        f->connection->fetch = f;
    if (r->won == &s->attempt)
        r->won = &r->first;
    r->first = s->attempt;
    r->first.f = f;
    free(s);
}
