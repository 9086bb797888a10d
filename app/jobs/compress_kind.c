/* SPDX-License-Identifier: MIT */
/* compress: the input, compressed. {"encoding": "gzip" | "br" | "zstd", "level": N, "bytes": the size of the
 * whole input, when it is known, "little": true when many run at a time, "flush": true when each piece shall
 * be readable as soon as it has been written} */
#include <stdlib.h>

#include "jobs/compressor.h"
#include "jobs/kinds.h"
#include "jobs/params.h"

enum { IN_BYTES = 64 << 10, OUT_BYTES = 64 << 10 };

struct compressing {
    struct compressor *compressor;
    char *out;
    bool flush;
};

static bool read_params(weir_job *job, const json_t *tree, struct compressor_options *options)
{
    int encoding;
    int64_t level;
    const struct encoding_info *info;

    if (!params_choice(job, tree, "encoding", -1, encoding_names, &encoding))
        return false;
    info = &encodings[encoding];
    options->encoding = (enum encoding)encoding;
    options->little = json_is_true(json_object_get(tree, "little"));
    if (!params_int(job, tree, "level", info->level_file, info->level_min, info->level_max, &level))
        return false;
    options->level = (int)level;
    return params_int(job, tree, "bytes", -1, -1, INT64_MAX, &options->bytes);
}

static int begin(weir_job *job, void *state, weir_bytes params)
{
    struct compressing *c = state;
    struct compressor_options options;
    json_t *tree = params_read(job, params);
    bool good = tree != NULL && read_params(job, tree, &options);
    int err;

    c->flush = good && json_is_true(json_object_get(tree, "flush"));
    json_decref(tree);
    if (!good)
        return -JOB_PARAMS;
    c->out = malloc(OUT_BYTES);
    err = c->out != NULL ? compressor_open(&c->compressor, &options) : -ENOMEM;
    if (err < 0)
        free(c->out);
    return err;
}

static int run(weir_job *job, struct compressing *c, weir_bytes in, enum compressor_end how)
{
    struct compressor_step step = {.in = in, .out = c->out, .room = OUT_BYTES};
    int more;

    do {
        int err;

        step.used = 0;
        more = weir_job_cancelled(job);
        if (more == 0)
            more = compressor_run(c->compressor, &step, how);
        err = more >= 0 ? weir_job_write(job, c->out, step.used) : 0;
        if (err < 0)
            return err;
    } while (more > 0);
    return more;
}

static int piece(weir_job *job, void *state, weir_bytes piece, bool last)
{
    struct compressing *c = state;
    size_t at = 0;
    int err;

    do {
        size_t n = piece.len - at < IN_BYTES ? piece.len - at : IN_BYTES;
        const weir_bytes in = {piece.data != NULL ? piece.data + at : "", n};
        at += n;
        err = run(job, c, in,
                  at < piece.len ? COMPRESSOR_MORE
                  : last         ? COMPRESSOR_FINISH
                  : c->flush     ? COMPRESSOR_FLUSH
                                 : COMPRESSOR_MORE);
        weir_job_progress(job, at, piece.len);
    } while (err == 0 && at < piece.len);
    return err;
}

static void end(void *state)
{
    struct compressing *c = state;

    compressor_close(c->compressor);
    free(c->out);
}

const weir_job_kind job_compress = {.name = "compress",
                                    .version = 1,
                                    .state_bytes = sizeof(struct compressing),
                                    .begin = begin,
                                    .piece = piece,
                                    .end = end};
