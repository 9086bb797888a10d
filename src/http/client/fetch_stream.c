/* SPDX-License-Identifier: MIT */
/* Requests and answers larger than memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/account/attribution.h"
#include "http/client/fetch_parts.h"
#include "http/client/origin.h"
#include "http/client/origin_table.h"
#include "http/message/chunked.h"

struct weir_fetch_stream {
    struct weir__fetch f;
    struct weir__origin *origin;
    bool chunked, sent; /* of the request's body */
    bool given_up;      /* the rest of the body was: there is an answer, or writing failed */
    bool repeatable;    /* there is no body */
    bool broke;         /* reading the answer's body failed, and that is counted */
    int lost;           /* why the request did not get through */
    uint64_t left;      /* of the request's body, unless chunked */
    const char *name;   /* of the backend, in the ledger of the exchange that opened the stream */
};

static struct weir__attribution charge_backend(const weir_fetch_stream *s)
{
    return weir__attribution_on(weir__task_current(), WEIR_CHARGE_BACKEND, s->name);
}

static void charge_back(struct weir__attribution before)
{
    weir__attribution_back(weir__task_current(), before);
}

static int begin(weir_fetch_stream *s, int64_t body_length)
{
    struct weir__attribution before = charge_backend(s);
    /* A request whose body is made as it is sent can't be repeated, so that it is given a fresh connection.
     */
    int err = weir__origin_acquire(s->origin, &s->f, body_length != 0);

    if (err == 0)
        err = weir__fetch_send(&s->f, NULL, 0);
    charge_back(before);
    return err;
}

int weir_fetch_open(weir_client *client, const weir_fetch_options *options, int64_t body_length,
                    weir_fetch_stream **out)
{
    weir_fetch_stream *s = calloc(1, sizeof *s);
    struct weir__http_url url;
    int err;

    if (s == NULL)
        return -ENOMEM;
    weir__fetch_init(&s->f, client, options, true);
    s->chunked = body_length < 0;
    s->left = s->chunked ? 0 : (uint64_t)body_length;
    err = weir__client_url(options->url, &url);
    if (err == 0)
        err = weir__fetch_write_head(&s->f, options, &url, body_length, NULL);
    if (err == 0)
        err = weir__client_origin(client, &url, &s->origin);
    if (err == 0) {
        s->name = weir__fetch_charge_name(options, s->origin);
        err = begin(s, body_length);
    }
    if (err < 0 && body_length == 0 && weir__fetch_is_stale(&s->f, err)) {
        s->lost = err; /* weir_fetch_head() tries once more */
        err = 0;
    }
    if (err < 0) {
        weir__origin_ended(s->origin, &s->f, err);
        weir_fetch_close(s);
        return err;
    }
    s->repeatable = body_length == 0;
    if (!s->repeatable)
        weir__fetch_free_head(&s->f);
    *out = s;
    return 0;
}

static int write_piece(weir_fetch_stream *s, const void *data, size_t bytes)
{
    char line[WEIR__HTTP_CHUNK_LINE_BYTES_MAX];
    struct iovec pieces[3] = {{line, 0}, {(void *)(uintptr_t)data, bytes}, {(void *)(uintptr_t) "\r\n", 2}};
    int err;

    if (s->chunked) {
        pieces[0].iov_len = weir__http_chunk_line(line, bytes);
        return weir__fetch_write(&s->f, pieces, 3);
    }
    err = weir__fetch_write(&s->f, &pieces[1], 1);
    if (err == 0)
        s->left -= bytes;
    return err;
}

/* Whether an answer has come before all was written: one that only the writing task could read, or one that
 * has been read to its end meanwhile. */
static bool is_answered(const weir_fetch_stream *s)
{
    return s->given_up || (s->f.both_ways ? s->f.body.ended && s->f.head_done : s->f.head_done);
}

int weir_fetch_write(weir_fetch_stream *s, const void *data, size_t bytes)
{
    struct weir__attribution before;
    int err = 1;

    if (s->sent || (!s->chunked && bytes > s->left))
        return -EINVAL;
    if (bytes == 0)
        return 0;
    if (!is_answered(s)) {
        before = charge_backend(s);
        err = write_piece(s, data, bytes);
        charge_back(before);
    }
    s->given_up = s->given_up || err != 0;
    return err;
}

static int end_request(weir_fetch_stream *s)
{
    struct iovec last = {(void *)(uintptr_t) "0\r\n\r\n", 5};

    if (s->sent || s->given_up)
        return s->given_up;
    s->sent = true;
    if (!s->chunked)
        return s->left > 0 ? -EINVAL : 0;
    return weir__fetch_write(&s->f, &last, 1);
}

