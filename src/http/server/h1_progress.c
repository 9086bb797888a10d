/* SPDX-License-Identifier: MIT */
/* Time limits and least rates for a client: to send more of the request's body, to take more of the response.
 *
 * Neither is known from events alone. A response is in one operation of the kernel until all of it is taken,
 * and a body that comes byte by byte ends one wait after the other. So each waiting exchange is sampled twice
 * a second (home->progress): how much of the response the client took is asked of TCP. Waits for the body are
 * summed, because time in which the handler wanted no more of it is not the client's.
 */
#include "core/task.h"
#include "http/server/exchange.h"
#include "http/server/h1.h"
#include "http/server/h1_progress.h"

static const int64_t grace_ns = 10 * (int64_t)1000000000; /* no rate is demanded before */
static const int64_t sample_every_ns = 500 * (int64_t)1000000;

static const weir_limits *limits_of(const struct weir__h1_exchange *h)
{
    return &h->exchange.home->server->options.limits;
}

/* Whether so many bytes are too few for the time. */
static bool is_too_slow(const struct weir__h1_exchange *h, uint64_t bytes, int64_t ns)
{
    uint64_t rate = limits_of(h)->body_rate_bytes;

    return rate != WEIR_NO_RATE && (double)bytes * 1e9 < (double)rate * (double)ns;
}

/* --- the body --- */

static bool body_is_too_slow(const struct weir__h1_exchange *h, int64_t waited_ns)
{
    return waited_ns >= grace_ns && is_too_slow(h, h->exchange.request.body.taken, waited_ns);
}

static int refuse_body(struct weir__h1_exchange *h, const char *reason)
{
    h->progress.body_err = -WEIR_ESLOW;
    h->exchange.refusal.reason = reason;
    return -WEIR_ESLOW;
}

static void sample_body(struct weir__h1_exchange *h, int64_t now_ns)
{
    int64_t wait_ns = now_ns - h->progress.body_since_ns;
    struct weir__task *reader = h->reader;

    if (wait_ns >= limits_of(h)->idle_timeout.ns)
        (void)refuse_body(h, "timeout");
    else if (body_is_too_slow(h, h->progress.body_ns + wait_ns))
        (void)refuse_body(h, "body_rate");
    else
        return;
    weir__h1_body_came(h);
    h->reader = NULL;
    if (reader != NULL)
        weir__wake(reader, -WEIR_ESLOW);
    else
        weir__stream_stop_reading(weir__connection_stream(h->connection));
}

/* --- the response --- */

void weir__h1_takes_too_little(struct weir__h1_exchange *h)
{
    weir__exchange_abort(&h->exchange, "unread", -WEIR_ESLOW);
}

static bool waits_to_take(const struct weir__h1_exchange *h)
{
    return (h->progress.waits & WEIR__H1_WAIT_TAKE) && h->exchange.response.err == 0;
}

int64_t weir__h1_takes_nothing_since(struct weir__timeout_entry *entry)
{
    const struct weir__h1_exchange *h = weir__connection_of_timeout(entry)->exchange;

    return waits_to_take(h) ? h->progress.taken_since_ns : INT64_MAX;
}

static void sample_response(struct weir__h1_exchange *h, int64_t now_ns)
{
    struct weir__server_loop *home = h->exchange.home;
    struct weir__h1_progress *p = &h->progress;
    int64_t idle_ns = limits_of(h)->idle_timeout.ns;
    weir_stream *stream = weir__connection_stream(h->connection);
    uint64_t taken = weir__stream_acknowledged(stream);

    if (!p->sampled)
        p->taken_from = taken;
    else
        p->take_ns += home->progress.limit_ns;
    if (!p->sampled || taken != p->taken)
        p->taken_since_ns = now_ns;
    else
        weir__h1_read_ahead(h);
    p->sampled = true;
    p->taken = taken;
    if (now_ns - p->taken_since_ns >= idle_ns)
        weir__h1_takes_too_little(h);
    /* TCP reports what was read in steps, seldom for a slow reader: so the average is that of a long time. */
    else if (weir__stream_counts_acknowledged(stream) &&
             p->take_ns >= (idle_ns > grace_ns ? idle_ns : grace_ns) &&
             is_too_slow(h, taken - p->taken_from, p->take_ns))
        weir__h1_takes_too_little(h);
}

static void sample(struct weir__timeout_entry *entry)
{
    struct weir__h1_exchange *h = weir__connection_of_timeout(entry)->exchange;
    struct weir__server_loop *home = h->exchange.home;
    int64_t now_ns = weir__loop_now_ns(home->loop);

    if (h->progress.waits & WEIR__H1_WAIT_BODY)
        sample_body(h, now_ns);
    if (waits_to_take(h))
        sample_response(h, now_ns);
    if (h->progress.waits != 0)
        weir__timeout_list_enter(&home->progress, entry);
}

/* --- waits begin and end --- */

void weir__h1_progress_init(struct weir__server_loop *home)
{
    int64_t step_ns = home->server->options.limits.idle_timeout.ns / 4;

    step_ns = step_ns < sample_every_ns ? step_ns : sample_every_ns;
    weir__timeout_list_init(&home->progress, home->loop, (weir_duration){step_ns > 0 ? step_ns : 1}, sample);
}

/* Returns: when the wait began. */
static int64_t begin(struct weir__h1_exchange *h, enum weir__h1_wait wait)
{
    struct weir__connection *c = h->connection;
    bool waits_already = h->progress.waits != 0;

    h->progress.waits |= (uint8_t)wait;
    if (waits_already)
        return weir__loop_now_ns(c->home->loop);
    weir__timeout_list_enter(&c->home->progress, &c->timeout);
    return c->timeout.since_ns;
}

int weir__h1_body_wait(struct weir__h1_exchange *h)
{
    if (h->progress.body_err < 0)
        return h->progress.body_err;
    if (body_is_too_slow(h, h->progress.body_ns))
        return refuse_body(h, "body_rate");
    h->progress.body_since_ns = begin(h, WEIR__H1_WAIT_BODY);
    return 0;
}

void weir__h1_body_came(struct weir__h1_exchange *h)
{
    struct weir__h1_progress *p = &h->progress;

    if (!(p->waits & WEIR__H1_WAIT_BODY))
        return;
    p->waits &= (uint8_t)~WEIR__H1_WAIT_BODY;
    p->body_ns += weir__loop_now_ns(h->exchange.home->loop) - p->body_since_ns;
    if (p->waits == 0)
        weir__timeout_list_leave(&h->connection->timeout);
}

void weir__h1_take_wait_more(struct weir__h1_exchange *h)
{
    h->progress.taken_since_ns = begin(h, WEIR__H1_WAIT_TAKE);
    if (h->ahead != NULL)
        weir__h1_read_ahead(h);
}
