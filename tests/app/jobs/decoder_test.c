/* SPDX-License-Identifier: MIT */
/* Decoding of bodies: whole, damaged, cut off, too large. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "jobs/compressor.h"
#include "jobs/decoder.h"

static struct codings codings_of(const char *value)
{
    struct codings codings = {0};

    codings_read(&codings, weir_bytes_of(value));
    return codings;
}

static void names_are_read(void **state)
{
    static const struct {
        const char *value;
        size_t count;
        bool unknown;
        enum coding first;
    } table[] = {
        {"gzip", 1, false, CODING_GZIP},
        {"X-GZIP", 1, false, CODING_GZIP},
        {" deflate\t", 1, false, CODING_DEFLATE},
        {"br, zstd", 2, false, CODING_BR},
        {"", 0, false, 0},
        {"identity", 0, false, 0},
        {",, identity ,gzip,", 1, false, CODING_GZIP},
        {"gzip,gzip,gzip", 3, false, CODING_GZIP},
        {"gzip,gzip,gzip,gzip", 3, true, CODING_GZIP},
        {"compress", 0, true, 0},
        {"gzip;q=1", 0, true, 0},
        {"gzip br", 0, true, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct codings codings = codings_of(table[i].value);
        assert_int_equal(codings.count, table[i].count);
        assert_int_equal(codings.unknown, table[i].unknown);
        if (table[i].count > 0)
            assert_int_equal(codings.list[0], table[i].first);
    }
}

/* --- encoders --- */

static void compress_into(enum encoding encoding, weir_bytes in, weir_buffer *out)
{
    const struct compressor_options options = {
        .encoding = encoding, .level = encodings[encoding].level_answer, .bytes = -1};
    const size_t room = 2 * in.len + 1000;
    struct compressor_step step = {.in = in};
    struct compressor *c;

    assert_int_equal(compressor_open(&c, &options), 0);
    step.room = room;
    step.out = weir_buffer_reserve(out, room);
    assert_non_null(step.out);
    assert_int_equal(compressor_run(c, &step, COMPRESSOR_FINISH), 0);
    weir_buffer_commit(out, step.used);
    compressor_close(c);
}

/* The format of zlib, or without its header. */
static void deflate_into(weir_bytes in, int window_bits, weir_buffer *out)
{
    z_stream z = {0};

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)in.data;
    z.avail_in = (uInt)in.len;
    z.avail_out = (uInt)(in.len + 1000);
    z.next_out = (Bytef *)weir_buffer_reserve(out, in.len + 1000);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    weir_buffer_commit(out, z.total_out);
    deflateEnd(&z);
}

enum { FORMS = 5 };

static const char *make(int form, weir_bytes in, weir_buffer *out)
{
    static const char *const names[FORMS] = {"gzip", "br", "zstd", "deflate", "deflate"};

    weir_buffer_init(out, SIZE_MAX);
    if (form < 3)
        compress_into((enum encoding)form, in, out);
    else
        deflate_into(in, form == 3 ? 15 : -15, out);
    return names[form];
}

static char text[300000];

static void make_text(void)
{
    unsigned n = 1;

    for (size_t i = 0; i < sizeof text; i++) {
        n = n * 1103515245 + 12345;
        text[i] = i % 3 == 0 ? (char)('a' + (n >> 16) % 26) : "{\"k\":1}"[i % 7];
    }
}

/* The input lies in memory of exactly its size, so that ASan finds a read beyond. */
static int decode(const char *coding, weir_bytes in, size_t most, weir_buffer *out)
{
    struct codings codings = codings_of(coding);
    char *exact = malloc(in.len ? in.len : 1);
    int err;

    memcpy(exact, in.data, in.len);
    weir_buffer_init(out, most);
    err = decoder_run(&codings, (weir_bytes){exact, in.len}, out, NULL, NULL);
    free(exact);
    return err;
}

static void what_was_coded_comes_out(void **state)
{
    static const size_t sizes[] = {0, 1, 1000, 32767, 32768, 32769, sizeof text};

    (void)state;
    for (int form = 0; form < FORMS; form++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            weir_buffer coded, out;
            const char *name = make(form, (weir_bytes){text, sizes[i]}, &coded);
            assert_int_equal(decode(name, weir_buffer_bytes(&coded), sizes[i], &out), 0); /* to the byte */
            assert_int_equal(out.len, sizes[i]);
            assert_memory_equal(out.data, text, sizes[i]);
            weir_buffer_free(&out);
            if (sizes[i] > 0) {
                assert_int_equal(decode(name, weir_buffer_bytes(&coded), sizes[i] - 1, &out),
                                 -WEIR_ETOOLARGE);
                assert_int_equal(out.cap, 0);
            }
            weir_buffer_free(&coded);
        }
}

