/* SPDX-License-Identifier: MIT */
#include "routes/computing.h"

#include <errno.h>
#include <stdlib.h>

#include <weir/scope.h>

#include "jobs/kinds.h"

enum {
    PIECE_BYTES = 256 << 10,
    READ_BYTES = 16 << 10,    /* room that is reserved at first, and doubled when it is full */
    OUT_BYTES_MAX = 32 << 20, /* output of a piece, with what a compressor kept back before */
};

int computing_open(const struct config_route *route, const weir_job_kind *kind, void **state)
{
    int err = weir_job_kind_register(kind);
    struct computing *computing = err == 0 ? malloc(sizeof *computing) : NULL;

    if (computing == NULL)
        return err < 0 ? err : -ENOMEM;
    *computing = (struct computing){route, route_pool_of(route)};
    *state = computing;
    return 0;
}

weir_offload_options computing_options(const struct computing *computing)
{
    return (weir_offload_options){.share = computing->where.share};
}

int computing_fail(weir_response *res, int err, const weir_job_fault *fault)
{
    switch (-err) {
    case JOB_FOREIGN:
        return weir_respond_fault(res, 415, "unsupported_type", fault->text);
    case JOB_DAMAGED:
        return weir_respond_fault(res, 422, "undecodable", fault->text);
    case JOB_EXCESSIVE:
        return weir_respond_fault(res, 422, "too_large", fault->text);
    case JOB_INCOMPLETE:
        return weir_respond_fault(res, 422, "incomplete", fault->text);
    default:
        return err;
    }
}

/* --- a body through a job --- */

struct piece {
    weir_buffer in, out;
    bool last;
    weir_job_stream *stream;
    weir_job_fault *fault;
    int result;
};

static int feed(void *arg)
{
    struct piece *piece = arg;

    weir_buffer_clear(&piece->out);
    return piece->result = weir_job_stream_feed(piece->stream, weir_buffer_bytes(&piece->in), piece->last,
                                                &piece->out, piece->fault);
}

/* Reads a piece: until it is full, or to the end of the body. */
static int read_piece(weir_request *req, struct piece *piece)
{
    ssize_t n = 1;

    weir_buffer_clear(&piece->in);
    while (n > 0 && piece->in.len < PIECE_BYTES) {
        size_t left = PIECE_BYTES - piece->in.len, room = piece->in.cap - piece->in.len;
        char *data;
        if (room == 0)
            room = piece->in.len < READ_BYTES ? READ_BYTES : piece->in.len;
        if (room > left)
            room = left;
        data = weir_buffer_reserve(&piece->in, room);
        if (data == NULL)
            return -ENOMEM;
        n = weir_request_read(req, data, room);
        if (n > 0)
            weir_buffer_commit(&piece->in, (size_t)n);
    }
    piece->last = n == 0;
    return n < 0 ? (int)n : 0;
}

/* Works on a piece, while the output of the other is emitted and the next piece is read into it. */
static int advance(weir_request *req, struct piece *now, struct piece *other, computing_emit *emit, void *arg)
{
    weir_scope scope;
    int err = 0;
    int closed;

    now->result = 0;
    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "feeding a job", feed, now);
    if (other->out.len > 0)
        err = emit(arg, &other->out, true);
    if (err == 0 && !now->last)
        err = read_piece(req, other);
    if (err < 0)
        weir_scope_cancel(&scope);
    closed = weir_scope_close(&scope);
    if (now->result < 0 && now->result != -WEIR_ECANCELED)
        return now->result; /* the failure that cancelled the rest */
    return err < 0 ? err : closed;
}

static int feed_all(weir_request *req, struct piece piece[2], computing_emit *emit, void *arg)
{
    int i = 0, err = read_piece(req, &piece[0]);

    while (err == 0) {
        err = advance(req, &piece[i], &piece[!i], emit, arg);
        if (err == 0 && piece[i].last)
            return emit(arg, &piece[i].out, false);
        i = !i;
    }
    return err;
}

int computing_feed(weir_request *req, weir_job_stream *stream, computing_emit *emit, void *arg,
                   weir_job_fault *fault)
{
    struct piece piece[2];
    int err;

    for (int i = 0; i < 2; i++) {
        piece[i] = (struct piece){.stream = stream, .fault = fault};
        weir_buffer_init(&piece[i].in, PIECE_BYTES);
        weir_buffer_init(&piece[i].out, OUT_BYTES_MAX);
    }
    err = feed_all(req, piece, emit, arg);
    for (int i = 0; i < 2; i++) {
        weir_buffer_free(&piece[i].in);
        weir_buffer_free(&piece[i].out);
    }
    return err;
}
