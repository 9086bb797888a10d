/* SPDX-License-Identifier: MIT */
/* A job of a kind that is given its input in pieces: each piece is offloaded by itself. */
#include <weir/job.h>

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "pool/job_kind.h"
#include "pool/job_run.h"

struct weir_job_stream {
    weir_pool *pool;
    const weir_job_kind *kind;
    weir_offload_options options;
    char *params;
    size_t params_bytes;
    bool begun, over;
    _Alignas(max_align_t) char state[];
};

struct piece_run {
    weir_job_stream *stream;
    weir_bytes piece;
    bool last;
};

int weir_job_stream_open(weir_pool *pool, const char *kind_name, weir_bytes params,
                         const weir_offload_options *options, weir_job_stream **out)
{
    const weir_job_kind *kind = weir__job_kind_find(kind_name, __func__);
    weir_job_stream *stream;

    if (kind == NULL)
        return -ENOENT;
    if (kind->whole)
        return -EINVAL;
    stream = calloc(1, sizeof *stream + kind->state_bytes);
    if (stream == NULL)
        return -ENOMEM;
    stream->pool = pool;
    stream->kind = kind;
    if (options != NULL)
        stream->options = *options;
    stream->params = malloc(params.len + 1);
    if (stream->params == NULL) {
        free(stream);
        return -ENOMEM;
    }
    if (params.len > 0)
        memcpy(stream->params, params.data, params.len);
    stream->params_bytes = params.len;
    *out = stream;
    return 0;
}

static int run_piece(weir_job *job, void *arg)
{
    const struct piece_run *run = arg;
    weir_job_stream *stream = run->stream;
    int err = 0;

    if (!stream->begun) {
        err = weir__job_begin(job, stream->kind, stream->state,
                              (weir_bytes){stream->params, stream->params_bytes});
        stream->begun = err == 0;
    }
    if (err == 0)
        err = stream->kind->piece(job, stream->state, run->piece, run->last);
    return err < 0 ? err : 0;
}

int weir_job_stream_feed(weir_job_stream *stream, weir_bytes piece, bool last, weir_buffer *out,
                         weir_job_fault *fault)
{
    struct piece_run run = {stream, piece, last};
    struct weir__output output = {out, fault};
    int err;

    if (stream->over)
        return -WEIR_ECLOSED;
    err = weir__job_offload(stream->pool, stream->kind->name, run_piece, &run, &output, &stream->options);
    stream->options.when_full = WEIR_WAIT;
    stream->over = err < 0 || last;
    return err;
}

void weir_job_stream_close(weir_job_stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->begun && stream->kind->end != NULL)
        stream->kind->end(stream->state);
    free(stream->params);
    free(stream);
}
