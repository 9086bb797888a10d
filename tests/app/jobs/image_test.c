/* SPDX-License-Identifier: MIT */
/* Images are made by libvips during the test, and the results are read with it, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/image.h"
#include "jobs/image_format.h"
#include "jobs/image_budget.h"
#include "jobs/image_claim.h"
#include "jobs/vips_library.h"

/* glib and libvips keep their caches until the program ends. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libglib\nleak:libgobject\nleak:libvips\n";
}

static const struct vips_library *vips;

static const struct image_order small = {.width = 40,
                                         .height = 40,
                                         .output = IMAGE_TO_PNG,
                                         .quality = 80,
                                         .pixels_max = 1000000,
                                         .memory_max = 64 << 20};

/* --- making images --- */

/* Red to the right, green downwards, blue in the upper left quarter; the last of 2 or 4 bands is
 * transparency: a hole in the middle. */
static VipsImage *picture(int width, int height, int bands, bool hole)
{
    unsigned char *pixels = malloc((size_t)width * (size_t)height * (size_t)bands);
    VipsImage *borrowed, *image = NULL;

    assert_non_null(pixels);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            unsigned char *p = pixels + ((size_t)y * (size_t)width + (size_t)x) * (size_t)bands;
            bool inside = abs(2 * x - width) < width / 2 && abs(2 * y - height) < height / 2;
            p[0] = (unsigned char)(255 * x / width);
            if (bands >= 3) {
                p[1] = (unsigned char)(255 * y / height);
                p[2] = 2 * x < width && 2 * y < height ? 255 : 0;
            }
            if (bands == 2 || bands == 4)
                p[bands - 1] = hole && inside ? 0 : 255;
        }
    borrowed = vips_image_new_from_memory_copy(pixels, (size_t)width * (size_t)height * (size_t)bands, width,
                                               height, bands, VIPS_FORMAT_UCHAR);
    assert_int_equal(vips_copy(borrowed, &image, "interpretation",
                               bands >= 3 ? VIPS_INTERPRETATION_sRGB : VIPS_INTERPRETATION_B_W, NULL),
                     0);
    g_object_unref(borrowed);
    free(pixels);
    return image;
}

/* Makes the file of an image, and frees the image. suffix: as vips_image_write_to_buffer() takes it,
 * ".jpg[interlace]". */
static weir_bytes file_of(VipsImage *image, const char *suffix)
{
    void *data = NULL;
    size_t length = 0;

    if (vips_image_write_to_buffer(image, suffix, &data, &length, NULL) != 0)
        fail_msg("%s: %s", suffix, vips_error_buffer());
    g_object_unref(image);
    return (weir_bytes){data, length};
}

static void drop_file(weir_bytes file)
{
    g_free((void *)(uintptr_t)file.data);
}

/* --- looking at results --- */

struct seen {
    int width, height, bands;
    unsigned char *pixels;
};

static struct seen look(weir_bytes file)
{
    struct seen seen;
    size_t length;
    VipsImage *image = vips_image_new_from_buffer(file.data, file.len, "", NULL);

    if (image == NULL)
        fail_msg("the result can't be read: %s", vips_error_buffer());
    seen.width = vips_image_get_width(image);
    seen.height = vips_image_get_height(image);
    seen.bands = vips_image_get_bands(image);
    seen.pixels = vips_image_write_to_memory(image, &length);
    assert_non_null(seen.pixels);
    g_object_unref(image);
    return seen;
}

static const unsigned char *at(const struct seen *seen, int x, int y)
{
    return seen->pixels + (size_t)(y * seen->width + x) * (size_t)seen->bands;
}

static bool near(int a, int b)
{
    return abs(a - b) <= 24;
}

static int shrink(weir_bytes file, const struct image_order *order, weir_buffer *out)
{
    bool has_words;
    int err;
    char fault[IMAGE_FAULT_BYTES] = "unset";

    weir_buffer_init(out, 1 << 20);
    err = image_shrink(vips, file, order, out, fault, NULL, NULL);
    has_words = err == -ENOTSUP || err == -EINVAL || err == -EFBIG;
    assert_int_equal(fault[0] != '\0', has_words);
    return err;
}

/* --- the tests --- */

static const char *const suffixes[] = {".jpg",  ".jpg[interlace]", ".png", ".png[interlace]", ".png[palette]",
                                       ".webp", ".webp[lossless]", ".gif"};
enum { SUFFIXES = sizeof suffixes / sizeof *suffixes };

