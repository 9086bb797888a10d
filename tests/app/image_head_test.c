/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/image_head.h"
#include "jobs/image_turn.h"

#define BYTES(text) text, sizeof text - 1

struct sample {
    const char *what, *bytes;
    size_t length;
    int err;
    uint32_t width, height;
    uint64_t memory_bytes;
};

#define SOI "\xff\xd8"
#define APP1                                                                                                 \
    "\xff\xe1\x00\x08"                                                                                       \
    "Exif\xff\xc0" /* a size of its own, which does not count */
#define SOF(marker, height, width)                                                                           \
    "\xff" marker "\x00\x11\x08" height width "\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
#define PNG_HEAD "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"
#define WEBP "RIFF\x00\x01\x00\x00WEBP"

static const struct sample samples[] = {
    {"jpeg", BYTES(SOI APP1 "\xff\xff\xff\xdb\x00\x03\x00" SOF("\xc0", "\x01\x00", "\x02\x00")), 0, 512, 256,
     0},
    {"extended jpeg", BYTES(SOI SOF("\xc1", "\x00\x10", "\x00\x20")), 0, 32, 16, 0},
    {"progressive jpeg", BYTES(SOI SOF("\xc2", "\x03\xe0", "\x03\xe0")), 0, 992, 992, 1024 * 1024 * 3},
    {"progressive jpeg, colours at full size",
     BYTES(SOI "\xff\xc2\x00\x11\x08\x0f\xa0\x17\x70\x03\x01\x11\x00\x02\x11\x01\x03\x11\x01"), 0, 6000, 4000,
     (4000 + 32) * (6000 + 32) * 6},
    {"arithmetic jpeg", BYTES(SOI SOF("\xc9", "\x00\x10", "\x00\x10")), -ENOTSUP, 0, 0, 0},
    {"lossless jpeg", BYTES(SOI SOF("\xc3", "\x00\x10", "\x00\x10")), -ENOTSUP, 0, 0, 0},
    {"jpeg without height", BYTES(SOI SOF("\xc0", "\x00\x00", "\x00\x10")), -EINVAL, 0, 0, 0},
    {"jpeg without size", BYTES(SOI "\xff\xda\x00\x02"), -EINVAL, 0, 0, 0},
    {"jpeg that ends at once", BYTES(SOI "\xff\xd9"), -EINVAL, 0, 0, 0},
    {"jpeg with a short segment", BYTES(SOI "\xff\xe0\x00\x01"), -EINVAL, 0, 0, 0},
    {"jpeg with no component", BYTES(SOI "\xff\xc0\x00\x08\x08\x00\x01\x00\x01\x00"), -EINVAL, 0, 0, 0},
    {"jpeg of 50000 x 50000", BYTES(SOI SOF("\xc0", "\xc3\x50", "\xc3\x50")), 0, 50000, 50000, 0},
    {"png", BYTES(PNG_HEAD "\x00\x00\x01\x00\x00\x00\x02\x00\x08\x02\x00\x00\x00"), 0, 256, 512, 0},
    {"interlaced png", BYTES(PNG_HEAD "\x00\x00\x01\x00\x00\x00\x02\x00\x10\x06\x00\x00\x01"), 0, 256, 512,
     256 * 512 * 8},
    {"png of 4 billion", BYTES(PNG_HEAD "\xff\xff\xff\xff\x00\x00\x00\x01\x08\x02\x00\x00\x00"), -EINVAL, 0,
     0, 0},
    {"png of no width", BYTES(PNG_HEAD "\x00\x00\x00\x00\x00\x00\x00\x01\x08\x02\x00\x00\x00"), -EINVAL, 0, 0,
     0},
    {"png of no colour", BYTES(PNG_HEAD "\x00\x00\x00\x01\x00\x00\x00\x01\x08\x05\x00\x00\x00"), -EINVAL, 0,
     0, 0},
    {"png with another chunk first", BYTES("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dtEXt01234567890123456789"),
     -EINVAL, 0, 0, 0},
    {"webp", BYTES(WEBP "VP8 \x0a\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\x40\x01\xf0\xc0"), 0, 320, 240, 0},
    {"webp without a key frame", BYTES(WEBP "VP8 \x0a\x00\x00\x00\x30\x01\x00\x9d\x01\x2b\x40\x01\xf0\x00"),
     -EINVAL, 0, 0, 0},
    {"lossless webp", BYTES(WEBP "VP8L\x05\x00\x00\x00\x2f\x3f\xc1\x3b\x00"), 0, 320, 240, 320 * 240 * 4},
    {"extended webp",
     BYTES(
         WEBP
         "VP8X\x0a\x00\x00\x00\x10\x00\x00\x00\x3f\x01\x00\xef\x00\x00"
         "ALPH\x03\x00\x00\x00\x00\x00\x00\x00VP8 \x0a\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\x40\x01\xf0\x00"),
     0, 320, 240, 320 * 240},
    {"animated webp of 16 million",
     BYTES(WEBP "VP8X\x0a\x00\x00\x00\x02\x00\x00\x00\xff\xff\xff\xff\xff\xff"
                "ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
     0, 1 << 24, 1 << 24, UINT64_C(8) << 48},
    {"webp without an image", BYTES(WEBP "VP8X\x0a\x00\x00\x00\x10\x00\x00\x00\x3f\x01\x00\xef\x00\x00"),
     -EINVAL, 0, 0, 0},
    {"gif",
     BYTES("GIF89a\x40\x01\xf0\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
           "\x21\xf9\x04\x00\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x40\x01\xf0\x00\x00"),
     0, 320, 240, 320 * 240 * 4},
    {"gif with a frame beyond its screen",
     BYTES("GIF87a\x01\x00\x01\x00\x00\x00\x00\x2c\x10\x00\x00\x00\xff\xff\xff\xff\x00"), 0, 65535 + 16,
     65535, UINT64_C(65551) * 65535 * 4},
    {"gif without a frame", BYTES("GIF89a\x40\x01\xf0\x00\x00\x00\x00\x3b"), -EINVAL, 0, 0, 0},
    {"nothing", BYTES(""), -EINVAL, 0, 0, 0},
    {"svg", BYTES("<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>"), -ENOTSUP, 0, 0, 0},
    {"pdf", BYTES("%PDF-1.7\n"), -ENOTSUP, 0, 0, 0},
    {"tiff", BYTES("II*\x00\x08\x00\x00\x00"), -ENOTSUP, 0, 0, 0},
    {"bmp", BYTES("BM\x1a\x00\x00\x00\x00\x00\x00\x00"), -ENOTSUP, 0, 0, 0},
    {"another RIFF", BYTES("RIFF\x00\x01\x00\x00WAVEfmt "), -ENOTSUP, 0, 0, 0},
};

/* A copy of exactly n bytes, so that ASan sees a look beyond. */
static int read_exact(const struct sample *sample, size_t n, struct image_head *head)
{
    char *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, sample->bytes, n);
    int err = image_head_read(head, (weir_bytes){copy, n});
    free(copy);
    return err;
}

