/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "jobs/image_exif.h"
#include "jobs/image_format.h"
#include "jobs/image_profile.h"
#include "jobs/image_turn.h"

#define BYTES(text) text, sizeof text - 1

struct sample {
    const char *what, *bytes;
    size_t length;
    int err;
    uint32_t width, height;
    uint64_t held_bytes;
};

#define SOI "\xff\xd8"
#define APP1                                                                                                 \
    "\xff\xe1\x00\x08"                                                                                       \
    "Exif\xff\xc0" /* has the marker of a frame, which does not count */
#define SOF(marker, height, width)                                                                           \
    "\xff" marker "\x00\x11\x08" height width "\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
#define SOS "\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00"
#define SOS1 "\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
#define PIXELS "\x12\xff\x00\x34\xff\xd0\xff\xff\xd1\x56"
#define EOI "\xff\xd9"
#define SCAN SOS PIXELS EOI
#define IDAT "\x00\x00\x00\x00\x00\x00\x00\x01IDAT\x12\x00\x00\x00\x00"
#define IEND "\x00\x00\x00\x00IEND\xae\x42\x60\x82"
#define PNG_HEAD "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"
#define WEBP "RIFF\x00\x01\x00\x00WEBP"

static const struct sample samples[] = {
    {"jpeg", BYTES(SOI APP1 "\xff\xff\xff\xdb\x00\x03\x00" SOF("\xc0", "\x01\x00", "\x02\x00") SCAN), 0, 512,
     256, 0},
    {"extended jpeg", BYTES(SOI SOF("\xc1", "\x00\x10", "\x00\x20") SCAN), 0, 32, 16, 0},
    {"jpeg with stray bytes",
     BYTES(SOI "stray\xff\x00\xff\xff" SOF("\xc1", "\x00\x10", "\x00\x20") "0" SCAN "1"), 0, 32, 16, 0},
    {"progressive jpeg", BYTES(SOI SOF("\xc2", "\x03\xe0", "\x03\xe0") SOS PIXELS SOS1 PIXELS EOI), 0, 992,
     992, 992 * 992 * 3},
    {"progressive jpeg, colours at full size",
     BYTES(SOI "\xff\xc2\x00\x11\x08\x0f\xa0\x17\x70\x03\x01\x11\x00\x02\x11\x01\x03\x11\x01" SCAN), 0, 6000,
     4000, 4000 * 6000 * 6},
    {"jpeg with a scan for each component",
     BYTES(SOI SOF("\xc0", "\x00\x09", "\x00\x11") SOS1 PIXELS SOS1 PIXELS SOS1 PIXELS EOI), 0, 17, 9,
     (4 * 2 + 2 + 2) * 128},
    {"jpeg of two sizes",
     BYTES(SOI SOF("\xc0", "\x00\x10", "\x00\x10") SOF("\xc0", "\x00\x20", "\x00\x20") SCAN), -EINVAL, 0, 0,
     0},
    {"two jpegs in one", BYTES(SOI SOI SOF("\xc0", "\x00\x10", "\x00\x10") SCAN), -EINVAL, 0, 0, 0},
    {"jpeg with a scan before its size", BYTES(SOI SCAN), -EINVAL, 0, 0, 0},
    {"jpeg of an unknown segment", BYTES(SOI "\xff\xf3\x00\x02" SOF("\xc0", "\x00\x10", "\x00\x10") SCAN),
     -EINVAL, 0, 0, 0},
    {"arithmetic jpeg", BYTES(SOI SOF("\xc9", "\x00\x10", "\x00\x10")), -ENOTSUP, 0, 0, 0},
    {"lossless jpeg", BYTES(SOI SOF("\xc3", "\x00\x10", "\x00\x10")), -ENOTSUP, 0, 0, 0},
    {"jpeg without height", BYTES(SOI SOF("\xc0", "\x00\x00", "\x00\x10") SCAN), -EINVAL, 0, 0, 0},
    {"jpeg without size", BYTES(SOI "\xff\xda\x00\x02"), -EINVAL, 0, 0, 0},
    {"jpeg without pixels", BYTES(SOI SOF("\xc0", "\x00\x10", "\x00\x10") EOI), -EINVAL, 0, 0, 0},
    {"jpeg that ends at once", BYTES(SOI "\xff\xd9"), -EINVAL, 0, 0, 0},
    {"jpeg with a short segment", BYTES(SOI "\xff\xe0\x00\x01"), -EINVAL, 0, 0, 0},
    {"jpeg with no component", BYTES(SOI "\xff\xc0\x00\x08\x08\x00\x01\x00\x01\x00"), -EINVAL, 0, 0, 0},
    {"jpeg of 50000 x 50000", BYTES(SOI SOF("\xc0", "\xc3\x50", "\xc3\x50") SCAN), 0, 50000, 50000, 0},
    {"jpeg wider than any", BYTES(SOI SOF("\xc0", "\x00\x10", "\xff\xdd") SCAN), -EFBIG, 0, 0, 0},
    {"png", BYTES(PNG_HEAD "\x00\x00\x01\x00\x00\x00\x02\x00\x08\x02\x00\x00\x00" IDAT IEND), 0, 256, 512, 0},
    {"interlaced png", BYTES(PNG_HEAD "\x00\x00\x01\x00\x00\x00\x02\x00\x10\x06\x00\x00\x01" IDAT IEND), 0,
     256, 512, 256 * 512 * 8},
    {"png of ten million", BYTES(PNG_HEAD "\x00\x98\x96\x80\x00\x00\x00\x0a\x10\x06\x00\x00\x00" IDAT IEND),
     -EFBIG, 0, 0, 0},
    {"png of 4 billion", BYTES(PNG_HEAD "\xff\xff\xff\xff\x00\x00\x00\x01\x08\x02\x00\x00\x00" IDAT IEND),
     -EINVAL, 0, 0, 0},
    {"png of no width", BYTES(PNG_HEAD "\x00\x00\x00\x00\x00\x00\x00\x01\x08\x02\x00\x00\x00" IDAT IEND),
     -EINVAL, 0, 0, 0},
    {"png of no colour", BYTES(PNG_HEAD "\x00\x00\x00\x01\x00\x00\x00\x01\x08\x05\x00\x00\x00" IDAT IEND),
     -EINVAL, 0, 0, 0},
    {"png without pixels",
     BYTES(PNG_HEAD "\x00\x00\x01\x00\x00\x00\x02\x00\x08\x02\x00\x00\x00"
                    "\0\0\0\0" IEND),
     -EINVAL, 0, 0, 0},
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
     0, 320, 240, 320 * 240 * 2},
    {"animated webp of 16 million",
     BYTES(WEBP "VP8X\x0a\x00\x00\x00\x02\x00\x00\x00\xff\xff\xff\xff\xff\xff"
                "ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                "ANMF\x22\x00\x00\x00\x00\x00\x00\x00\x00\x00\x3f\x01\x00\xef\x00\x00\x64\x00\x00\x00"
                "VP8 \x0a\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\x40\x01\xf0\x00"),
     -EFBIG, 0, 0, 0},
    {"animated webp",
     BYTES(WEBP "VP8X\x0a\x00\x00\x00\x02\x00\x00\x00\xff\x02\x00\xff\x01\x00"
                "ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                "ANMF\x22\x00\x00\x00\x00\x00\x00\x00\x00\x00\x3f\x01\x00\xef\x00\x00\x64\x00\x00\x00"
                "VP8 \x0a\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\x40\x01\xf0\x00"),
     0, 768, 512, 0},
    {"animated webp without a frame",
     BYTES(WEBP "VP8X\x0a\x00\x00\x00\x02\x00\x00\x00\xff\x00\x00\xff\x00\x00"
                "ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
     -EINVAL, 0, 0, 0},
    {"webp without an image", BYTES(WEBP "VP8X\x0a\x00\x00\x00\x10\x00\x00\x00\x3f\x01\x00\xef\x00\x00"),
     -EINVAL, 0, 0, 0},
    {"gif",
     BYTES("GIF89a\x40\x01\xf0\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
           "\x21\xf9\x04\x00\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x40\x01\xf0\x00\x00\x02\x01\x44\x00\x3b"),
     0, 320, 240, 320 * 240 * 4},
    {"gif with a frame beyond its screen",
     BYTES("GIF87a\x01\x00\x01\x00\x00\x00\x00\x2c\x10\x00\x00\x00\x00\x01\x00\x02\x00\x02\x00"), 0, 16 + 256,
     512, 272 * 512 * 4},
    {"gif larger than any",
     BYTES("GIF87a\x01\x00\x01\x00\x00\x00\x00\x2c\x10\x00\x00\x00\xff\xff\xff\xff\x00\x02\x00"), -EFBIG, 0,
     0, 0},
    {"gif without a frame", BYTES("GIF89a\x40\x01\xf0\x00\x00\x00\x00\x3b"), -EINVAL, 0, 0, 0},
    {"nothing", BYTES(""), -EINVAL, 0, 0, 0},
    {"svg", BYTES("<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>"), -ENOTSUP, 0, 0, 0},
    {"pdf", BYTES("%PDF-1.7\n"), -ENOTSUP, 0, 0, 0},
    {"tiff", BYTES("II*\x00\x08\x00\x00\x00"), -ENOTSUP, 0, 0, 0},
    {"bmp", BYTES("BM\x1a\x00\x00\x00\x00\x00\x00\x00"), -ENOTSUP, 0, 0, 0},
    {"another RIFF", BYTES("RIFF\x00\x01\x00\x00WAVEfmt "), -ENOTSUP, 0, 0, 0},
};