static void every_format_goes_into_every_other(void **state)
{
    (void)state;
    for (int i = 0; i < SUFFIXES; i++)
        for (int output = 0; output < IMAGE_OUTPUTS; output++) {
            const unsigned char *p;
            struct seen seen;
            static const char *const types[IMAGE_OUTPUTS] = {"image/jpeg", "image/png", "image/webp",
                                                             "image/jpeg"};
            weir_bytes file = file_of(picture(200, 100, 3, false), suffixes[i]);
            struct image_order order = small;
            weir_buffer out;
            order.output = output;
            if (shrink(file, &order, &out) != 0)
                fail_msg("%s does not become %s", suffixes[i], image_output_names[output]);
            assert_string_equal(image_type_of(weir_buffer_bytes(&out)), types[output]);
            seen = look(weir_buffer_bytes(&out));
            assert_int_equal(seen.width, 40);
            assert_int_equal(seen.height, 20);
            assert_int_equal(seen.bands, 3);
            p = at(&seen, 30, 15);
            if (!near(p[0], 255 * 3 / 4) || !near(p[1], 255 * 3 / 4) || !near(p[2], 0))
                fail_msg("%s: %d %d %d", suffixes[i], p[0], p[1], p[2]);
            p = at(&seen, 10, 5);
            assert_true(near(p[0], 64) && near(p[1], 64) && near(p[2], 255));
            g_free(seen.pixels);
            weir_buffer_free(&out);
            drop_file(file);
        }
}

static void it_fits_the_box_and_never_grows(void **state)
{
    static const struct {
        int width, height, box_width, box_height, wanted_width, wanted_height;
    } table[] = {{200, 100, 50, 50, 50, 25}, {100, 200, 50, 50, 25, 50}, {200, 100, 400, 10, 20, 10},
                 {30, 20, 50, 50, 30, 20},   {1, 1, 50, 50, 1, 1},       {300, 2, 10, 10, 10, 1},
                 {64, 64, 64, 64, 64, 64}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct seen seen;
        weir_bytes file = file_of(picture(table[i].width, table[i].height, 3, false), ".jpg");
        struct image_order order = small;
        weir_buffer out;
        order.width = table[i].box_width;
        order.height = table[i].box_height;
        assert_int_equal(shrink(file, &order, &out), 0);
        seen = look(weir_buffer_bytes(&out));
        assert_int_equal(seen.width, table[i].wanted_width);
        assert_int_equal(seen.height, table[i].wanted_height);
        g_free(seen.pixels);
        weir_buffer_free(&out);
        drop_file(file);
    }
}

/* The result must look like an image that libvips itself turns upright. */
static void orientation_is_applied(void **state)
{
    (void)state;
    for (int orientation = 1; orientation <= 8; orientation++) {
        unsigned char *wanted;
        size_t length;
        struct seen seen;
        weir_buffer out;
        weir_bytes file;
        VipsImage *image = picture(32, 16, 3, false), *tagged = NULL, *upright = NULL;
        assert_int_equal(vips_copy(image, &tagged, NULL), 0);
        g_object_unref(image);
        vips_image_set_int(tagged, VIPS_META_ORIENTATION, orientation);
        file = file_of(tagged, ".jpg[Q=100]");
        assert_int_equal(shrink(file, &small, &out), 0);
        seen = look(weir_buffer_bytes(&out));

        image = vips_image_new_from_buffer(file.data, file.len, "", NULL);
        assert_int_equal(vips_image_get_orientation(image), orientation);
        assert_int_equal(vips_autorot(image, &upright, NULL), 0);
        g_object_unref(image);
        wanted = vips_image_write_to_memory(upright, &length);
        assert_int_equal(seen.width, orientation < 5 ? 32 : 16);
        assert_int_equal(seen.height, orientation < 5 ? 16 : 32);
        assert_memory_equal(seen.pixels, wanted, length);
        g_free(wanted);
        g_object_unref(upright);
        g_free(seen.pixels);
        weir_buffer_free(&out);
        drop_file(file);
    }
}

