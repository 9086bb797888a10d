/* SPDX-License-Identifier: MIT */
#include "jobs/image_claim.h"

#include <stdbool.h>

#include "jobs/image_turn.h"

/* The rows that libvips keeps between two steps, if there are so many, and those a step asks for at a time.
 */
enum { ROWS_KEPT = 512 + 32, ROWS_ASKED = 64 };

enum { CMYK_BYTES = 9 << 20, QUALITY_OF_FULL_COLOURS = 90 };

struct size {
    uint64_t width, height;
};

static uint64_t at_most(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static double factor(const struct image_head *head, const struct image_order *order)
{
    bool swap = image_turn_swaps(head->orientation);
    double across = (double)head->width / (swap ? order->height : order->width);
    double down = (double)head->height / (swap ? order->width : order->height);
    double most = across > down ? across : down;

    return most > 1 ? most : 1;
}

static struct size divided(const struct image_head *head, double by)
{
    return (struct size){(uint64_t)(head->width / by) + 1, (uint64_t)(head->height / by) + 1};
}

/* The size of the decoder's output: decoders of WebP and JPEG shrink themselves, that of JPEG by 2, 4 or 8.
 */
static struct size loaded(const struct image_head *head, double shrink)
{
    if (head->format == IMAGE_WEBP && !head->unscaled)
        return divided(head, shrink);
    if (head->format == IMAGE_JPEG)
        return divided(head, shrink >= 16 ? 8 : shrink >= 8 ? 4 : shrink >= 4 ? 2 : 1);
    return divided(head, 1);
}

static bool has_alpha(const struct image_head *head)
{
    return head->bands == 2 || (head->bands == 4 && head->format != IMAGE_JPEG);
}

/* The rows held between the steps: decode, colours, average down, reduce down. Averaging and reducing across
 * come after them, and hold few rows. */
static uint64_t rows_held(const struct image_head *head, struct size in, struct size out)
{
    uint64_t values = in.width * (uint64_t)head->bands, row = values * (uint64_t)head->sample_bytes;
    uint64_t worked = values * (has_alpha(head) ? sizeof(float) : 1);
    uint64_t average = in.height / (out.height > 1 ? out.height - 1 : 1) / 2, reduced = in.height;
    uint64_t held = at_most(in.height, ROWS_KEPT) * row;

    if (in.height > out.height)
        held += at_most(out.height, ROWS_KEPT) * worked;
    if (average > 1) {
        reduced = in.height / average + 1;
        held += at_most(reduced, ROWS_KEPT) * worked;
    }
    held += at_most(reduced, ROWS_ASKED) * (row + 3 * worked);
    if (head->format == IMAGE_JPEG && head->bands == 4) /* by way of XYZ */
        held += CMYK_BYTES + at_most(in.height, ROWS_ASKED) * in.width * 10 * sizeof(float);
    else if (head->format == IMAGE_JPEG)
        held += at_most(in.height, ROWS_ASKED) * row;
    return held + values * sizeof(double[2]);
}

static uint64_t decoder_held(const struct image_head *head, struct size in)
{
    uint64_t held = head->held_bytes + 4 * head->profile_bytes;

    if (head->format == IMAGE_WEBP) /* a frame, the canvas that it is put on, and what goes from row to row */
        held += in.width * in.height * 4 * 2 + (uint64_t)head->width * 128;
    return held;
}

/* The memory of the encoder. Encoders of JPEG and WebP hold the whole picture in a format of their own. The
 * output is held three times at most, and a PNG may be as large as its pixels. */
static uint64_t encoder_held(const struct image_head *head, const struct image_order *order, uint64_t pixels)
{
    bool alpha = has_alpha(head);

    switch (order->output) {
    case IMAGE_TO_WEBP:
        return pixels * (alpha ? 56 : 26);
    case IMAGE_TO_PLAIN:
        if (alpha)
            return pixels * (uint64_t)head->bands * 5 / 2;
        break;
    case IMAGE_TO_PNG:
        return pixels * (uint64_t)head->bands * 5 / 2;
    default:
        break;
    }
    return pixels * (order->quality >= QUALITY_OF_FULL_COLOURS ? 10 : 5);
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

uint64_t image_claim(const struct image_head *head, const struct image_order *order, uint64_t file_bytes)
{
    double shrink = factor(head, order);
    const struct size in = loaded(head, shrink), out = divided(head, shrink);
    uint64_t pixels = out.width * out.height, small = pixels * (uint64_t)head->bands;
    uint64_t decoding = decoder_held(head, in) + rows_held(head, in, out);
    uint64_t turning;

    if (head->format == IMAGE_WEBP || head->format == IMAGE_GIF)
        decoding += file_bytes; /* their decoders want it in one piece */
    turning = head->orientation > 1 ? small : 0;
    return file_bytes + small + most(decoding, most(turning, encoder_held(head, order, pixels)));
}
