/* SPDX-License-Identifier: MIT */
#include "jobs/decoder.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

enum { STEP_BYTES = 32 << 10, ZSTD_WINDOW_LOG_MAX = 23 };

/* --- names --- */

static const struct {
    const char *name;
    enum coding coding;
} names[] = {{"gzip", CODING_GZIP},
             {"x-gzip", CODING_GZIP},
             {"deflate", CODING_DEFLATE},
             {"br", CODING_BR},
             {"zstd", CODING_ZSTD}};

static void add(struct codings *codings, weir_bytes word)
{
    if (word.len == 0 || weir_bytes_equal_nocase(word, weir_bytes_of("identity")))
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names && codings->count < CODINGS_MAX; i++) {
        if (!weir_bytes_equal_nocase(word, weir_bytes_of(names[i].name)))
            continue;
        codings->list[codings->count++] = names[i].coding;
        return;
    }
    codings->unknown = true;
}

void codings_read(struct codings *codings, weir_bytes value)
{
    while (value.len > 0) {
        const char *comma = memchr(value.data, ',', value.len);
        size_t length = comma != NULL ? (size_t)(comma - value.data) : value.len;
        weir_bytes word = {value.data, length};
        while (word.len > 0 && (*word.data == ' ' || *word.data == '\t'))
            word.data++, word.len--;
        while (word.len > 0 && (word.data[word.len - 1] == ' ' || word.data[word.len - 1] == '\t'))
            word.len--;
        add(codings, word);
        length += comma != NULL;
        value.data += length;
        value.len -= length;
    }
}

/* --- decoders, step by step --- */

struct decoding {
    weir_bytes in; /* the bytes that are left */
    size_t ratio_max;
    weir_buffer *out;
    decoder_poll *poll;
    void *arg;
    char spare; /* the place of the first byte too many */
};

/* Room for the next bytes; NULL with *err set. */
static char *next_room(struct decoding *d, size_t *room, int *err)
{
    size_t most = d->out->max < d->ratio_max ? d->out->max : d->ratio_max;
    char *data;

    *err = d->poll != NULL ? d->poll(d->arg) : 0;
    if (*err < 0)
        return NULL;
    *room = most - d->out->len;
    if (*room == 0) {
        *room = 1;
        return &d->spare;
    }
    if (*room > STEP_BYTES)
        *room = STEP_BYTES;
    data = weir_buffer_reserve(d->out, *room);
    *err = data != NULL ? 0 : -ENOMEM;
    return data;
}

static int take(struct decoding *d, const char *data, size_t bytes)
{
    if (data == &d->spare)
        return bytes > 0 ? -WEIR_ETOOLARGE : 0;
    weir_buffer_commit(d->out, bytes);
    return 0;
}

static int inflate_all(struct decoding *d, z_stream *z, bool members)
{
    z->next_in = (Bytef *)(uintptr_t)d->in.data;
    z->avail_in = (uInt)d->in.len;
    for (;;) {
        size_t room;
        int err;
        char *data = next_room(d, &room, &err);
        int result;
        if (data == NULL)
            return err;
        z->next_out = (Bytef *)data;
        z->avail_out = (uInt)room;
        result = inflate(z, Z_NO_FLUSH);
        err = take(d, data, room - z->avail_out);
        if (err < 0 || result == Z_MEM_ERROR)
            return err < 0 ? err : -ENOMEM;
        if (result == Z_STREAM_END && z->avail_in == 0)
            return 0;
        if (result == Z_STREAM_END && members && inflateReset(z) == Z_OK)
            continue; /* another member follows */
        if (result != Z_OK || (z->avail_in == 0 && z->avail_out > 0))
            return -EBADMSG;
    }
}

/* The window bits for inflate. "deflate" is zlib's format, whose header many encoders leave out. */
static int window_bits(enum coding coding, weir_bytes in)
{
    const unsigned char *b = (const unsigned char *)in.data;
    bool has_header = in.len >= 2 && (b[0] & 15) == 8 && (b[0] << 8 | b[1]) % 31 == 0;

    return coding == CODING_GZIP ? 15 + 16 : has_header ? 15 : -15;
}