static void several_codings_come_off_last_first(void **state)
{
    weir_buffer one, two, three, out;

    (void)state;
    make(0, (weir_bytes){text, 5000}, &one);
    make(2, weir_buffer_bytes(&one), &two);
    make(1, weir_buffer_bytes(&two), &three);
    assert_int_equal(decode("gzip, zstd, br", weir_buffer_bytes(&three), 100000, &out), 0);
    assert_int_equal(out.len, 5000);
    assert_memory_equal(out.data, text, 5000);
    weir_buffer_free(&out);
    assert_int_equal(decode("gzip, br, zstd", weir_buffer_bytes(&three), 100000, &out), -EBADMSG);
    weir_buffer_free(&one);
    weir_buffer_free(&two);
    weir_buffer_free(&three);
}

static void members_of_gzip_and_frames_of_zstd_follow_each_other(void **state)
{
    (void)state;
    for (int form = 0; form < 3; form += 2) {
        weir_buffer coded, out;
        const char *name = make(form, (weir_bytes){text, 1000}, &coded);
        compress_into((enum encoding)form, (weir_bytes){text + 1000, 500}, &coded);
        assert_int_equal(decode(name, weir_buffer_bytes(&coded), 1500, &out), 0);
        assert_int_equal(out.len, 1500);
        assert_memory_equal(out.data, text, 1500);
        weir_buffer_free(&out);
        weir_buffer_free(&coded);
    }
}

static void what_is_cut_or_goes_on_is_damaged(void **state)
{
    (void)state;
    for (int form = 0; form < FORMS; form++) {
        weir_buffer coded, out;
        const char *name = make(form, (weir_bytes){text, 2000}, &coded);
        for (size_t n = 0; n < coded.len; n++) {
            int err = decode(name, (weir_bytes){coded.data, n}, 100000, &out);
            if (err != -EBADMSG)
                fail_msg("%s cut at %zu of %zu: %d", name, n, coded.len, err);
        }
        assert_int_equal(weir_buffer_append_text(&coded, "more"), 0);
        assert_int_equal(decode(name, weir_buffer_bytes(&coded), 100000, &out), -EBADMSG);
        weir_buffer_free(&coded);
        assert_int_equal(decode(name, weir_bytes_of("{\"no\":\"coding at all\"}"), 100000, &out), -EBADMSG);
    }
}

/* A bomb is refused long before its output is large, however much out may hold. */
static void what_grows_without_measure_is_too_large(void **state)
{
    const size_t huge = 64 << 20;
    char *zeros = calloc(1, huge);

    (void)state;
    for (int form = 1; form < 3; form++) {
        weir_buffer coded, out;
        const char *name = make(form, (weir_bytes){zeros, huge}, &coded);
        assert_true(coded.len < huge / 5000);
        assert_int_equal(decode(name, weir_buffer_bytes(&coded), SIZE_MAX / 4, &out), -WEIR_ETOOLARGE);
        assert_int_equal(decode(name, weir_buffer_bytes(&coded), 1 << 20, &out), -WEIR_ETOOLARGE);
        weir_buffer_free(&coded);
        name = make(form, (weir_bytes){zeros, 1 << 20}, &coded); /* a small output may have any ratio */
        assert_int_equal(decode(name, weir_buffer_bytes(&coded), 1 << 20, &out), 0);
        assert_int_equal(out.len, 1 << 20);
        weir_buffer_free(&out);
        weir_buffer_free(&coded);
    }
    free(zeros);
}

static int asked;

static int poll_third(void *arg)
{
    (void)arg;
    return ++asked == 3 ? -WEIR_ECANCELED : 0;
}

static void who_has_left_ends_it(void **state)
{
    (void)state;
    for (int form = 0; form < FORMS; form++) {
        weir_buffer coded, out;
        struct codings codings = codings_of(make(form, (weir_bytes){text, sizeof text}, &coded));
        asked = 0;
        weir_buffer_init(&out, SIZE_MAX);
        assert_int_equal(decoder_run(&codings, weir_buffer_bytes(&coded), &out, poll_third, NULL),
                         -WEIR_ECANCELED);
        weir_buffer_free(&coded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read),
        cmocka_unit_test(what_was_coded_comes_out),
        cmocka_unit_test(several_codings_come_off_last_first),
        cmocka_unit_test(members_of_gzip_and_frames_of_zstd_follow_each_other),
        cmocka_unit_test(what_is_cut_or_goes_on_is_damaged),
        cmocka_unit_test(what_grows_without_measure_is_too_large),
        cmocka_unit_test(who_has_left_ends_it),
    };

    make_text();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
