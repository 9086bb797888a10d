/* SPDX-License-Identifier: MIT */
/* How long an exchange waits for its client: to send more of the request's body, to take more of the answer.
 *
 * While it waits somebody looks at it twice a second (home->progress), because neither is known from events
 * alone. An answer is in one operation of the kernel until all of it has been taken, and a body that comes in
 * byte by byte ends one wait after the other. So what the client took is asked of TCP, and waits for the body
 * add up: time in which we did not want more of it is not the client's.
 */
#include "core/task.h"
#include "http/server/server.h"

static const int64_t grace_ns = 10 * (int64_t)1000000000;
static const int64_t look_every_ns = 500 * (int64_t)1000000;

static struct weir__exchange *of_patient(struct weir__timeout_entry *p)
{
    return weir__container_of(p, struct weir__connection, patient)->exchange;
}

static const weir_limits *limits_of(const struct weir__exchange *x)
{
    return &x->connection->home->server->options.limits;
}

/* Whether so many bytes are too few for the time. */
static bool is_too_slow(const struct weir__exchange *x, uint64_t bytes, int64_t ns)
{
    uint64_t rate = limits_of(x)->body_rate_bytes;

    return rate != WEIR_NO_RATE && (double)bytes * 1e9 < (double)rate * (double)ns;
}

/* --- the body --- */

static bool body_is_too_slow(const struct weir__exchange *x, int64_t waited_ns)
{
    return waited_ns >= grace_ns && is_too_slow(x, x->request.body.taken, waited_ns);
}

static int refuse_body(struct weir__exchange *x, const char *reason)
{
    x->waits.body_err = -WEIR_ESLOW;
    x->refusal.reason = reason;
    return -WEIR_ESLOW;
}

static void look_at_body(struct weir__exchange *x, int64_t now_ns)
{
    int64_t wait_ns = now_ns - x->waits.body_since_ns;
    struct weir__task *reader = x->reader;

    if (wait_ns >= limits_of(x)->idle_timeout.ns)
        (void)refuse_body(x, "timeout");
    else if (body_is_too_slow(x, x->waits.body_ns + wait_ns))
        (void)refuse_body(x, "body_rate");
    else
        return;
    weir__client_sent(x);
    x->reader = NULL;
    if (reader != NULL)
        weir__wake(reader, -WEIR_ESLOW);
    else
        weir__stream_stop_reading(weir__connection_stream(x->connection));
}

/* --- the answer --- */

void weir__client_takes_too_little(struct weir__exchange *x)
{
    x->refusal.reason = "unread";
    x->response.err = -WEIR_ESLOW;
    if (x->scope != NULL)
        weir__scope_cancel(x->scope, -WEIR_ECANCELED);
}

int64_t weir__client_takes_nothing_since(const struct weir__timeout_entry *p)
{
    const struct weir__exchange *x = weir__container_of(p, struct weir__connection, patient)->exchange;

    return (x->waits.what & WEIR__FOR_ANSWER) && x->response.err == 0 ? x->waits.answer_since_ns : INT64_MAX;
}

static void look_at_answer(struct weir__exchange *x, int64_t now_ns)
{
    struct weir__client_waits *w = &x->waits;
    int64_t idle_ns = limits_of(x)->idle_timeout.ns;
    weir_stream *stream = weir__connection_stream(x->connection);
    uint64_t taken = weir__stream_acknowledged(stream);

    if (!w->looked)
        w->taken_from = taken;
    else
        w->answer_ns += x->connection->home->progress.limit_ns;
    if (!w->looked || taken != w->taken)
        w->answer_since_ns = now_ns;
    else
        weir__read_ahead(x);
    w->looked = true;
    w->taken = taken;
    if (now_ns - w->answer_since_ns >= idle_ns)
        weir__client_takes_too_little(x);
    /* TCP tells of a reader in steps, of a slow one seldom: so the average is that of a long time. */
    else if (weir__stream_counts_acknowledged(stream) &&
             w->answer_ns >= (idle_ns > grace_ns ? idle_ns : grace_ns) &&
             is_too_slow(x, taken - w->taken_from, w->answer_ns))
        weir__client_takes_too_little(x);
}

static void look(struct weir__timeout_entry *p)
{
    struct weir__exchange *x = of_patient(p);
    struct weir__server_loop *home = x->connection->home;
    int64_t now_ns = weir__loop_now_ns(home->loop);

    if (x->waits.what & WEIR__FOR_BODY)
        look_at_body(x, now_ns);
    if ((x->waits.what & WEIR__FOR_ANSWER) && x->response.err == 0)
        look_at_answer(x, now_ns);
    if (x->waits.what != 0)
        weir__timeout_list_enter(&home->progress, p);
}

/* --- waits begin and end --- */

void weir__client_waits_init(struct weir__server_loop *home)
{
    int64_t step_ns = home->server->options.limits.idle_timeout.ns / 4;

    step_ns = step_ns < look_every_ns ? step_ns : look_every_ns;
    weir__timeout_list_init(&home->progress, home->loop, (weir_duration){step_ns > 0 ? step_ns : 1}, look);
}

static int64_t begin(struct weir__exchange *x, unsigned what)
{
    struct weir__connection *c = x->connection;
    bool looked_at = x->waits.what != 0;

    x->waits.what |= (uint8_t)what;
    if (looked_at)
        return weir__loop_now_ns(c->home->loop);
    weir__timeout_list_enter(&c->home->progress, &c->patient);
    return c->patient.since_ns;
}

int weir__client_wait_for_body(struct weir__exchange *x)
{
    if (x->waits.body_err < 0)
        return x->waits.body_err;
    if (body_is_too_slow(x, x->waits.body_ns))
        return refuse_body(x, "body_rate");
    x->waits.body_since_ns = begin(x, WEIR__FOR_BODY);
    return 0;
}

void weir__client_wait_to_take_more(struct weir__exchange *x)
{
    x->waits.answer_since_ns = begin(x, WEIR__FOR_ANSWER);
    if (x->ahead != NULL)
        weir__read_ahead(x);
}

void weir__client_sent(struct weir__exchange *x)
{
    if (!(x->waits.what & WEIR__FOR_BODY))
        return;
    x->waits.what &= (uint8_t)~WEIR__FOR_BODY;
    x->waits.body_ns += weir__loop_now_ns(x->connection->home->loop) - x->waits.body_since_ns;
    if (x->waits.what == 0)
        weir__timeout_list_leave(&x->connection->patient);
}