static void turned_images_fit_the_box_as_they_are_seen(void **state)
{
    struct seen seen;
    weir_buffer out;
    struct image_order order = small;
    weir_bytes file;
    VipsImage *image = picture(300, 100, 3, false), *tagged = NULL;

    (void)state;
    assert_int_equal(vips_copy(image, &tagged, NULL), 0);
    g_object_unref(image);
    vips_image_set_int(tagged, VIPS_META_ORIENTATION, 6);
    file = file_of(tagged, ".jpg");
    order.width = 20;
    order.height = 30;
    assert_int_equal(shrink(file, &order, &out), 0);
    seen = look(weir_buffer_bytes(&out));
    assert_int_equal(seen.width, 10); /* 100 x 300, seen upright */
    assert_int_equal(seen.height, 30);
    g_free(seen.pixels);
    weir_buffer_free(&out);
    drop_file(file);
}

static void nothing_but_pixels_is_kept(void **state)
{
    /* A WebP gets new EXIF data, which are empty. */
    static const char *const kinds[] = {"xmp-data", "icc-profile-data", "iptc-data", "exif-ifd0-Artist"};
    (void)state;
    for (int output = 0; output < IMAGE_OUTPUTS; output++) {
        weir_buffer out;
        struct image_order order = small;
        weir_bytes file;
        VipsImage *image = picture(64, 64, 3, false), *tagged = NULL;
        assert_int_equal(vips_copy(image, &tagged, NULL), 0);
        g_object_unref(image);
        vips_image_set_int(tagged, VIPS_META_ORIENTATION, 3);
        vips_image_set_string(tagged, "exif-ifd0-Artist", "secret");
        vips_image_set_blob_copy(tagged, VIPS_META_XMP_NAME, "<x>secret</x>", 13);
        file = file_of(tagged, ".jpg[profile=srgb]");
        assert_non_null(memmem(file.data, file.len, "secret", 6));
        order.output = output;
        assert_int_equal(shrink(file, &order, &out), 0);
        assert_null(memmem(out.data, out.len, "secret", 6));
        image = vips_image_new_from_buffer(out.data, out.len, "", NULL);
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (vips_image_get_typeof(image, kinds[i]) != 0)
                fail_msg("%s is in the %s", kinds[i], image_output_names[output]);
        g_object_unref(image);
        weir_buffer_free(&out);
        drop_file(file);
    }
}

static void what_is_transparent_stays_so_or_becomes_white(void **state)
{
    static const struct {
        int bands, output;
        const char *type;
        int bands_out;
    } table[] = {{4, IMAGE_TO_PLAIN, "image/png", 4},
                 {2, IMAGE_TO_PLAIN, "image/png", 2},
                 {4, IMAGE_TO_WEBP, "image/webp", 4},
                 {4, IMAGE_TO_JPEG, "image/jpeg", 3},
                 {2, IMAGE_TO_JPEG, "image/jpeg", 1}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        bool alpha;
        const unsigned char *middle;
        struct seen seen;
        weir_bytes file = file_of(picture(120, 120, table[i].bands, true), ".png");
        struct image_order order = small;
        weir_buffer out;
        order.output = table[i].output;
        assert_int_equal(shrink(file, &order, &out), 0);
        assert_string_equal(image_type_of(weir_buffer_bytes(&out)), table[i].type);
        seen = look(weir_buffer_bytes(&out));
        assert_int_equal(seen.bands, table[i].bands_out);
        middle = at(&seen, 20, 20);
        alpha = seen.bands == 2 || seen.bands == 4;
        assert_true(near(middle[seen.bands - 1], alpha ? 0 : 255));
        g_free(seen.pixels);
        weir_buffer_free(&out);
        drop_file(file);
    }
}

/* A grey image with a profile of colours, an image with a profile of zeros, and stray bytes between segments:
 * other programs take them, too. */
static void what_others_take_is_taken(void **state)
{
    size_t length;
    weir_bytes coloured = file_of(picture(64, 64, 3, false), ".jpg[profile=srgb]");
    const char *from = memmem(coloured.data, coloured.len, "ICC_PROFILE", 12);

    (void)state;
    assert_non_null(from);
    from -= 4; /* its marker and length */
    length = (size_t)((unsigned char)from[2] << 8 | (unsigned char)from[3]) + 2;
    for (int i = 0; i < 4; i++) {
        struct seen seen;
        const int bands = i % 2 == 0 ? 1 : 3;
        weir_bytes file = file_of(picture(64, 64, bands, false), ".jpg[Q=90,strip]");
        weir_buffer with, out;
        weir_buffer_init(&with, 1 << 20);
        assert_int_equal(weir_buffer_append(&with, file.data, 2), 0);
        assert_int_equal(weir_buffer_append(&with, "stray\xff\x00\xff\xff", 9), 0);
        assert_int_equal(weir_buffer_append(&with, from, length), 0);
        if (i >= 2) /* no tag is at the offset of its table */
            memset(with.data + with.len - length + 200, 0, length - 200);
        assert_int_equal(weir_buffer_append(&with, file.data + 2, file.len - 2), 0);
        assert_int_equal(weir_buffer_append(&with, "behind", 6), 0);
        if (shrink(weir_buffer_bytes(&with), &small, &out) != 0)
            fail_msg("%d bands are not taken", bands);
        seen = look(weir_buffer_bytes(&out));
        assert_int_equal(seen.bands, bands);
        assert_true(near(at(&seen, 20, 20)[0], 128));
        g_free(seen.pixels);
        weir_buffer_free(&out);
        weir_buffer_free(&with);
        drop_file(file);
    }
    drop_file(coloured);
}

