/* SPDX-License-Identifier: MIT */
/* Reading an answer in pieces. */
#include <errno.h>
#include <string.h>

#include "http/client/backend/outcome.h"
#include "http/client/fetch_stream.h"
#include "http/client/origin.h"
#include "http/client/origin_stats.h"

/* --- heads --- */

static bool has_interim(const weir_fetch_stream *s)
{
    return s->interims_read < s->f.interims;
}

/* Waits for the answer's head, or for an informational answer before it. A backend may answer without having
 * read all of the request. Then its answer counts, not the failed write. */
static int wait_for_head(weir_fetch_stream *s, int sent, bool interim)
{
    struct weir__fetch *f = &s->f;

    while (!f->head_done && !f->ended && !(interim && has_interim(s))) {
        int err = weir__fetch_wait(f);
        if (err < 0)
            return err;
    }
    if (f->head_done || (interim && has_interim(s)))
        return 0;
    return weir__fetch_failure(f, sent);
}

/* Sends a request once more that was lost by a kept connection. */
static int send_again(weir_fetch_stream *s, bool interim)
{
    int err = weir__origin_replace(s->origin, &s->f), sent;

    weir__fetch_restart(&s->f);
    s->lost = 0;
    if (err < 0)
        return err;
    sent = weir__fetch_send(&s->f, NULL, 0);
    return weir__fetch_is_unsent(sent) ? sent : wait_for_head(s, sent, interim);
}

static bool is_cancel(int err)
{
    return err == -WEIR_ECANCELED || err == -WEIR_EDEADLINE;
}

static int await_head(weir_fetch_stream *s, int sent, bool interim)
{
    int err = wait_for_head(s, sent, interim);

    if (s->repeatable && weir__fetch_is_stale(&s->f, err))
        err = send_again(s, interim);
    if (err < 0 && is_cancel(err))
        s->cause = err; /* the exchange can go on */
    else if (err < 0)
        weir__origin_ended(s->origin, &s->f, err);
    return err;
}

static int read_head(weir_fetch_stream *s)
{
    int sent = s->lost, err;

    if (sent == 0 && !s->f.duplex) {
        sent = weir__fetch_stream_end(s);
        if (sent == -EINVAL || sent == -ENOMEM || is_cancel(sent))
            return sent;
    }
    err = await_head(s, sent, false);
    if (err < 0)
        return err;
    weir__origin_ended(s->origin, &s->f, 0);
    weir__fetch_free_head(&s->f);
    s->head_read = true;
    return 0;
}

int weir_fetch_head(weir_fetch_stream *s, weir_reply *reply)
{
    struct weir__attribution before;
    int err;

    weir__fetch_stream_check_reader(s, __func__);
    if (s->writing && !s->f.duplex)
        weir__misuse(__func__, "while another task writes the request",
                     "set duplex in weir_fetch_options for two tasks");
    *reply = (weir_reply){0};
    if (s->f.connection == NULL)
        return s->f.err < 0 ? s->f.err : -WEIR_ECLOSED;
    before = weir__fetch_stream_charge(s);
    s->reading = true;
    err = read_head(s);
    s->reading = false;
    weir__fetch_stream_charge_back(before);
    if (err < 0)
        *reply = (weir_reply){.why = s->f.why, .took = s->f.reply.took, .instance = s->f.reply.instance};
    else
        *reply = s->f.reply;
    return err;
}

int weir_fetch_informational(weir_fetch_stream *s, weir_reply *reply)
{
    struct weir__attribution before;
    int err;

    weir__fetch_stream_check_reader(s, __func__);
    *reply = (weir_reply){0};
    if (s->f.connection == NULL)
        return s->f.err < 0 ? s->f.err : -WEIR_ECLOSED;
    before = weir__fetch_stream_charge(s);
    s->reading = true;
    err = await_head(s, s->lost, true);
    s->reading = false;
    weir__fetch_stream_charge_back(before);
    if (err < 0)
        reply->why = s->f.why;
    else if (has_interim(s))
        *reply = s->f.interim[s->interims_read++];
    return err < 0 ? err : reply->status > 0;
}

/* --- the body --- */

/* Parks until there are bytes, or the backend has sent its last. Returns: 0; < 0. */
static int fill(struct weir__fetch *f)
{
    while (f->piece_at == f->piece_len && !f->ended) {
        int err = weir__fetch_wait(f);
        if (err < 0)
            return err;
    }
    if (f->piece_at < f->piece_len)
        return 0;
    return f->err < 0 ? f->err : weir__http_body_closed(&f->body);
}

int weir__fetch_take_run(struct weir__fetch *f, size_t most, weir_bytes *run)
{
    size_t used, here = f->piece_len - f->piece_at;
    int step = weir__http_body_next(&f->body, f->piece + f->piece_at, here < most ? here : most, &used, run);

    if (step < 0) {
        f->why = f->body.chunked.fault;
        return step;
    }
    f->piece_at += used;
    if (run->len > 0 && step != WEIR__HTTP_BODY_DATA) {
        step = weir__fetch_keep_trailers(f, *run);
        *run = (weir_bytes){0};
        if (step < 0)
            return step;
    }
    return f->body.ended ? weir__fetch_end_trailers(f) : 0;
}

static ssize_t read_body(struct weir__fetch *f, void *data, size_t bytes)
{
    weir_bytes run = {0};

    while (!f->body.ended && run.len == 0) {
        int err = weir__fetch_take_run(f, bytes, &run);

        if (err == 0 && run.len == 0 && !f->body.ended && f->piece_at == f->piece_len)
            err = fill(f);
        if (err < 0)
            return err;
    }
    if (run.len > 0)
        memcpy(data, run.data, run.len);
    return (ssize_t)run.len;
}

void weir__fetch_stream_read_ended(weir_fetch_stream *s, ssize_t n)
{
    if (n == 0 || n != weir_cancelled())
        weir__fetch_stop_writing(&s->f); /* a backend that has answered to the end reads no more */
    if (n < 0 && n != weir_cancelled() && !s->broke) {
        s->broke = true;
        weir__origin_counts_broke(s->origin->counts,
                                  &(struct weir__origin_end){.err = (int)n, .words = s->f.why});
        weir__backend_broke(&s->f.use, (int)n, s->f.why);
    }
}

void weir__fetch_stream_check_answer(const weir_fetch_stream *s, const char *function)
{
    weir__fetch_stream_check_reader(s, function);
    if (!s->head_read)
        weir__misuse(function, "before weir_fetch_head() has returned 0", "read the head first");
}

ssize_t weir_fetch_read(weir_fetch_stream *s, void *data, size_t bytes)
{
    struct weir__attribution before;
    ssize_t n;

    weir__fetch_stream_check_answer(s, __func__);
    if (bytes == 0)
        return -EINVAL;
    if (s->f.connection == NULL)
        return -WEIR_ECLOSED; /* it was taken over */
    before = weir__fetch_stream_charge(s);
    s->reading = true;
    n = read_body(&s->f, data, bytes);
    s->reading = false;
    weir__fetch_stream_charge_back(before);
    if (n <= 0)
        weir__fetch_stream_read_ended(s, n);
    return n;
}

const weir_header *weir_fetch_trailers(const weir_fetch_stream *s, size_t *count)
{
    const weir_reply *reply = &s->f.reply;

    weir__check_loop(s->handle.loop, __func__, "a fetch stream");
    *count = s->f.body.ended ? reply->trailer_count : 0;
    return *count > 0 ? reply->trailers : NULL;
}
