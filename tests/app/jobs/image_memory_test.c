/* SPDX-License-Identifier: MIT */
/* The memory claimed for an image before it is decoded, compared with the memory then held; and files made to
 * take much memory. libvips makes most of them, zlib the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "jobs/image.h"
#include "jobs/image_format.h"
#include "jobs/image_claim.h"
#include "jobs/vips_library.h"

/* glib and libvips keep their caches until the program ends. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libglib\nleak:libgobject\nleak:libvips\n";
}

#if defined(__SANITIZE_ADDRESS__)
enum { MEASURES = 0 };
#else
enum { MEASURES = 1 };
#endif

/* The memory of each image, whatever its size: objects of libvips, tables of decoders. */
enum { BESIDE_BYTES = 5 << 20 };

static const struct vips_library *vips;

/* --- measuring --- */

struct outcome {
    int err;
    uint64_t peak_bytes; /* more than before */
    char fault[IMAGE_FAULT_BYTES];
};

static uint64_t status_bytes(const char *key)
{
    char line[256];

    unsigned long long kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtoull(line + strlen(key), NULL, 10);
    if (file != NULL)
        (void)fclose(file);
    return kib << 10;
}

static void forget_peak(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, "5", 1) != 1)
        fail_msg("/proc/self/clear_refs can't be written");
    (void)close(fd);
}

static struct outcome shrink(weir_bytes file, const struct image_order *order)
{
    uint64_t before;
    struct outcome outcome = {0};
    weir_buffer out;

    weir_buffer_init(&out, IMAGE_FILE_BYTES_MAX);
    (void)malloc_trim(0);
    forget_peak();
    before = status_bytes("VmRSS:");
    outcome.err = image_shrink(vips, file, order, &out, outcome.fault, NULL, NULL);
    outcome.peak_bytes = status_bytes("VmHWM:") - before;
    weir_buffer_free(&out);
    return outcome;
}

/* --- claims and memory held --- */

/* Grey noise, the same in each band, which compresses badly. */
static weir_bytes picture(int width, int height, int bands, VipsInterpretation space, const char *suffix)
{
    bool deep;
    enum { SIDE = 1200 };
    static unsigned char noise[SIDE * SIDE];
    VipsImage *one, *cut = NULL, *bytes = NULL, *all = NULL, *named = NULL, *part[4];
    const unsigned char last = noise[sizeof noise - 2];
    void *data = NULL;
    size_t length = 0;

    for (uint32_t i = 0, seed = 1; i < sizeof noise && last == 0; i++)
        noise[i] = (unsigned char)((seed = seed * 1664525 + 1013904223) >> 25);
    one = vips_image_new_from_memory(noise, sizeof noise, SIDE, SIDE, 1, VIPS_FORMAT_UCHAR);
    if (one == NULL || vips_crop(one, &cut, 0, 0, width, height, NULL) != 0)
        fail_msg("%d x %d: %s", width, height, vips_error_buffer());
    deep = space == VIPS_INTERPRETATION_RGB16;
    assert_int_equal(vips_cast(cut, &bytes, deep ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR, NULL), 0);
    for (int i = 0; i < bands; i++)
        part[i] = bytes;
    assert_int_equal(vips_bandjoin(part, &all, bands, NULL), 0);
    assert_int_equal(vips_copy(all, &named, "interpretation", space, NULL), 0);
    if (vips_image_write_to_buffer(named, suffix, &data, &length, NULL) != 0)
        fail_msg("%s: %s", suffix, vips_error_buffer());
    g_object_unref(one);
    g_object_unref(cut);
    g_object_unref(bytes);
    g_object_unref(all);
    g_object_unref(named);
    return (weir_bytes){data, length};
}

static const struct {
    const char *suffix;
    int bands;
    VipsInterpretation space;
} kinds[] = {
    {".jpg", 3, VIPS_INTERPRETATION_sRGB},
    {".jpg", 1, VIPS_INTERPRETATION_B_W},
    {".jpg", 4, VIPS_INTERPRETATION_CMYK},
    {".jpg[interlace]", 3, VIPS_INTERPRETATION_sRGB},
    {".jpg[interlace,subsample_mode=off]", 3, VIPS_INTERPRETATION_sRGB},
    {".jpg[profile=srgb]", 3, VIPS_INTERPRETATION_sRGB},
    {".png[compression=1]", 3, VIPS_INTERPRETATION_sRGB},
    {".png[compression=1]", 2, VIPS_INTERPRETATION_B_W},
    {".png[compression=1]", 4, VIPS_INTERPRETATION_sRGB},
    {".png[compression=1]", 4, VIPS_INTERPRETATION_RGB16},
    {".png[compression=1,interlace]", 3, VIPS_INTERPRETATION_sRGB},
    {".png[palette,bitdepth=1,effort=1]", 3, VIPS_INTERPRETATION_sRGB},
    {".webp[effort=0]", 3, VIPS_INTERPRETATION_sRGB},
    {".webp[effort=0]", 4, VIPS_INTERPRETATION_sRGB},
    {".webp[lossless,effort=0]", 3, VIPS_INTERPRETATION_sRGB},
    {".gif[effort=1]", 3, VIPS_INTERPRETATION_sRGB},
};