static void transparency_that_says_nothing_is_left_out(void **state)
{
    weir_bytes file = file_of(picture(120, 120, 4, false), ".png");
    struct image_order order = small;
    weir_buffer out;

    (void)state;
    order.output = IMAGE_TO_PLAIN;
    assert_int_equal(shrink(file, &order, &out), 0);
    assert_string_equal(image_type_of(weir_buffer_bytes(&out)), "image/jpeg");
    weir_buffer_free(&out);
    drop_file(file);
}

static void other_colours_become_srgb(void **state)
{
    static const VipsInterpretation spaces[] = {VIPS_INTERPRETATION_RGB16, VIPS_INTERPRETATION_GREY16,
                                                VIPS_INTERPRETATION_CMYK};

    (void)state;
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        weir_buffer out;
        VipsImage *image = picture(80, 80, 3, false), *other = NULL;
        const unsigned char *p;
        struct seen seen;
        weir_bytes file;
        assert_int_equal(vips_colourspace(image, &other, spaces[i], NULL), 0);
        g_object_unref(image);
        file = file_of(other, spaces[i] == VIPS_INTERPRETATION_CMYK ? ".jpg" : ".png");
        assert_int_equal(shrink(file, &small, &out), 0);
        seen = look(weir_buffer_bytes(&out));
        assert_int_equal(seen.bands, spaces[i] == VIPS_INTERPRETATION_GREY16 ? 1 : 3);
        p = at(&seen, 35, 35);
        assert_true(p[0] > 150);
        g_free(seen.pixels);
        weir_buffer_free(&out);
        drop_file(file);
    }
}

#define BYTES(text) text, sizeof text - 1
#define SOF "\xff\xc0\x00\x11\x08\xc3\x50\xc3\x50\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"