static int run_zlib(struct decoding *d, enum coding coding)
{
    z_stream z = {0};
    int err;

    if (d->in.len > UINT32_MAX / 2)
        return -WEIR_ETOOLARGE;
    if (inflateInit2(&z, window_bits(coding, d->in)) != Z_OK)
        return -ENOMEM;
    err = inflate_all(d, &z, coding == CODING_GZIP);
    (void)inflateEnd(&z);
    return err;
}

static int br_all(struct decoding *d, BrotliDecoderState *state)
{
    const uint8_t *in = (const uint8_t *)d->in.data;
    size_t left = d->in.len;

    for (;;) {
        size_t room, before;
        int err;
        char *data = next_room(d, &room, &err);
        uint8_t *at = (uint8_t *)data;
        BrotliDecoderResult result;
        if (data == NULL)
            return err;
        before = room;
        result = BrotliDecoderDecompressStream(state, &left, &in, &room, &at, NULL);
        err = take(d, data, before - room);
        if (err < 0)
            return err;
        if (result == BROTLI_DECODER_RESULT_SUCCESS)
            return left == 0 ? 0 : -EBADMSG;
        if (result != BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT)
            return -EBADMSG;
    }
}

static int run_br(struct decoding *d)
{
    BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    int err;

    if (state == NULL)
        return -ENOMEM;
    err = br_all(d, state);
    BrotliDecoderDestroyInstance(state);
    return err;
}

static int zstd_all(struct decoding *d, ZSTD_DCtx *context)
{
    ZSTD_inBuffer in = {d->in.data, d->in.len, 0};

    for (;;) {
        size_t room;
        int err;
        char *data = next_room(d, &room, &err);
        size_t result;
        ZSTD_outBuffer out;
        if (data == NULL)
            return err;
        out = (ZSTD_outBuffer){data, room, 0};
        result = ZSTD_decompressStream(context, &out, &in);
        err = take(d, data, out.pos);
        if (err < 0)
            return err;
        if (ZSTD_isError(result))
            return -EBADMSG;
        if (result == 0 && in.pos == in.size) /* the end of a frame, and no other follows */
            return 0;
        if (result != 0 && in.pos == in.size && out.pos < out.size)
            return -EBADMSG;
    }
}

static int run_zstd(struct decoding *d)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    int err;

    if (context == NULL)
        return -ENOMEM;
    (void)ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    err = zstd_all(d, context);
    ZSTD_freeDCtx(context);
    return err;
}

static int undo(struct decoding *d, enum coding coding)
{
    const size_t times =
        d->in.len < SIZE_MAX / 2 / DECODER_RATIO_MAX ? d->in.len : SIZE_MAX / 2 / DECODER_RATIO_MAX;

    d->ratio_max = times * DECODER_RATIO_MAX + DECODER_RATIO_FREE_BYTES;
    switch (coding) {
    case CODING_BR:
        return run_br(d);
    case CODING_ZSTD:
        return run_zstd(d);
    default:
        return run_zlib(d, coding);
    }
}

int decoder_run(const struct codings *codings, weir_bytes in, weir_buffer *out, decoder_poll *poll, void *arg)
{
    weir_buffer before;
    int err = 0;

    weir_buffer_init(&before, out->max);
    for (size_t i = codings->count; i-- > 0 && err == 0;) {
        struct decoding d = {.in = in, .out = out, .poll = poll, .arg = arg};
        weir_buffer swap;
        err = undo(&d, codings->list[i]);
        if (err < 0 || i == 0)
            break;
        swap = before; /* the output is the next input */
        before = *out;
        *out = swap;
        weir_buffer_clear(out);
        in = weir_buffer_bytes(&before);
    }
    weir_buffer_free(&before);
    if (err < 0)
        weir_buffer_free(out);
    return err;
}
