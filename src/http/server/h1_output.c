/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "core/account/attribution.h"
#include "core/task.h"
#include "http/message/writer.h"
#include "http/server/h1.h"
#include "http/server/h1_progress.h"
#include "net/splice.h"

enum {
    HEAD_BYTES = 512,           /* beside a head's fields and its content-type */
    ONE_WRITE_BYTES = 4096,     /* a body up to this size is copied behind its head */
    BEGINNING_BYTES = 16 << 10, /* so is the beginning of a large one */
    LARGE_BYTES = 128 << 10,
    SLICE_BYTES = 64 << 10,
    PIECES_MAX = WEIR__WIRE_PIECES_MAX + 6, /* the head, what frames a chunk, the last chunk */
};

/* --- sending --- */

/* TCP reports how much the peer has taken of an operation under way. Of other streams that is known only when
 * an operation is over: so operations are small. */
static int write_slices(struct weir__h1_exchange *h, const struct iovec *pieces, size_t count)
{
    int err = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t at = 0, n; at < pieces[i].iov_len && err == 0; at += n) {
            n = pieces[i].iov_len - at < SLICE_BYTES ? pieces[i].iov_len - at : SLICE_BYTES;
            weir__h1_take_wait(h);
            err = weir__stream_write(weir__connection_stream(h->connection), (char *)pieces[i].iov_base + at,
                                     n);
        }
    return err;
}

static bool is_more_than_a_slice(const struct iovec *pieces, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += pieces[i].iov_len;
    return bytes > SLICE_BYTES;
}

/* Sends what goes without waiting, ahead of what the ring has gathered of others. An error comes again. */
static void send_ahead(weir_stream *s, struct iovec *piece)
{
    ssize_t sent = weir__stream_send_now(s, piece->iov_base, piece->iov_len);

    if (sent > 0) {
        piece->iov_base = (char *)piece->iov_base + sent;
        piece->iov_len -= (size_t)sent;
    }
}

static int write_pieces(struct weir__h1_exchange *h, struct iovec *pieces, size_t count, bool ahead)
{
    weir_stream *s = weir__connection_stream(h->connection);

    if (ahead) {
        weir__h1_take_wait(h);
        send_ahead(s, pieces);
        if (pieces->iov_len == 0)
            return 0;
    }
    if (is_more_than_a_slice(pieces, count) && !weir__stream_counts_acknowledged(s))
        return write_slices(h, pieces, count);
    weir__h1_take_wait(h);
    return weir__stream_write_whole(s, pieces, count);
}

/* Sends what is in a pipe, framed if it is a chunk. */
static int write_spliced(struct weir__h1_exchange *h, struct weir__splice *splice)
{
    weir_stream *s = weir__connection_stream(h->connection);
    bool counts = weir__stream_counts_acknowledged(s);
    char line[WEIR__HTTP_CHUNK_LINE_BYTES_MAX];
    struct weir__stream_write write;
    size_t left = weir__splice_bytes(splice);
    int err = 0;

    memset(&write, 0, sizeof write);
    if (h->chunked) {
        weir__h1_take_wait(h);
        err = weir__stream_write(s, line, weir__http_chunk_line(line, left));
    }
    while (err == 0 && left > 0) {
        size_t n = counts || left < SLICE_BYTES ? left : SLICE_BYTES;

        weir__h1_take_wait(h);
        err = weir__stream_splice_out(s, splice, n, 0, &write);
        left -= n;
    }
    if (err == 0 && h->chunked)
        err = weir__stream_write(s, "\r\n", 2);
    return err;
}

/* Passes over the first bytes of the response that were sent before its head: see h1_half_close.c. */
static void skip_early_bytes(struct weir__h1_exchange *h, struct iovec *first)
{
    first->iov_base = (char *)first->iov_base + h->early_bytes;
    first->iov_len -= h->early_bytes;
    h->early_bytes = 0;
}

/* Sends pieces, or what is in a pipe. */
struct output {
    struct iovec *pieces;
    size_t count;
    struct weir__splice *splice; /* NULL: pieces */
    bool ahead;                  /* one piece, see send_ahead() */
};