static void lies_are_refused_before_anything_is_decoded(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } lies[] = {
        {BYTES("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" SOF
               "\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00\x12\xff\xd9")},
        {BYTES("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\xc3\x50\x00\x00\xc3\x50\x08\x02\x00\x00\x00"
               "\x00\x00\x00\x00\x00\x00\x00\x01IDAT\x12\x00\x00\x00\x00"
               "\x00\x00\x00\x00IEND\xae\x42\x60\x82")},
        {BYTES("GIF89a\x50\xc3\x50\xc3\x00\x00\x00\x2c\x00\x00\x00\x00\x50\xc3\x50\xc3\x00\x02\x00"
               "\x3b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")},
        {BYTES("RIFF\x24\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x4f\xc3\x00\x4f\xc3\x00"
               "ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        weir_buffer out;
        int err = shrink((weir_bytes){lies[i].bytes, lies[i].length}, &small, &out);
        assert_true(err == -EFBIG || (i == 3 && err == -EINVAL)); /* this file has nothing but its claim */
        assert_int_equal(out.len, 0);
        weir_buffer_free(&out);
    }
}

static void memory_is_bound(void **state)
{
    (void)state;
    for (int i = 0; i < SUFFIXES; i++) {
        weir_bytes file = file_of(picture(300, 300, 3, false), suffixes[i]);
        struct image_order order = small;
        weir_buffer out;
        struct image_head head;
        assert_int_equal(image_head_read(&head, file, false), 0);
        order.memory_max = (int64_t)image_claim(&head, &order, file.len) - 1;
        assert_int_equal(shrink(file, &order, &out), -EFBIG);
        weir_buffer_free(&out);
        order.memory_max++;
        assert_int_equal(shrink(file, &order, &out), 0);
        weir_buffer_free(&out);
        order.memory_max = 64 << 20;
        order.pixels_max = 300 * 300 - 1;
        assert_int_equal(shrink(file, &order, &out), -EFBIG);
        weir_buffer_free(&out);
        order.pixels_max++;
        assert_int_equal(shrink(file, &order, &out), 0);
        weir_buffer_free(&out);
        drop_file(file);
    }
}

static void all_images_together_are_bound(void **state)
{
    weir_bytes file = file_of(picture(300, 300, 3, false), ".png");
    struct image_head head;
    weir_buffer out;
    uint64_t claim;

    (void)state;
    assert_int_equal(image_head_read(&head, file, false), 0);
    claim = image_claim(&head, &small, file.len);
    image_budget_set(claim);
    for (int i = 0; i < 3; i++) { /* the budget is released each time */
        assert_int_equal(shrink(file, &small, &out), 0);
        weir_buffer_free(&out);
    }
    assert_int_equal(image_budget_take(1), 0);
    assert_int_equal(shrink(file, &small, &out), -WEIR_EBUSY);
    weir_buffer_free(&out);
    image_budget_give(1);
    assert_int_equal(shrink((weir_bytes){file.data, file.len / 2}, &small, &out), -EINVAL);
    weir_buffer_free(&out);
    assert_int_equal(shrink(file, &small, &out), 0);
    weir_buffer_free(&out);
    image_budget_set(claim - 1);
    assert_int_equal(shrink(file, &small, &out), -EFBIG);
    weir_buffer_free(&out);
    image_budget_set(0);
    drop_file(file);
}

static void what_is_no_image_of_ours_is_refused(void **state)
{
    static const char *const others[] = {
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>", "%PDF-1.4\n",
        "P6 1 1 255\n...", "hello", "#?RADIANCE\n"};
    weir_buffer out;
    weir_bytes tiff;

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(shrink(weir_bytes_of(others[i]), &small, &out), -ENOTSUP);
        weir_buffer_free(&out);
    }
    assert_int_equal(shrink((weir_bytes){"", 0}, &small, &out), -EINVAL);
    weir_buffer_free(&out);
    tiff = file_of(picture(20, 20, 3, false), ".tif");
    assert_int_equal(shrink(tiff, &small, &out), -ENOTSUP);
    weir_buffer_free(&out);
    drop_file(tiff);
}

/* A file that is cut off anywhere gives no result, except in the last bytes, behind all pixels. */
static void what_is_cut_off_is_refused(void **state)
{
    static const int spare[SUFFIXES] = {2, 2, 16, 16, 16, 2, 8, 16};

    (void)state;
    for (int i = 0; i < SUFFIXES; i++) {
        weir_bytes file = file_of(picture(16, 16, 3, false), suffixes[i]);
        for (size_t n = 0; n < file.len; n++) {
            char *cut = malloc(n ? n : 1);
            weir_buffer out;
            int err;
            assert_non_null(cut);
            memcpy(cut, file.data, n);
            err = shrink((weir_bytes){cut, n}, &small, &out);
            if (err == 0 && n + (size_t)spare[i] < file.len)
                fail_msg("%s: %zu of %zu bytes were enough", suffixes[i], n, file.len);
            assert_true(err == 0 || err == -EINVAL || err == -ENOTSUP);
            weir_buffer_free(&out);
            free(cut);
        }
        drop_file(file);
    }
}

static void what_is_damaged_does_no_harm(void **state)
{
    (void)state;
    for (int i = 0; i < SUFFIXES; i++) {
        weir_bytes file = file_of(picture(16, 16, 3, false), suffixes[i]);
        char *damaged = malloc(file.len);
        assert_non_null(damaged);
        for (size_t n = 0; n < file.len; n += 5) {
            weir_buffer out;
            int err;
            memcpy(damaged, file.data, file.len);
            damaged[n] ^= n % 2 ? 0x40 : (char)0xff;
            err = shrink((weir_bytes){damaged, file.len}, &small, &out);
            assert_true(err == 0 || err == -EINVAL || err == -ENOTSUP || err == -EFBIG);
            weir_buffer_free(&out);
        }
        free(damaged);
        drop_file(file);
    }
}

struct asking {
    int asked, give_up_at, last, before_rows;
};

static int asked(void *arg, int rows, int of)
{
    struct asking *a = arg;

    assert_true(rows >= a->last && (rows < of || of == 0)); /* 0: not known yet */
    a->last = rows;
    a->before_rows += rows == 0;
    return ++a->asked == a->give_up_at ? -WEIR_ECANCELED : 0;
}

