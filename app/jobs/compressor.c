/* SPDX-License-Identifier: MIT */
#include "jobs/compressor.h"

#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/* A decoder of a content coding need not keep more than 8 MiB of its output (RFC 9659). The levels of zstd
 * above 19 would ask for more. */
const struct encoding_info encodings[ENCODINGS] = {
    [ENCODING_GZIP] = {"gzip", "application/gzip", 1, 9, 6, 5},
    [ENCODING_BR] = {"br", "application/x-brotli", 0, 11, 6, 4},
    [ENCODING_ZSTD] = {"zstd", "application/zstd", 1, 19, 3, 3},
};

enum { LITTLE_WINDOW_LOG = 18 };

const char *const encoding_names[ENCODINGS + 1] = {"gzip", "br", "zstd"};

/* A block of brotli's memory. Its encoder ends the program when it gets no memory, so allocation is ours: a
 * failure jumps out of the encoder, and the list of its blocks frees all it had. */
union block {
    struct {
        union block *previous, *next;
    };
    max_align_t alignment;
};

struct br {
    BrotliEncoderState *state;
    union block *blocks;
    jmp_buf out_of_memory;
};

struct compressor {
    enum encoding encoding;
    union {
        z_stream gzip;
        struct br br;
        ZSTD_CCtx *zstd;
    } of;
};

/* --- gzip --- */

static int open_gzip(struct compressor *c, const struct compressor_options *o)
{
    return deflateInit2(&c->of.gzip, o->level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK ? 0
                                                                                                   : -ENOMEM;
}

static int run_gzip(struct compressor *c, struct compressor_step *step, enum compressor_end end)
{
    static const int flush[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
    const size_t piece = UINT32_MAX / 2; /* its counts are 32 bits wide */
    z_stream *z = &c->of.gzip;

    for (;;) {
        size_t in = step->in.len < piece ? step->in.len : piece;
        size_t room = step->room - step->used < piece ? step->room - step->used : piece;
        int result;
        z->next_in = (Bytef *)(uintptr_t)step->in.data;
        z->avail_in = (uInt)in;
        z->next_out = (Bytef *)step->out + step->used;
        z->avail_out = (uInt)room;
        result = deflate(z, in < step->in.len ? Z_NO_FLUSH : flush[end]);
        step->in.data += in - z->avail_in;
        step->in.len -= in - z->avail_in;
        step->used += room - z->avail_out;
        if (result == Z_STREAM_END)
            return 0;
        if (z->avail_out == 0)
            return 1;
        if (step->in.len == 0)
            return 0; /* Z_BUF_ERROR, too: there was nothing to do */
    }
}

/* --- brotli --- */

static void *take_block(void *arg, size_t bytes)
{
    struct br *br = arg;
    union block *block = bytes <= SIZE_MAX - sizeof *block ? malloc(sizeof *block + bytes) : NULL;

    if (block == NULL)
        longjmp(br->out_of_memory, 1);
    block->previous = NULL;
    block->next = br->blocks;
    if (br->blocks != NULL)
        br->blocks->previous = block;
    br->blocks = block;
    return block + 1;
}

static void free_block(void *arg, void *memory)
{
    struct br *br = arg;
    union block *block;

    if (memory == NULL)
        return;
    block = (union block *)memory - 1;
    if (block->previous != NULL)
        block->previous->next = block->next;
    else
        br->blocks = block->next;
    if (block->next != NULL)
        block->next->previous = block->previous;
    free(block);
}

static void close_br(struct br *br)
{
    while (br->blocks != NULL)
        free_block(br, br->blocks + 1);
}

/* The window, no larger than the input: it is allocated and cleared for each input. */
static uint32_t br_window(const struct compressor_options *o)
{
    uint32_t log = o->little ? LITTLE_WINDOW_LOG : BROTLI_DEFAULT_WINDOW;

    while (o->bytes >= 0 && log > BROTLI_MIN_WINDOW_BITS && o->bytes <= INT64_C(1) << (log - 1))
        log--;
    return log;
}

static int open_br(struct br *br, const struct compressor_options *o)
{
    const int64_t most = INT64_C(1) << 30;

    if (setjmp(br->out_of_memory))
        return -ENOMEM;
    br->state = BrotliEncoderCreateInstance(take_block, free_block, br);
    if (br->state == NULL)
        return -ENOMEM;
    BrotliEncoderSetParameter(br->state, BROTLI_PARAM_QUALITY, (uint32_t)o->level);
    BrotliEncoderSetParameter(br->state, BROTLI_PARAM_LGWIN, br_window(o));
    if (o->bytes >= 0)
        BrotliEncoderSetParameter(br->state, BROTLI_PARAM_SIZE_HINT,
                                  (uint32_t)(o->bytes < most ? o->bytes : most));
    return 0;
}

static int run_br(struct br *br, struct compressor_step *step, enum compressor_end end)
{
    static const BrotliEncoderOperation operations[] = {BROTLI_OPERATION_PROCESS, BROTLI_OPERATION_FLUSH,
                                                        BROTLI_OPERATION_FINISH};

    if (setjmp(br->out_of_memory))
        return -ENOMEM;
    for (;;) {
        size_t room = step->room - step->used;
        const uint8_t *in = (const uint8_t *)step->in.data;
        uint8_t *out = (uint8_t *)step->out + step->used;
        BROTLI_BOOL good =
            BrotliEncoderCompressStream(br->state, operations[end], &step->in.len, &in, &room, &out, NULL);
        step->in.data = (const char *)in;
        step->used = step->room - room;
        if (!good)
            return -ENOMEM;
        if (BrotliEncoderHasMoreOutput(br->state)) {
            if (room == 0)
                return 1;
        } else if (step->in.len == 0 && (end != COMPRESSOR_FINISH || BrotliEncoderIsFinished(br->state))) {
            return 0;
        }
    }
}

/* --- zstd --- */

static int open_zstd(struct compressor *c, const struct compressor_options *o)
{
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    size_t bad;

    if (zstd == NULL)
        return -ENOMEM;
    c->of.zstd = zstd;
    bad = ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, o->level);
    if (!ZSTD_isError(bad) && o->little)
        bad = ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, LITTLE_WINDOW_LOG);
    if (!ZSTD_isError(bad))
        bad = ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
    if (!ZSTD_isError(bad) && o->bytes >= 0)
        bad = ZSTD_CCtx_setPledgedSrcSize(zstd, (unsigned long long)o->bytes);
    return ZSTD_isError(bad) ? -EINVAL : 0;
}