/* A copy of exactly n bytes, so that ASan finds a read beyond. */
static int read_exact(const struct sample *sample, size_t n, struct image_head *head)
{
    char *copy = malloc(n ? n : 1);
    int err;

    assert_non_null(copy);
    memcpy(copy, sample->bytes, n);
    err = image_head_read(head, (weir_bytes){copy, n}, false);
    free(copy);
    return err;
}

static bool is_as_said(const struct sample *s, const struct image_head *head)
{
    return head->width == s->width && head->height == s->height && head->held_bytes == s->held_bytes;
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
        if (err == 0 && !is_as_said(s, &head))
            fail_msg("%s: %u x %u, %llu bytes", s->what, head.width, head.height,
                     (unsigned long long)head.held_bytes);
        assert_int_equal(head.why != NULL, err == -EFBIG);
    }
}

/* A file that is cut off behind its size is recognized, or its decoder will notice. */
static void heads_that_are_cut_off_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const struct sample *s = &samples[i];
        for (size_t n = 0; n < s->length && s->err == 0; n++) {
            struct image_head head;
            int err = read_exact(s, n, &head);
            assert_true(n < 20 ? err == -EINVAL || err == -ENOTSUP : err == -EINVAL || err == 0);
            if (err == 0 && (head.width != s->width || head.height != s->height))
                fail_msg("%s: %u x %u after %zu of %zu bytes", s->what, head.width, head.height, n,
                         s->length);
        }
    }
}

