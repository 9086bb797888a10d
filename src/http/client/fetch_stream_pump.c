/* SPDX-License-Identifier: MIT */
/* The answer as the source of a pump. */
#include "http/client/fetch_stream_pump.h"

#include <errno.h>

#include "http/client/connection.h"

int weir__fetch_stream_take_runs(weir_fetch_stream *s, struct iovec *runs, size_t count, uint64_t most)
{
    struct weir__fetch *f = &s->f;
    size_t n = 0;
    int err = 0;

    if (f->connection == NULL)
        return -WEIR_ECLOSED;
    while (err == 0 && n < count && most > 0 && !f->body.ended && f->piece_at < f->piece_len) {
        weir_bytes run;

        err = weir__fetch_take_run(f, most < SIZE_MAX ? (size_t)most : SIZE_MAX, &run);
        if (err < 0 || run.len == 0)
            continue;
        runs[n++] = (struct iovec){(void *)(uintptr_t)run.data, run.len};
        most -= run.len;
    }
    if (f->body.ended && n == 0)
        weir__fetch_stream_read_ended(s, 0);
    if (err < 0 && n == 0)
        weir__fetch_stream_read_ended(s, err);
    return n > 0 ? (int)n : err;
}

/* --- waiting --- */

/* An idle limit of a wait for the answer. */
struct idle {
    struct weir__timeout timeout;
    struct weir__fetch *fetch;
    bool expired;
};

static void expired(struct weir__timeout *timeout)
{
    struct idle *idle = weir__container_of(timeout, struct idle, timeout);

    idle->expired = true;
    weir__fetch_wake(idle->fetch);
}

static int wait_within(struct weir__fetch *f, int64_t idle_ns)
{
    struct weir__loop *loop = f->client->loop;
    struct idle idle = {.fetch = f};
    int err;

    if (idle_ns == 0)
        return weir__fetch_wait(f);
    weir__timeout_init(&idle.timeout, expired);
    weir__timeout_set(loop, &idle.timeout, weir__loop_now_ns(loop) + idle_ns);
    err = weir__fetch_wait(f);
    weir__timeout_cancel(loop, &idle.timeout);
    return err == 0 && idle.expired && f->piece_at == f->piece_len && !f->ended ? -WEIR_EIDLE : err;
}

static int await_runs(struct weir__fetch *f, int64_t idle_ns)
{
    while (f->piece_at == f->piece_len && !f->ended) {
        int err = wait_within(f, idle_ns);
        if (err < 0)
            return err;
    }
    if (f->piece_at < f->piece_len)
        return 0;
    return f->err < 0 ? f->err : weir__http_body_closed(&f->body);
}

static struct weir__attribution begin_reading(weir_fetch_stream *s)
{
    s->reading = true;
    return weir__fetch_stream_charge(s);
}

static void end_reading(weir_fetch_stream *s, struct weir__attribution before, ssize_t result)
{
    s->reading = false;
    weir__fetch_stream_charge_back(before);
    if (result < 0)
        weir__fetch_stream_read_ended(s, result);
}

int weir__fetch_stream_await_runs(weir_fetch_stream *s, int64_t idle_ns)
{
    struct weir__attribution before = begin_reading(s);
    int err = await_runs(&s->f, idle_ns);

    end_reading(s, before, err);
    return err;
}

/* --- into a pipe --- */

/* What is here already was taken, and nothing is being received. */
static bool may_go_straight(const struct weir__fetch *f, const struct weir__splice *splice)
{
    return f->connection != NULL && f->piece_at == f->piece_len && !f->ended && !f->connection->awaiting &&
           weir__stream_can_splice_in(weir__client_stream(f->connection), splice);
}

/* Tells the fetch that its connection has ended, as an await does. */
static ssize_t note_end(struct weir__fetch *f, ssize_t result)
{
    (void)f->feed(f, NULL, (int32_t)result);
    return f->err < 0 ? f->err : weir__http_body_closed(&f->body);
}

ssize_t weir__fetch_stream_splice_in(weir_fetch_stream *s, struct weir__splice *splice, uint64_t most,
                                     int64_t idle_ns)
{
    struct weir__fetch *f = &s->f;
    uint64_t run = weir__splice_of_run(weir__http_body_run(&f->body), most);
    struct weir__attribution before;
    ssize_t got;

    if (run == 0 || !may_go_straight(f, splice))
        return -EAGAIN;
    weir__client_stop_timeout(f->connection); /* it would receive */
    before = begin_reading(s);
    got = weir__stream_splice_in(weir__client_stream(f->connection), splice, run, idle_ns);
    if (got > 0)
        weir__http_body_skip(&f->body, (uint64_t)got);
    else if (got == 0 || (got != -EAGAIN && got != -WEIR_EIDLE && got != weir_cancelled()))
        got = note_end(f, got);
    end_reading(s, before, got == -EAGAIN ? 0 : got);
    if (got == 0)
        weir__fetch_stream_read_ended(s, 0);
    return got;
}
