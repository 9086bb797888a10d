/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include "jobs/compressor.h"
#include "support/starve.h"

/* --- unpacked by the libraries --- */

/* Each unpacks the whole input, and requires its end. */
static size_t gunzip(const weir_bytes *in, char *out, size_t room)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in->data, .avail_in = (uInt)in->len};

    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)room;
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    inflateEnd(&z);
    return room - z.avail_out;
}

static size_t unbrotli(const weir_bytes *in, char *out, size_t room)
{
    assert_int_equal(BrotliDecoderDecompress(in->len, (const uint8_t *)in->data, &room, (uint8_t *)out),
                     BROTLI_DECODER_RESULT_SUCCESS);
    return room;
}

static size_t unzstd(const weir_bytes *in, char *out, size_t room)
{
    size_t n = ZSTD_decompress(out, room, in->data, in->len);

    assert_false(ZSTD_isError(n));
    return n;
}

static size_t (*const unpack[ENCODINGS])(const weir_bytes *in, char *out, size_t room) = {gunzip, unbrotli,
                                                                                          unzstd};

/* --- inputs --- */

static char *text_of(size_t bytes)
{
    char *text = malloc(bytes + 1);
    uint32_t seed = 7;

    assert_non_null(text);
    for (size_t i = 0; i < bytes; i++) {
        seed = seed * 1664525 + 1013904223;
        text[i] = "etaoin shrdlu\n,.0"[seed >> 28];
    }
    return text;
}

/* Compresses in pieces of `piece` bytes into room for `room` at a time. */
static int pack(const struct compressor_options *options, const char *data, size_t bytes, size_t piece,
                size_t room, weir_buffer *out)
{
    struct compressor *c;
    char *space = malloc(room);
    int err = space != NULL ? compressor_open(&c, options) : -ENOMEM;

    if (err < 0) {
        free(space);
        return err;
    }
    for (size_t at = 0; err == 0;) {
        size_t n = bytes - at < piece ? bytes - at : piece;
        struct compressor_step step = {.in = {data + at, n}, .out = space, .room = room};
        bool last = (at += n) == bytes;
        do {
            step.used = 0;
            err = compressor_run(c, &step, last ? COMPRESSOR_FINISH : COMPRESSOR_MORE);
            assert_true(step.used <= room);
            if (err >= 0 && weir_buffer_append(out, space, step.used) < 0)
                err = -ENOMEM;
        } while (err == 1);
        if (err == 0)
            assert_int_equal(step.in.len, 0);
        if (last)
            break;
    }
    compressor_close(c);
    free(space);
    return err;
}

static void check(const struct compressor_options *options, size_t bytes, size_t piece, size_t room)
{
    weir_buffer packed;
    char *text = text_of(bytes), *back = malloc(bytes + 1);
    weir_bytes span;

    weir_buffer_init(&packed, bytes + 4096);
    assert_int_equal(pack(options, text, bytes, piece, room, &packed), 0);
    span = weir_buffer_bytes(&packed);
    assert_int_equal(unpack[options->encoding](&span, back, bytes + 1), bytes);
    assert_memory_equal(back, text, bytes);
    if (bytes > 10000)
        assert_true(packed.len < bytes * 3 / 4);
    weir_buffer_free(&packed);
    free(back);
    free(text);
}

static void what_was_packed_can_be_unpacked(void **state)
{
    (void)state;
    for (int e = 0; e < ENCODINGS; e++) {
        struct compressor_options o = {
            .encoding = (enum encoding)e, .level = encodings[e].level_file, .bytes = -1};
        check(&o, 0, 1, 1);
        check(&o, 1, 1, 1);
        check(&o, 3000, 1, 7);
        check(&o, 300000, 300000, 1 << 20);
        check(&o, 300000, 65536, 1);
        check(&o, 300000, 977, 4096);
    }
}