static int write_in_turn(struct weir__h1_exchange *h, const struct output *o)
{
    struct weir__output_writer writer;
    struct weir__output_queue *queue = &h->connection->output;
    int err = weir__output_enter(queue, &writer);

    if (err < 0)
        return err;
    if (h->early_bytes > 0)
        skip_early_bytes(h, o->pieces);
    err = h->exchange.response.err;
    if (err == 0) {
        err =
            o->splice != NULL ? write_spliced(h, o->splice) : write_pieces(h, o->pieces, o->count, o->ahead);
        weir__h1_taken(h);
    }
    weir__output_leave(queue, &writer);
    return err;
}

static int send_output(struct weir__h1_exchange *h, const struct output *o)
{
    weir_response *res = &h->exchange.response;
    struct weir__task *self = weir__task_current();
    struct weir__attribution before;
    int err;

    if (res->err < 0)
        return res->err;
    before = weir__attribution_on(self, WEIR_CHARGE_SEND, NULL);
    err = write_in_turn(h, o);
    weir__attribution_back(self, before);
    if (res->err == 0)
        res->err = err;
    return res->err;
}

static int send_pieces(struct weir__h1_exchange *h, struct iovec *pieces, size_t count)
{
    return send_output(h, &(struct output){.pieces = pieces, .count = count});
}

ssize_t weir__h1_send_now(struct weir__connection *c, const char *data, size_t len)
{
    if (!weir__output_is_idle(&c->output))
        return -EAGAIN;
    return weir__stream_send_now(weir__connection_stream(c), data, len);
}

/* --- the head --- */

/* As of when the present slice began, which is known without a look at the clock. */
static const char *date(struct weir__server_loop *home)
{
    const struct weir__heartbeat *heartbeat = &home->loop->heartbeat;

    if (weir__loop_slice_ticks(home->loop) >= home->date_until) {
        uint64_t ticks = weir__heartbeat_ticks(heartbeat);
        int64_t wall_ns = weir__clock_wall_ns();
        weir__http_date_format(wall_ns / 1000000000, home->date);
        home->date_until = ticks + weir__heartbeat_ns_ticks(heartbeat, 1000000000 - wall_ns % 1000000000);
    }
    return home->date;
}

/* The client sends no more, and none of what is here may be a further request. */
static bool is_the_last(const struct weir__h1_exchange *h)
{
    return h->input_end < 0 ||
           (h->input_end > 0 && (!h->exchange.request.body.ended || h->input_at == h->input_len));
}

/* What is left of the body will not be read before the next request: it is too much, or may never come. */
static bool leaves_body(const weir_request *req)
{
    return !req->body.ended && (req->continue_due || req->body.left > WEIR__H1_DISCARD_BYTES_MAX ||
                                weir__http_body_is_too_large(&req->body));
}

static bool may_keep_alive(const struct weir__h1_exchange *h)
{
    const struct weir__exchange *x = &h->exchange;

    return x->request.head.keep_alive && !x->refusal.close && !x->response.close &&
           !atomic_load_explicit(&x->home->server->draining, memory_order_relaxed) && !is_the_last(h) &&
           x->request.body_err == 0 && !(x->response.final && leaves_body(&x->request));
}

/* How the client will find the end of the body. */
static void choose_framing(struct weir__h1_exchange *h, const struct weir__wire_head *head)
{
    bool is_1_0 = h->exchange.request.head.minor == 0;

    h->keep_alive = may_keep_alive(h);
    if (head->length >= 0 || h->exchange.response.no_body || weir__status_has_no_body(head->status))
        return;
    h->chunked = !is_1_0;
    if (is_1_0)
        h->keep_alive = false; /* the end of the connection is the end of the body */
}

/* A HEAD is answered with the fields that GET would be (RFC 9110, 9.3.2). */
static bool names_chunks(const struct weir__exchange *x, int status)
{
    return x->response.names_chunks && x->request.head.method == WEIR__HTTP_HEAD &&
           x->request.head.minor > 0 && !weir__status_has_no_body(status);
}