static int run_zstd(struct compressor *c, struct compressor_step *step, enum compressor_end end)
{
    static const ZSTD_EndDirective directives[] = {ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end};
    ZSTD_inBuffer in = {step->in.data, step->in.len, 0};
    ZSTD_outBuffer out = {step->out, step->room, step->used};
    size_t left;

    do
        left = ZSTD_compressStream2(c->of.zstd, &out, &in, directives[end]);
    while (!ZSTD_isError(left) && out.pos < out.size &&
           (in.pos < in.size || (end != COMPRESSOR_MORE && left > 0)));
    step->in.data += in.pos;
    step->in.len -= in.pos;
    step->used = out.pos;
    if (ZSTD_isError(left))
        return ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation ? -ENOMEM : -EINVAL;
    return step->in.len > 0 || (end != COMPRESSOR_MORE && left > 0) ? 1 : 0;
}

/* --- compressors --- */

int compressor_open(struct compressor **out, const struct compressor_options *o)
{
    int err;
    struct compressor *c;

    *out = NULL;
    if (o->level < encodings[o->encoding].level_min || o->level > encodings[o->encoding].level_max)
        return -EINVAL;
    c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    c->encoding = o->encoding;
    err = o->encoding == ENCODING_GZIP ? open_gzip(c, o)
          : o->encoding == ENCODING_BR ? open_br(&c->of.br, o)
                                       : open_zstd(c, o);
    if (err == 0)
        *out = c;
    else
        compressor_close(c);
    return err;
}

int compressor_run(struct compressor *c, struct compressor_step *step, enum compressor_end end)
{
    switch (c->encoding) {
    case ENCODING_GZIP:
        return run_gzip(c, step, end);
    case ENCODING_BR:
        return run_br(&c->of.br, step, end);
    default:
        return run_zstd(c, step, end);
    }
}

void compressor_close(struct compressor *c)
{
    if (c == NULL)
        return;
    switch (c->encoding) {
    case ENCODING_GZIP:
        (void)deflateEnd(&c->of.gzip);
        break;
    case ENCODING_BR:
        close_br(&c->of.br);
        break;
    default:
        (void)ZSTD_freeCCtx(c->of.zstd);
    }
    free(c);
}
