/* SPDX-License-Identifier: MIT */
/* Writing the body of a request in pieces. */
#include <errno.h>
#include <stdlib.h>

#include <weir/http_text.h>

#include "http/client/fetch_stream.h"
#include "http/message/chunked.h"
#include "http/message/trailers.h"

/* Whether the backend needs no more of the request: there is an answer that only the writing task can read;
 * or, with duplex, nothing more of an answer will come. */
static bool is_answered(const weir_fetch_stream *s)
{
    const struct weir__fetch *f = &s->f;

    if (!f->duplex)
        return f->head_done;
    return f->ended || (f->head_done && f->body.ended);
}

/* Writes, unless the request is given up. Returns: 0; 1; < 0. */
static int write_pieces(weir_fetch_stream *s, struct iovec *pieces, size_t count)
{
    struct weir__attribution before = weir__fetch_stream_charge(s);
    int err = 1;

    s->writing = true;
    if (!is_answered(s))
        err = weir__fetch_write(&s->f, pieces, count);
    s->writing = false;
    s->given_up = err;
    weir__fetch_stream_charge_back(before);
    return err;
}

static int write_piece(weir_fetch_stream *s, const void *data, size_t bytes)
{
    char line[WEIR__HTTP_CHUNK_LINE_BYTES_MAX];
    struct iovec pieces[3] = {{line, 0}, {(void *)(uintptr_t)data, bytes}, {(void *)(uintptr_t) "\r\n", 2}};
    int err;

    if (s->chunked) {
        pieces[0].iov_len = weir__http_chunk_line(line, bytes);
        return write_pieces(s, pieces, 3);
    }
    err = write_pieces(s, &pieces[1], 1);
    if (err == 0)
        s->left -= bytes;
    return err;
}

int weir_fetch_write(weir_fetch_stream *s, const void *data, size_t bytes)
{
    weir__fetch_stream_check_writer(s, __func__);
    if (s->given_up != 0)
        return s->given_up;
    if (s->sent || (!s->chunked && bytes > s->left))
        return -EINVAL;
    return bytes > 0 ? write_piece(s, data, bytes) : 0;
}

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

    return write_pieces(s, pieces, 3);
}

static int write_last(weir_fetch_stream *s)
{
    struct iovec last = {(void *)(uintptr_t) "0\r\n\r\n", 5};
    size_t room;
    char *tail;
    int len, err;

    if (s->trailer_count == 0 && s->added.len == 0)
        return write_pieces(s, &last, 1);
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
