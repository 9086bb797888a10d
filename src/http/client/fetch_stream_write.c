/* SPDX-License-Identifier: MIT */
/* Writing the body of a request in pieces. */
#include <errno.h>
#include <stdlib.h>

#include <weir/http_text.h>

#include "http/client/fetch_stream.h"
#include "http/message/chunked.h"
#include "http/message/trailers.h"
#include "net/splice.h"

/* Whether the backend needs no more of the request: there is an answer that only the writing task can read;
 * or, with duplex, nothing more of an answer will come. */
static bool is_answered(const weir_fetch_stream *s)
{
    const struct weir__fetch *f = &s->f;

    if (!f->duplex)
        return f->head_done;
    return f->ended || (f->head_done && f->body.ended);
}

/* A write begins, unless the request is given up; it has ended. Returns: 0; 1. */
static int begin_write(weir_fetch_stream *s, struct weir__attribution *before)
{
    *before = weir__fetch_stream_charge(s);
    s->writing = true;
    return is_answered(s);
}

static int end_write(weir_fetch_stream *s, struct weir__attribution before, int err)
{
    s->writing = false;
    s->given_up = err;
    weir__fetch_stream_charge_back(before);
    return err;
}

/* Returns: 0; 1; < 0. */
static int write_pieces(weir_fetch_stream *s, struct iovec *pieces, size_t count, int64_t idle_ns)
{
    struct weir__attribution before;
    int err = begin_write(s, &before);

    if (err == 0)
        err = weir__fetch_write(&s->f, pieces, count, idle_ns);
    return end_write(s, before, err);
}

/* Checks that so many bytes may be sent. Returns: 0; why not. */
static int check_bytes(const weir_fetch_stream *s, uint64_t bytes)
{
    if (s->given_up != 0)
        return s->given_up;
    return s->sent || (!s->chunked && bytes > s->left) ? -EINVAL : 0;
}

static void account(weir_fetch_stream *s, uint64_t bytes)
{
    if (!s->chunked)
        s->left -= bytes;
}

/* body: pieces with room for one more before the first and one behind the last, which frame a chunk. */
static int write_body(weir_fetch_stream *s, struct iovec *body, size_t count, uint64_t bytes, int64_t idle_ns)
{
    char line[WEIR__HTTP_CHUNK_LINE_BYTES_MAX];
    int err;

    if (s->chunked) {
        body[-1] = (struct iovec){line, weir__http_chunk_line(line, bytes)};
        body[count] = (struct iovec){(void *)(uintptr_t) "\r\n", 2};
        return write_pieces(s, body - 1, count + 2, idle_ns);
    }
    err = write_pieces(s, body, count, idle_ns);
    if (err == 0)
        account(s, bytes);
    return err;
}

int weir_fetch_write(weir_fetch_stream *s, const void *data, size_t bytes)
{
    struct iovec pieces[3] = {{NULL, 0}, {(void *)(uintptr_t)data, bytes}, {NULL, 0}};
    int err;

    weir__fetch_stream_check_writer(s, __func__);
    err = check_bytes(s, bytes);
    return err == 0 && bytes > 0 ? write_body(s, &pieces[1], 1, bytes, 0) : err;
}

int weir__fetch_stream_write_runs(weir_fetch_stream *s, const struct iovec *runs, size_t count,
                                  int64_t idle_ns)
{
    struct iovec pieces[WEIR__FETCH_RUNS_MAX + 2];
    uint64_t bytes = 0;
    int err;

    for (size_t i = 0; i < count; i++) {
        pieces[i + 1] = runs[i];
        bytes += runs[i].iov_len;
    }
    err = check_bytes(s, bytes);
    return err == 0 && bytes > 0 ? write_body(s, &pieces[1], count, bytes, idle_ns) : err;
}

/* --- from a pipe --- */

bool weir__fetch_stream_can_splice(const weir_fetch_stream *s)
{
    return s->f.connection != NULL && weir__stream_can_splice(weir__client_stream(s->f.connection));
}

static int splice_body(weir_fetch_stream *s, struct weir__splice *splice, int64_t idle_ns)
{
    weir_stream *stream = weir__client_stream(s->f.connection);
    char line[WEIR__HTTP_CHUNK_LINE_BYTES_MAX];
    struct iovec first = {line, weir__http_chunk_line(line, weir__splice_bytes(splice))},
                 last = {(void *)(uintptr_t) "\r\n", 2};
    struct weir__stream_write write;
    int err = 0;

    weir__fetch_begin_write(&s->f, &write);
    if (s->chunked)
        err = weir__stream_write_pieces(stream, &first, 1, &write);
    if (err == 0)
        err = weir__stream_splice_out(stream, splice, weir__splice_bytes(splice), idle_ns, &write);
    if (err == 0 && s->chunked)
        err = weir__stream_write_pieces(stream, &last, 1, &write);
    return weir__fetch_end_write(&s->f, &write, err);
}

int weir__fetch_stream_splice_out(weir_fetch_stream *s, struct weir__splice *splice, int64_t idle_ns)
{
    uint64_t bytes = weir__splice_bytes(splice);
    struct weir__attribution before;
    int err = check_bytes(s, bytes);

    if (err != 0)
        return err;
    err = begin_write(s, &before);
    if (err == 0)
        err = splice_body(s, splice, idle_ns);
    if (err == 0)
        account(s, bytes);
    return end_write(s, before, err);
}

/* --- the end --- */

int weir_fetch_trailer_add(weir_fetch_stream *s, const char *name, const char *value)
{
    const weir_bytes n = weir_bytes_of(name), v = weir_bytes_of(value);

    weir__fetch_stream_check_writer(s, __func__);
    if (!s->chunked || !weir_token_is_valid(n) || !weir__http_is_trailer(n) || !weir_header_value_is_valid(v))
        return -EINVAL;
    if (s->sent || s->given_up != 0)
        return -WEIR_EBUSY;
    return weir_buffer_printf(&s->added, "%s: %s\r\n", name, value);
}

/* The lines that were added stand before the empty one. */
static int write_tail(weir_fetch_stream *s, char *tail, size_t bytes)
{
    struct iovec pieces[3] = {{tail, bytes - 2}, {s->added.data, s->added.len}, {tail + bytes - 2, 2}};

    return write_pieces(s, pieces, 3, 0);
}

static int write_last(weir_fetch_stream *s)
{
    struct iovec last = {(void *)(uintptr_t) "0\r\n\r\n", 5};
    size_t room;
    char *tail;
    int len, err;

    if (s->trailer_count == 0 && s->added.len == 0)
        return write_pieces(s, &last, 1, 0);
    room = weir__fetch_tail_bytes(s->trailers, s->trailer_count);
    tail = malloc(room);
    if (tail == NULL)
        return -ENOMEM;
    len = weir__fetch_write_tail(s->trailers, s->trailer_count, tail, room);
    err = len < 0 ? len : write_tail(s, tail, (size_t)len);
    free(tail);
    return err;
}

int weir__fetch_stream_end(weir_fetch_stream *s)
{
    int err = 0;

    if (s->sent || s->given_up != 0)
        return s->given_up;
    if (!s->chunked && s->left > 0)
        return -EINVAL;
    if (s->chunked)
        err = write_last(s);
    s->sent = err == 0;
    return err;
}

int weir_fetch_end(weir_fetch_stream *s)
{
    weir__fetch_stream_check_writer(s, __func__);
    return weir__fetch_stream_end(s);
}