/* The code and data of libraries count, too, when they are first used. */
static void use_each_once(void)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (int output = IMAGE_TO_JPEG; output <= IMAGE_TO_WEBP; output += IMAGE_TO_WEBP - IMAGE_TO_JPEG) {
            const struct image_order order = {.width = 30,
                                              .height = 30,
                                              .output = output,
                                              .quality = 80,
                                              .pixels_max = IMAGE_PIXELS,
                                              .memory_max = IMAGE_MEMORY_BYTES};
            weir_bytes file = picture(100, 80, kinds[i].bands, kinds[i].space, kinds[i].suffix);
            assert_int_equal(shrink(file, &order).err, 0);
            g_free((void *)(uintptr_t)file.data);
        }
}

static void what_is_held_was_claimed(void **state)
{
    static const struct {
        int width, height, box, output;
    } cases[] = {
        {1000, 600, 200, IMAGE_TO_PLAIN}, {200, 1200, 600, IMAGE_TO_PNG}, {300, 250, 4096, IMAGE_TO_WEBP}};
    (void)state;
    use_each_once();
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (size_t j = 0; j < sizeof cases / sizeof *cases; j += 1 + i % 2) {
            struct outcome outcome;
            uint64_t claim;
            weir_bytes file =
                picture(cases[j].width, cases[j].height, kinds[i].bands, kinds[i].space, kinds[i].suffix);
            const struct image_order order = {.width = cases[j].box,
                                              .height = cases[j].box,
                                              .output = cases[j].output,
                                              .quality = 80,
                                              .pixels_max = IMAGE_PIXELS,
                                              .memory_max = IMAGE_MEMORY_BYTES};
            static struct image_head head;
            assert_int_equal(image_head_read(&head, file, false), 0);
            claim = image_claim(&head, &order, file.len) - file.len; /* the file is in memory already */
            outcome = shrink(file, &order);
            if (outcome.err != 0)
                fail_msg("%s, %d bands: %s", kinds[i].suffix, kinds[i].bands, outcome.fault);
            if (MEASURES && outcome.peak_bytes > claim + BESIDE_BYTES)
                fail_msg("%s, %d bands, %d x %d into %d: %.1f MiB were held, %.1f claimed", kinds[i].suffix,
                         kinds[i].bands, cases[j].width, cases[j].height, cases[j].box,
                         (double)outcome.peak_bytes / (1 << 20), (double)claim / (1 << 20));
            g_free((void *)(uintptr_t)file.data);
        }
}

/* --- files made to take much memory --- */

static const struct image_order usual = {.width = 320,
                                         .height = 320,
                                         .output = IMAGE_TO_PLAIN,
                                         .quality = 80,
                                         .pixels_max = IMAGE_PIXELS,
                                         .memory_max = IMAGE_MEMORY_BYTES};

static void put_big(weir_buffer *out, uint32_t value)
{
    unsigned char bytes[4];

    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(value >> 8 * (3 - i));
    assert_int_equal(weir_buffer_append(out, bytes, 4), 0);
}

static void put_chunk(weir_buffer *out, const char *type, const void *data, size_t length)
{
    size_t from;

    put_big(out, (uint32_t)length);
    from = out->len;
    assert_int_equal(weir_buffer_append(out, type, 4), 0);
    assert_int_equal(weir_buffer_append(out, data, length), 0);
    put_big(out, (uint32_t)crc32(0, (const unsigned char *)out->data + from, (unsigned)(length + 4)));
}

/* Deflated zeros, behind the first bytes of a chunk. */
static weir_bytes packed_zeros(const char *before, size_t before_length, size_t zeros)
{
    unsigned char *all = calloc(1, zeros);
    uLongf length = zeros / 500 + 1000;
    char *packed = malloc(before_length + length);

    assert_true(all != NULL && packed != NULL);
    memcpy(packed, before, before_length);
    assert_int_equal(compress2((unsigned char *)packed + before_length, &length, all, zeros, 9), Z_OK);
    free(all);
    return (weir_bytes){packed, before_length + length};
}

static void begin_png(weir_buffer *out, uint32_t width, uint32_t height, char depth, char colour)
{
    const char rest[] = {depth, colour, 0, 0, 0};
    weir_buffer head;

    weir_buffer_init(out, 64 << 20);
    weir_buffer_init(&head, 100);
    put_big(&head, width);
    put_big(&head, height);
    assert_int_equal(weir_buffer_append(&head, rest, sizeof rest), 0);
    assert_int_equal(weir_buffer_append(out, "\x89PNG\r\n\x1a\n", 8), 0);
    put_chunk(out, "IHDR", head.data, head.len);
    weir_buffer_free(&head);
}