/* Returns: the bytes written; < 0. */
static int write_head(struct weir__h1_exchange *h, const struct weir__wire_head *head, char *out, size_t room)
{
    const weir_response *res = &h->exchange.response;
    weir__http_writer w = weir__http_writer_into(out, room);

    weir__http_write_status(&w, head->status);
    weir__http_write_date(&w, date(h->exchange.home));
    if (head->type != NULL)
        weir__http_write_type(&w, weir_bytes_of(head->type));
    if (head->length >= 0 && head->status != 204)
        weir__http_write_length(&w, (uint64_t)head->length);
    else if (h->chunked || names_chunks(&h->exchange, head->status))
        weir__http_write_chunked(&w);
    if (!h->keep_alive)
        weir__http_write_trusted(&w, WEIR__HTTP_TEXT("connection"), WEIR__HTTP_TEXT("close"));
    else if (h->exchange.request.head.minor == 0)
        weir__http_write_trusted(&w, WEIR__HTTP_TEXT("connection"), WEIR__HTTP_TEXT("keep-alive"));
    if (res->headers.len > 0)
        weir__http_write_raw(&w, (weir_bytes){res->headers.text, res->headers.len});
    return weir__http_writer_end(&w);
}

/* Makes the head, with room behind it. Returns: 0 and the response has begun; < 0 nothing has happened. */
static int begin(struct weir__h1_exchange *h, const struct weir__wire_head *head, size_t room_behind,
                 struct iovec *made)
{
    weir_response *res = &h->exchange.response;
    size_t room = HEAD_BYTES + (head->type != NULL ? strlen(head->type) : 0) + res->headers.len;
    char *out;
    int bytes;

    choose_framing(h, head);
    out = weir__arena_alloc(&h->exchange.memory, room + room_behind);
    if (out == NULL)
        return -ENOMEM;
    bytes = write_head(h, head, out, room);
    if (bytes < 0)
        return bytes;
    res->began = true;
    res->status = head->status;
    *made = (struct iovec){out, (size_t)bytes};
    return 0;
}

/* --- the response --- */

/* Adds the last chunk, with the trailers. Returns: the number of pieces. */
static size_t add_last_chunk(const struct weir__h1_exchange *h, struct iovec *pieces)
{
    const struct weir__header_lines *trailers = &h->exchange.response.trailers;

    if (trailers->len == 0) {
        pieces[0] = (struct iovec){"0\r\n\r\n", 5};
        return 1;
    }
    pieces[0] = (struct iovec){"0\r\n", 3};
    pieces[1] = (struct iovec){trailers->text, trailers->len};
    pieces[2] = (struct iovec){"\r\n", 2};
    return 3;
}

/* Adds pieces of the body to those that are sent, framed by `line` if they are a chunk. Returns: their
 * number. */
static size_t add_body(const struct weir__h1_exchange *h, const struct iovec *body, size_t count, bool end,
                       char line[static WEIR__HTTP_CHUNK_LINE_BYTES_MAX], struct iovec *pieces)
{
    struct iovec *out = pieces;
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += body[i].iov_len;
    if (h->chunked && bytes > 0)
        *out++ = (struct iovec){line, weir__http_chunk_line(line, bytes)};
    for (size_t i = 0; i < count; i++)
        *out++ = body[i];
    if (h->chunked && bytes > 0)
        *out++ = (struct iovec){"\r\n", 2};
    if (h->chunked && end)
        out += add_last_chunk(h, out);
    return (size_t)(out - pieces);
}

/* A complete response with a small body, or the beginning of a large one: one piece. */
static int send_small(struct weir__h1_exchange *h, const struct weir__wire_head *head,
                      const struct iovec *body, bool ahead)
{
    struct iovec piece;
    int err = begin(h, head, body->iov_len, &piece);

    if (err < 0)
        return err;
    memcpy((char *)piece.iov_base + piece.iov_len, body->iov_base, body->iov_len);
    piece.iov_len += body->iov_len;
    return send_output(h, &(struct output){.pieces = &piece, .count = 1, .ahead = ahead});
}