static void heads_say_what_they_claim(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const struct sample *s = &samples[i];
        struct image_head head;
        int err = read_exact(s, s->length, &head);
        if (err != s->err)
            fail_msg("%s: %d instead of %d", s->what, err, s->err);
        if (err == 0 &&
            (head.width != s->width || head.height != s->height || head.memory_bytes != s->memory_bytes))
            fail_msg("%s: %u x %u, %llu bytes", s->what, head.width, head.height,
                     (unsigned long long)head.memory_bytes);
    }
}

/* What is cut off behind the size is for the decoder to notice. */
static void heads_that_are_cut_off_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const struct sample *s = &samples[i];
        for (size_t n = 0; n < s->length && s->err == 0; n++) {
            struct image_head head;
            int err = read_exact(s, n, &head);
            assert_true(n < 20 ? err == -EINVAL || err == -ENOTSUP : err == -EINVAL || err == 0);
            if (err == 0 &&
                (head.width != s->width || head.height != s->height || head.memory_bytes != s->memory_bytes))
                fail_msg("%s: %u x %u after %zu of %zu bytes", s->what, head.width, head.height, n,
                         s->length);
        }
    }
}

static void turning_is_what_exif_says(void **state)
{
    /* What of "abc" over "def" is seen, by orientation: EXIF 2.3, tag 274. */
    static const struct {
        const char *rows;
        int width;
    } wanted[] = {{"abcdef", 3}, {"abcdef", 3}, {"cbafed", 3}, {"fedcba", 3}, {"defabc", 3},
                  {"adbecf", 2}, {"daebfc", 2}, {"fcebda", 2}, {"cfbead", 2}, {"abcdef", 3}};
    (void)state;
    for (int orientation = 0; orientation < 10; orientation++) {
        for (int bands = 1; bands <= 4; bands++) {
            unsigned char in[24], out[24];
            struct image_pixels from = {in, 3, 2, bands}, to = {.data = out};
            for (int i = 0; i < 6; i++)
                memset(in + i * bands, 'a' + i, (size_t)bands);
            image_turn(&from, orientation, &to);
            assert_int_equal(to.width, wanted[orientation].width);
            assert_int_equal(to.width * to.height, 6);
            assert_int_equal(to.bands, bands);
            assert_int_equal(image_turn_swaps(orientation), to.width == 2);
            for (int i = 0; i < 6 * bands; i++)
                assert_int_equal(out[i], wanted[orientation].rows[i / bands]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_say_what_they_claim),
        cmocka_unit_test(heads_that_are_cut_off_are_refused),
        cmocka_unit_test(turning_is_what_exif_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