static void every_level_works(void **state)
{
    (void)state;
    for (int e = 0; e < ENCODINGS; e++)
        for (int level = encodings[e].level_min; level <= encodings[e].level_max; level++) {
            struct compressor_options o = {.encoding = (enum encoding)e, .level = level, .bytes = 70000};
            check(&o, 70000, 16384, 16384);
            o.little = true;
            check(&o, 70000, 16384, 16384);
        }
}

static void other_levels_are_refused(void **state)
{
    struct compressor *c;

    (void)state;
    for (int e = 0; e < ENCODINGS; e++) {
        struct compressor_options o = {.encoding = (enum encoding)e, .bytes = -1};
        o.level = encodings[e].level_min - 1;
        assert_int_equal(compressor_open(&c, &o), -EINVAL);
        assert_null(c);
        o.level = encodings[e].level_max + 1;
        assert_int_equal(compressor_open(&c, &o), -EINVAL);
    }
}

/* After a flush all input so far can be unpacked, although the end is missing. */
static void a_flush_makes_all_of_it_readable(void **state)
{
    static const char text[] = "data: 1\n\n";
    const size_t length = sizeof text - 1;

    (void)state;
    for (int e = 0; e < ENCODINGS; e++) {
        struct compressor_options o = {.encoding = (enum encoding)e, .level = 3, .bytes = -1, .little = true};
        char packed[256], back[64];
        struct compressor_step step = {.in = {text, length}, .out = packed, .room = sizeof packed};
        struct compressor *c;
        size_t got = 0;
        assert_int_equal(compressor_open(&c, &o), 0);
        assert_int_equal(compressor_run(c, &step, COMPRESSOR_FLUSH), 0);
        if (e == ENCODING_GZIP) {
            z_stream z = {.next_in = (Bytef *)packed, .avail_in = (uInt)step.used};
            z.next_out = (Bytef *)back;
            z.avail_out = sizeof back;
            assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
            assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK);
            got = sizeof back - z.avail_out;
            inflateEnd(&z);
        } else if (e == ENCODING_BR) {
            BrotliDecoderState *d = BrotliDecoderCreateInstance(NULL, NULL, NULL);
            const uint8_t *in = (const uint8_t *)packed;
            uint8_t *out = (uint8_t *)back;
            size_t in_left = step.used, room = sizeof back;
            assert_int_equal(BrotliDecoderDecompressStream(d, &in_left, &in, &room, &out, NULL),
                             BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT);
            got = sizeof back - room;
            BrotliDecoderDestroyInstance(d);
        } else {
            ZSTD_DCtx *d = ZSTD_createDCtx();
            ZSTD_inBuffer in = {packed, step.used, 0};
            ZSTD_outBuffer out = {back, sizeof back, 0};
            assert_false(ZSTD_isError(ZSTD_decompressStream(d, &out, &in)));
            got = out.pos;
            ZSTD_freeDCtx(d);
        }
        assert_int_equal(got, length);
        assert_memory_equal(back, text, length);
        compressor_close(c);
    }
}

static void without_memory_it_says_so(void **state)
{
    char *text;

    (void)state;
    if (!STARVE_WORKS)
        skip();
    text = text_of(200000);
    for (int e = 0; e < ENCODINGS; e++) {
        struct compressor_options o = {.encoding = (enum encoding)e, .level = 9, .bytes = -1};
        int failures = 0;
        for (long n = 0;; n++) {
            weir_buffer packed;
            int err;
            bool starved;
            weir_buffer_init(&packed, 1 << 20);
            assert_non_null(weir_buffer_reserve(&packed, 1 << 20)); /* the buffer itself must not fail */
            starve_after(n);
            err = pack(&o, text, 200000, 65536, 4096, &packed);
            starved = starve_end();
            weir_buffer_free(&packed);
            if (!starved) {
                assert_int_equal(err, 0);
                break;
            }
            assert_int_equal(err, -ENOMEM);
            failures++;
        }
        assert_true(failures > 2);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_can_be_unpacked), cmocka_unit_test(every_level_works),
        cmocka_unit_test(other_levels_are_refused),        cmocka_unit_test(a_flush_makes_all_of_it_readable),
        cmocka_unit_test(without_memory_it_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