static int send_large(struct weir__h1_exchange *h, const struct weir__wire_head *head,
                      const struct iovec *body, size_t count, bool end)
{
    struct iovec pieces[PIECES_MAX];
    char line[WEIR__HTTP_CHUNK_LINE_BYTES_MAX];
    size_t n = 0;

    if (head != NULL) {
        int err = begin(h, head, 0, &pieces[n++]);
        if (err < 0)
            return err;
    }
    n += add_body(h, body, count, end, line, pieces + n);
    return n > 0 ? send_pieces(h, pieces, n) : h->exchange.response.err;
}

/* The beginning of a body that the kernel may send the rest of at once: the client reads this meanwhile. Sent
 * together with the beginnings of others, or with the rest, it takes 1.5 times the CPU time for 1 MiB. */
static bool is_beginning(const struct weir__h1_exchange *h, const struct weir__wire_head *head,
                         const struct iovec *body)
{
    return head->length >= LARGE_BYTES && body->iov_len <= BEGINNING_BYTES &&
           weir__stream_can_splice(weir__connection_stream(h->connection));
}

int weir__h1_send(struct weir__exchange *x, const struct weir__wire_head *head, const struct iovec *body,
                  size_t count, bool end)
{
    struct weir__h1_exchange *h = weir__h1_of(x);

    if (head != NULL && end && count == 1 && head->length >= 0 && body->iov_len <= ONE_WRITE_BYTES)
        return send_small(h, head, body, false);
    if (head != NULL && !end && count == 1 && is_beginning(h, head, body))
        return send_small(h, head, body, true);
    return send_large(h, head, body, count, end);
}

bool weir__h1_can_splice(struct weir__exchange *x)
{
    return weir__stream_can_splice(weir__connection_stream(weir__h1_of(x)->connection));
}

/* The head has been sent, or is before it in the queue: none of its bytes are to be passed over. */
int weir__h1_splice(struct weir__exchange *x, struct weir__splice *splice)
{
    return send_output(weir__h1_of(x), &(struct output){.splice = splice});
}

int weir__h1_send_informational(struct weir__exchange *x, int status, weir_bytes fields)
{
    char line[64];
    weir__http_writer w = weir__http_writer_into(line, sizeof line);
    struct iovec pieces[] = {{line, 0}, {(void *)(uintptr_t)fields.data, fields.len}, {"\r\n", 2}};
    int bytes;

    weir__http_write_status(&w, status);
    bytes = weir__http_writer_end(&w);
    if (bytes < 0)
        return bytes;
    pieces[0].iov_len = (size_t)bytes - 2; /* the empty line comes behind the fields */
    return send_pieces(weir__h1_of(x), pieces, 3);
}

static int write_switch(const struct weir__h1_exchange *h, const char *protocol, char *out, size_t room)
{
    const weir_response *res = &h->exchange.response;
    weir__http_writer w = weir__http_writer_into(out, room);

    weir__http_write_status(&w, protocol != NULL ? 101 : 200);
    weir__http_write_date(&w, date(h->exchange.home));
    if (protocol != NULL) {
        weir__http_write_trusted(&w, WEIR__HTTP_TEXT("connection"), WEIR__HTTP_TEXT("upgrade"));
        weir__http_write_field(&w, WEIR__HTTP_TEXT("upgrade"), weir_bytes_of(protocol));
    }
    if (res->headers.len > 0)
        weir__http_write_raw(&w, (weir_bytes){res->headers.text, res->headers.len});
    return weir__http_writer_end(&w);
}

int weir__h1_send_switch(struct weir__h1_exchange *h, const char *protocol)
{
    weir_response *res = &h->exchange.response;
    size_t room = HEAD_BYTES + (protocol != NULL ? strlen(protocol) : 0) + res->headers.len;
    struct iovec piece = {weir__arena_alloc(&h->exchange.memory, room), 0};
    int bytes;

    if (piece.iov_base == NULL)
        return -ENOMEM;
    bytes = write_switch(h, protocol, piece.iov_base, room);
    if (bytes < 0)
        return bytes;
    res->began = true;
    res->status = protocol != NULL ? 101 : 200;
    piece.iov_len = (size_t)bytes;
    return send_pieces(h, &piece, 1);
}