int weir_fetch_end(weir_fetch_stream *s)
{
    struct weir__attribution before = charge_backend(s);
    int err = end_request(s);

    charge_back(before);
    s->given_up = s->given_up || err == 1;
    return err;
}

/* A backend may answer without having read all of the request. Then its answer counts, not the failed write.
 */
static int wait_for_head(weir_fetch_stream *s, int sent)
{
    struct weir__fetch *f = &s->f;

    while (!f->head_done && !f->ended) {
        int err = weir__fetch_wait(f);
        if (err < 0)
            return err;
    }
    if (f->head_done)
        return 0;
    return sent < 0 && !f->began ? sent : f->err;
}

static int read_head(weir_fetch_stream *s, weir_reply *reply, bool end)
{
    int sent, err;

    sent = s->lost < 0 ? s->lost : end ? end_request(s) : 0;
    if (sent == -EINVAL)
        return sent;
    err = wait_for_head(s, sent);
    if (s->repeatable && weir__fetch_is_stale(&s->f, err)) {
        err = weir__origin_replace(s->origin, &s->f);
        weir__fetch_restart(&s->f);
        sent = err == 0 ? weir__fetch_send(&s->f, NULL, 0) : err;
        s->sent = true;
        if (err == 0)
            err = wait_for_head(s, sent);
    }
    if (err < 0) {
        weir__origin_ended(s->origin, &s->f, err);
        reply->why = s->f.why;
        return err;
    }
    weir__origin_ended(s->origin, &s->f, 0);
    weir__fetch_free_head(&s->f);
    if (sent != 0)
        s->f.keep = false;
    *reply = s->f.reply;
    reply->memory = NULL; /* it goes with the stream */
    return 0;
}

static int take_head(weir_fetch_stream *s, weir_reply *reply, bool end)
{
    struct weir__attribution before;
    int err;

    *reply = (weir_reply){0};
    if (s->f.connection == NULL)
        return -WEIR_ECLOSED;
    before = charge_backend(s);
    err = read_head(s, reply, end);
    charge_back(before);
    return err;
}

int weir_fetch_head(weir_fetch_stream *s, weir_reply *reply)
{
    return take_head(s, reply, true);
}

int weir_fetch_head_meanwhile(weir_fetch_stream *s, weir_reply *reply)
{
    s->f.both_ways = true;
    return take_head(s, reply, false);
}

/* Parks until there are bytes: 1; 0 the backend has sent its last; < 0. */
static int fill(struct weir__fetch *f)
{
    while (f->piece_at == f->piece_len && !f->ended) {
        int err = weir__fetch_wait(f);
        if (err < 0)
            return err;
    }
    return f->piece_at < f->piece_len ? 1 : f->err;
}

static ssize_t read_body(struct weir__fetch *f, void *data, size_t bytes)
{
    weir_bytes run = {0};

    while (!f->body.ended && run.len == 0) {
        size_t used, here = f->piece_len - f->piece_at;
        int step =
            weir__http_body_next(&f->body, f->piece + f->piece_at, here < bytes ? here : bytes, &used, &run);
        if (step < 0) {
            f->why = f->body.chunked.fault;
            return step;
        }
        f->piece_at += used;
        if (run.len > 0 || f->body.ended || f->piece_at < f->piece_len)
            continue;
        step = fill(f);
        if (step == 0)
            step = weir__http_body_closed(&f->body);
        if (step < 0)
            return step;
    }
    if (run.len > 0)
        memcpy(data, run.data, run.len);
    return (ssize_t)run.len;
}

ssize_t weir_fetch_read(weir_fetch_stream *s, void *data, size_t bytes)
{
    struct weir__attribution before;
    ssize_t n;

    if (!s->f.head_done || bytes == 0)
        return -EINVAL;
    before = charge_backend(s);
    n = read_body(&s->f, data, bytes);
    charge_back(before);
    if (n <= 0)
        weir__fetch_stop_writing(&s->f); /* a backend that has answered to the end reads no more */
    if (n < 0 && !s->broke) {
        s->broke = true;
        weir__origin_counts_broke(s->origin->counts,
                                  &(struct weir__origin_end){.err = (int)n, .words = s->f.why});
    }
    return n;
}

void weir_fetch_close(weir_fetch_stream *s)
{
    struct weir__fetch *f;

    if (s == NULL)
        return;
    f = &s->f;
    if (s->origin != NULL)
        weir__origin_ended(s->origin, f, -WEIR_ECANCELED); /* when nothing has ended it yet */
    if (f->connection != NULL)
        weir__origin_release(s->origin, f,
                             s->sent && !s->given_up && f->head_done && f->body.ended && f->keep &&
                                 !f->ended && f->piece_at == f->piece_len);
    weir__fetch_free_head(f);
    weir__fetch_drop_reply(f);
    free(f->piece);
    free(s);
}