static void end_png(weir_buffer *out, size_t bytes)
{
    weir_bytes pixels = packed_zeros("", 0, bytes);

    put_chunk(out, "IDAT", pixels.data, pixels.len);
    put_chunk(out, "IEND", "", 0);
    free((void *)(uintptr_t)pixels.data);
}

static void assert_cheap(weir_bytes file, int err, const char *what)
{
    struct outcome outcome;

    assert_true(file.len < (5 << 20) / 4);
    outcome = shrink(file, &usual);
    if (outcome.err != err)
        fail_msg("%s: %d, %s", what, outcome.err, outcome.fault);
    assert_int_equal(outcome.fault[0] != '\0', err < 0);
    if (MEASURES && outcome.peak_bytes > 12 << 20)
        fail_msg("%s: %.1f MiB", what, (double)outcome.peak_bytes / (1 << 20));
}

static void wide_images_are_refused(void **state)
{
    static const struct {
        uint32_t width, height;
    } sizes[] = {{10000000, 10}, {10, 10000000}, {65501, 1}, {1, 65501}, {65500, 1500}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        weir_buffer png;
        begin_png(&png, sizes[i].width, sizes[i].height, 16, 6);
        end_png(&png, 1 << 20);
        assert_cheap(weir_buffer_bytes(&png), -EFBIG, "a wide PNG");
        weir_buffer_free(&png);
    }
}

/* Nothing of a bomb is unpacked: the small image is decoded as one. */
static void texts_of_a_png_are_not_unpacked(void **state)
{
    static const struct {
        const char *type, *before;
        size_t before_length;
    } texts[] = {{"zTXt", "a\0\0", 3}, {"iTXt", "a\0\1\0\0\0", 6}, {"iCCP", "a\0\0", 3},
                 {"tEXt", "a\0", 2},   {"eXIf", "MM\0\x2a", 4},    {"teXt", "", 0}};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        weir_bytes text = packed_zeros(texts[i].before, texts[i].before_length, 4 << 20);
        weir_buffer png;
        begin_png(&png, 100, 100, 8, 2);
        for (int n = 0; n < 100; n++)
            put_chunk(&png, texts[i].type, text.data, text.len);
        end_png(&png, 100 * (100 * 3 + 1));
        assert_cheap(weir_buffer_bytes(&png), 0, texts[i].type);
        weir_buffer_free(&png);
        free((void *)(uintptr_t)text.data);
    }
}

/* The same for the other formats: segments, chunks, frames and comments without pixels. */
static weir_buffer with_many(weir_bytes file, size_t at, const char *again, size_t length, int times)
{
    weir_buffer out;

    weir_buffer_init(&out, 64 << 20);
    assert_int_equal(weir_buffer_append(&out, file.data, at), 0);
    for (int i = 0; i < times; i++)
        assert_int_equal(weir_buffer_append(&out, again, length), 0);
    assert_int_equal(weir_buffer_append(&out, file.data + at, file.len - at), 0);
    return out;
}

static void what_is_no_pixel_costs_nothing(void **state)
{
    weir_bytes jpeg = picture(100, 100, 3, VIPS_INTERPRETATION_sRGB, ".jpg[strip]");
    weir_bytes gif = picture(100, 100, 3, VIPS_INTERPRETATION_sRGB, ".gif");
    static char segment[2 + 0x4000] = "\xff\xe1\x40\x00"
                                      "Exif\0\0MM\0\x2a",
                            few[] = "\xff\xe5\x00\x02";
    static char frame[] = "\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0", comment[] = "\x21\xfe\4text\0";

    weir_buffer files[] = {
        with_many(jpeg, 2, segment, sizeof segment, 64),
        with_many(jpeg, 2, few, 4, 250000),
        with_many(gif, gif.len - 1, frame, sizeof frame - 1, 70000),
        with_many(gif, 13 + 768, comment, sizeof comment - 1, 100000),
    };

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char what[32];
        (void)snprintf(what, sizeof what, "file %zu", i);
        assert_cheap(weir_buffer_bytes(&files[i]), 0, what);
        weir_buffer_free(&files[i]);
    }
    g_free((void *)(uintptr_t)jpeg.data);
    g_free((void *)(uintptr_t)gif.data);
}

static int open_library(void **state)
{
    (void)state;
    (void)mallopt(M_MMAP_THRESHOLD, 128 << 10); /* as the program does */
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 20);
    vips = vips_library(NULL);
    return vips != NULL && vips_init("image_memory_test") == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_held_was_claimed),
        cmocka_unit_test(wide_images_are_refused),
        cmocka_unit_test(texts_of_a_png_are_not_unpacked),
        cmocka_unit_test(what_is_no_pixel_costs_nothing),
    };

#if defined(__SANITIZE_THREAD__)
    /* As in image_test.c: TSan sees only a part of these libraries, and would report every pixel. */
    printf("1..1\nok 1 # SKIP under TSan: libvips and what it uses are not built for it\n");
    return 0;
#endif
    return cmocka_run_group_tests(tests, open_library, NULL);
}