/* --- the parts for a decoder --- */

static void assert_given(const char *file, size_t length, const char *wanted, size_t wanted_length)
{
    struct image_head head;
    char given[512];
    size_t n = 0;

    assert_int_equal(image_head_read(&head, (weir_bytes){file, length}, false), 0);
    for (size_t i = 0; i < head.parts; i++) {
        assert_true(n + head.part[i].bytes <= sizeof given);
        memcpy(given + n, head.part[i].at, head.part[i].bytes);
        n += head.part[i].bytes;
    }
    assert_int_equal(n, wanted_length);
    assert_memory_equal(given, wanted, n);
}

static void decoders_see_what_pixels_are_made_of(void **state)
{
#define JPEG_BODY                                                                                            \
    "\xff\xee\x00\x07"                                                                                       \
    "Adobe" SOF("\xc0", "\x01\x00", "\x02\x00") "\xff\xdb\x00\x03\x00" SCAN
#define IHDR_8X8                                                                                             \
    PNG_HEAD "\x00\x00\x00\x08\x00\x00\x00\x08\x08\x02\x00\x00\x00"                                          \
             "\x12\x34\x56\x78"
#define IDAT_3                                                                                               \
    "\x00\x00\x00\x03"                                                                                       \
    "IDAT"                                                                                                   \
    "abc"                                                                                                    \
    "\x12\x34\x56\x78"
#define VP8_CHUNK "VP8 \x0a\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\x40\x01\xf0\x00"
#define SCREEN "GIF89a\x01\x00\x01\x00\x00\x00\x00"
#define CONTROL "\x21\xf9\x04\x01\x00\x00\x02\x00"
#define GIF_FRAME "\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00"
    static const struct {
        const char *what, *file;
        size_t length;
        const char *wanted;
        size_t wanted_length;
    } table[] = {
        {"jpeg",
         BYTES(SOI "\xff\xfe\x00\x06text" APP1 "\xff\xe7\x00\x04\x00\x00stray\xff\xed\x00\x02" JPEG_BODY
                   "behind"),
         BYTES(SOI JPEG_BODY)},
        {"png",
         BYTES(IHDR_8X8 "\x00\x00\x00\x03"
                        "zTXt"
                        "a\0b"
                        "\x00\x00\x00\x00" IDAT_3 IDAT_3 "\x00\x00\x00\x01"
                        "tEXt"
                        "a"
                        "\x00\x00\x00\x00" IEND),
         BYTES(IHDR_8X8 IDAT_3 IDAT_3 IEND)},
        {"png with a profile of nothing",
         BYTES(IHDR_8X8 "\x00\x00\x00\x04"
                        "iCCP"
                        "a\0\0b"
                        "\x00\x00\x00\x00"
                        "\x00\x00\x00\x01"
                        "tRNS"
                        "a"
                        "\x00\x00\x00\x00" IDAT_3 IEND),
         BYTES(IHDR_8X8 "\x00\x00\x00\x01"
                        "tRNS"
                        "a"
                        "\x00\x00\x00\x00" IDAT_3 IEND)},
        {"webp",
         BYTES("RIFF\x3c\x00\x00\x00WEBP"
               "VP8X\x0a\x00\x00\x00\x2c\x00\x00\x00\x3f\x01\x00\xef\x00\x00" VP8_CHUNK "XMP \x03\x00\x00\x00"
               "abc\x00"
               "behind"),
         BYTES("RIFF\x28\x00\x00\x00WEBP"
               "VP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x3f\x01\x00\xef\x00\x00" VP8_CHUNK)},
        {"gif", BYTES(SCREEN "\x21\xfe\x04text\x00" CONTROL "\x21\xff\x01\x02\x00" GIF_FRAME GIF_FRAME ";"),
         BYTES(SCREEN CONTROL GIF_FRAME ";")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_given(table[i].file, table[i].length, table[i].wanted, table[i].wanted_length);
}

/* A file of a beginning, a piece many times, and an end. */
static weir_bytes many(const char *begin, size_t begin_length, const char *again, size_t again_length,
                       int times, const char *end, size_t end_length)
{
    size_t n = 0;
    char *bytes = malloc(begin_length + again_length * (size_t)times + end_length);

    assert_non_null(bytes);
    memcpy(bytes, begin, begin_length);
    n += begin_length;
    for (int i = 0; i < times; i++, n += again_length)
        memcpy(bytes + n, again, again_length);
    memcpy(bytes + n, end, end_length);
    return (weir_bytes){bytes, n + end_length};
}

static void many_scans_are_refused(void **state)
{
    static const char *const frames[] = {"\xc0", "\xc2"};

    (void)state;
    for (int i = 0; i < 2; i++)
        for (int scans = 99; scans <= 101; scans++) {
            char begin[] = SOI SOF("\xc0", "\x01\x00", "\x02\x00");
            struct image_head head;
            weir_bytes file;
            begin[3] = frames[i][0];
            file = many(begin, sizeof begin - 1, BYTES(SOS1 PIXELS), scans, BYTES(EOI));
            assert_int_equal(image_head_read(&head, file, false), scans > IMAGE_SCANS_MAX ? -EFBIG : 0);
            free((void *)(uintptr_t)file.data);
        }
}

static void many_parts_are_refused(void **state)
{
    struct image_head head;
    weir_bytes file;

    (void)state;
    file = many(BYTES(SOI), BYTES("\xff\xdb\x00\x02\xff\xfe\x00\x02"), IMAGE_PARTS_MAX,
                BYTES(SOF("\xc0", "\x01\x00", "\x02\x00") SCAN));
    assert_int_equal(image_head_read(&head, file, false), -EFBIG);
    free((void *)(uintptr_t)file.data);
}

static void orientation_is_that_of_exif(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        int wanted;
    } table[] = {
        {BYTES("Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"), 6},
        {BYTES("MM\0\x2a\0\0\0\x08\0\x02\x01\x0f\0\x02\0\0\0\x04"
               "abc\0\x01\x12\0\x03\0\0\0\x01\0\x08\0\0"),
         8},
        {BYTES("MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x09\0\0"), 1},
        {BYTES("MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01"), 1},
        {BYTES("MM\0\x2a\xff\xff\xff\xff\0\x01\x01\x12\0\x03\0\0\0\x01"), 1},
        {BYTES("II\x2a"), 1},
        {BYTES(""), 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(image_exif_orientation((const unsigned char *)table[i].bytes, table[i].length),
                         table[i].wanted);
}

/* A header and a table of tags. */
static size_t make_profile(unsigned char *out, const char *tag, int tags)
{
    memset(out, 0, 132);
    memcpy(out + 36, "acsp", 4);
    out[131] = (unsigned char)tags;
    for (int i = 0; i < tags; i++)
        memcpy(memset(out + 132 + i * 12, 0, 12), i == tags - 1 ? tag : "rXYZ", 4);
    return 132 + (size_t)tags * 12;
}

static void profiles_of_any_length_are_not_used(void **state)
{
    unsigned char profile[4096];
    static unsigned char unpacked[IMAGE_PROFILE_BYTES_MAX + 1];
    unsigned char packed[16 << 10];

    (void)state;
    assert_true(image_profile_is_usable(profile, make_profile(profile, "gXYZ", 9)));
    assert_false(image_profile_is_usable(profile, make_profile(profile, "gXYZ", 9) - 1));
    assert_false(image_profile_is_usable(profile, make_profile(profile, "D2B0", 9)));
    assert_false(image_profile_is_usable(profile, make_profile(profile, "gXYZ", 101)));
    assert_false(image_profile_is_usable(profile, 0));

    (void)make_profile(unpacked, "gXYZ", 9);
    for (size_t size = IMAGE_PROFILE_BYTES_MAX; size <= sizeof unpacked; size++) {
        uLongf length = sizeof packed;
        assert_int_equal(compress(packed, &length, unpacked, size), Z_OK);
        assert_int_equal(image_profile_unpacked(packed, length), size == sizeof unpacked ? 0 : size);
        assert_int_equal(image_profile_unpacked(packed, length - 9), 0);
    }
}

static void turning_is_what_exif_says(void **state)
{
    /* "abc" over "def", turned by each orientation: EXIF 2.3, tag 274. */
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
        cmocka_unit_test(decoders_see_what_pixels_are_made_of),
        cmocka_unit_test(many_scans_are_refused),
        cmocka_unit_test(many_parts_are_refused),
        cmocka_unit_test(orientation_is_that_of_exif),
        cmocka_unit_test(profiles_of_any_length_are_not_used),
        cmocka_unit_test(turning_is_what_exif_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