static void it_ends_when_nobody_waits(void **state)
{
    weir_bytes file = file_of(picture(400, 400, 3, false), ".jpg");
    struct image_order order = small;
    char fault[IMAGE_FAULT_BYTES];

    (void)state;
    order.width = order.height = 200;
    for (int at_call = 1; at_call < 60; at_call++) {
        struct asking a = {.give_up_at = at_call};
        weir_buffer out;
        int err;
        bool ended;
        weir_buffer_init(&out, 1 << 20);
        err = image_shrink(vips, file, &order, &out, fault, asked, &a);
        ended = a.asked == at_call;
        assert_int_equal(err, ended ? -WEIR_ECANCELED : 0);
        assert_int_equal(out.len > 0, !ended);
        weir_buffer_free(&out);
        if (!ended) {
            assert_true(at_call > 10);
            break;
        }
    }
    drop_file(file);
}

/* Damage of which the decoder would only warn, and fill up with grey. */
static void a_png_with_a_wrong_checksum_is_refused(void **state)
{
    weir_bytes file = file_of(picture(300, 300, 3, false), ".png[compression=0]");
    char *damaged = malloc(file.len);
    weir_buffer out;

    (void)state;
    assert_non_null(damaged);
    memcpy(damaged, file.data, file.len);
    damaged[file.len / 2] ^= 1;
    assert_int_equal(shrink((weir_bytes){damaged, file.len}, &small, &out), -EINVAL);
    weir_buffer_free(&out);
    free(damaged);
    drop_file(file);
}

/* A progressive JPEG is decoded before its first row: poll is called for each of its scans, however small. */
static void every_scan_is_asked_for(void **state)
{
    static const char *const few[] = {".jpg", ".jpg[interlace]"};
    int before_rows[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        weir_bytes file = file_of(picture(64, 64, 3, false), few[i]);
        struct asking a = {0};
        char fault[IMAGE_FAULT_BYTES];
        weir_buffer out;
        weir_buffer_init(&out, 1 << 20);
        assert_int_equal(image_shrink(vips, file, &small, &out, fault, asked, &a), 0);
        before_rows[i] = a.before_rows;
        weir_buffer_free(&out);
        drop_file(file);
    }
    assert_true(before_rows[1] >= before_rows[0] + 8); /* libjpeg makes ten scans */
}

static void the_room_ends(void **state)
{
    weir_bytes file = file_of(picture(200, 100, 3, false), ".jpg");
    char fault[IMAGE_FAULT_BYTES];
    weir_buffer out;

    (void)state;
    weir_buffer_init(&out, 100);
    assert_int_equal(image_shrink(vips, file, &small, &out, fault, NULL, NULL), -WEIR_ETOOLARGE);
    assert_int_equal(out.len, 0);
    weir_buffer_free(&out);
    drop_file(file);
}

static int open_library(void **state)
{
    (void)state;
    vips = vips_library(NULL);
    return vips != NULL ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_goes_into_every_other),
        cmocka_unit_test(it_fits_the_box_and_never_grows),
        cmocka_unit_test(orientation_is_applied),
        cmocka_unit_test(turned_images_fit_the_box_as_they_are_seen),
        cmocka_unit_test(nothing_but_pixels_is_kept),
        cmocka_unit_test(what_is_transparent_stays_so_or_becomes_white),
        cmocka_unit_test(what_others_take_is_taken),
        cmocka_unit_test(transparency_that_says_nothing_is_left_out),
        cmocka_unit_test(other_colours_become_srgb),
        cmocka_unit_test(lies_are_refused_before_anything_is_decoded),
        cmocka_unit_test(memory_is_bound),
        cmocka_unit_test(all_images_together_are_bound),
        cmocka_unit_test(what_is_no_image_of_ours_is_refused),
        cmocka_unit_test(what_is_cut_off_is_refused),
        cmocka_unit_test(what_is_damaged_does_no_harm),
        cmocka_unit_test(it_ends_when_nobody_waits),
        cmocka_unit_test(a_png_with_a_wrong_checksum_is_refused),
        cmocka_unit_test(every_scan_is_asked_for),
        cmocka_unit_test(the_room_ends),
    };

#if defined(__SANITIZE_THREAD__)
    /* There is one thread of ours; TSan sees only a part of the libraries, and would report them. */
    printf("1..1\nok 1 # SKIP under TSan: libvips and what it uses are not built for it\n");
    return 0;
#endif
    return cmocka_run_group_tests(tests, open_library, NULL);
}
