/* SPDX-License-Identifier: MIT */
/* PNG: RFC 2083. */
#include <errno.h>

#include "jobs/image_exif.h"
#include "jobs/image_profile.h"
#include "jobs/image_reader.h"

enum { SIGNATURE_BYTES = 8, AROUND_BYTES = 12, NAME_BYTES_MAX = 80 };

struct walk {
    struct image_reader r;
    struct image_head *head;
    bool with_profile, has_pixels, interlaced, transparent;
};

static int read_header(struct walk *w)
{
    static const uint8_t channels[7] = {1, 0, 3, 3, 2, 0, 4}; /* by colour type; a palette's colours have 3 */
    struct image_head *head = w->head;
    struct image_reader r = w->r;
    uint32_t depth, colour, interlaced;

    if (image_big(&r, 4) != 13 || !image_begins(&r, 0, "IHDR", 4))
        return -EINVAL;
    image_skip(&r, 4);
    head->width = image_big(&r, 4);
    head->height = image_big(&r, 4);
    depth = image_big(&r, 1);
    colour = image_big(&r, 1);
    image_skip(&r, 2);
    interlaced = image_big(&r, 1);
    if (r.short_ || colour > 6 || channels[colour] == 0 || interlaced > 1)
        return -EINVAL;
    if (head->width > INT32_MAX || head->height > INT32_MAX)
        return -EINVAL;
    w->interlaced = interlaced;
    head->bands = channels[colour];
    head->sample_bytes = depth == 16 ? 2 : 1;
    return 0;
}

/* Checks a profile: a name, the method of compression, and the deflated profile. */
static bool is_good_profile(struct walk *w, struct image_reader r)
{
    const unsigned char *nul =
        memchr(r.at, 0, image_left(&r) < NAME_BYTES_MAX ? image_left(&r) : NAME_BYTES_MAX);

    if (!w->with_profile || w->head->profile_bytes > 0 || nul == NULL || r.end - nul < 3)
        return false;
    w->head->profile_bytes = image_profile_unpacked(nul + 2, (size_t)(r.end - nul - 2));
    return w->head->profile_bytes > 0;
}

/* Reports whether a decoder needs a chunk. Chunks that can be left out begin with a small letter; texts and
 * profiles among them may unpack to a thousand times their size. */
static bool is_needed(struct walk *w, const unsigned char *type, struct image_reader data)
{
    if (memcmp(type, "tRNS", 4) == 0) {
        w->transparent = true;
        return true;
    }
    if (memcmp(type, "iCCP", 4) == 0)
        return is_good_profile(w, data);
    if (memcmp(type, "eXIf", 4) == 0)
        w->head->orientation = image_exif_orientation(data.at, image_left(&data));
    return (type[0] & 0x20) == 0;
}

/* Walks through the chunks up to the end of the pixels. */
static int walk(struct walk *w)
{
    while (image_left(&w->r) >= AROUND_BYTES) {
        const unsigned char *from = w->r.at;
        uint32_t length = image_big(&w->r, 4);
        const unsigned char *type = w->r.at;
        bool pixels = memcmp(type, "IDAT", 4) == 0;
        struct image_reader data;
        if (w->has_pixels && !pixels) {
            w->r.at = from;
            return 0;
        }
        image_skip(&w->r, 4);
        data = image_within(&w->r, length);
        image_skip(&w->r, 4);
        w->has_pixels = pixels;
        if (w->r.short_)
            break;
        if (is_needed(w, type, data) && !image_keep(w->head, from, (size_t)(w->r.at - from), false))
            return -E2BIG;
    }
    return w->has_pixels ? 0 : -EINVAL;
}

int image_read_png(struct image_reader r, bool with_profile, struct image_head *head)
{
    static const unsigned char end[] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
    struct walk w = {.r = r, .head = head, .with_profile = with_profile};
    int err;

    image_skip(&w.r, SIGNATURE_BYTES);
    err = read_header(&w);
    if (err == 0 && !image_keep(head, r.at, SIGNATURE_BYTES, false))
        err = -E2BIG;
    if (err == 0)
        err = walk(&w);
    if (err < 0)
        return err;
    head->cut_off = memmem(w.r.at, image_left(&w.r), end + 4, 4) == NULL;
    head->bands += w.transparent && (head->bands == 1 || head->bands == 3);
    if (w.interlaced) /* each pass covers the whole picture */
        head->held_bytes =
            (uint64_t)head->width * head->height * (uint64_t)(head->bands * head->sample_bytes);
    return image_keep(head, end, sizeof end, false) ? 0 : -E2BIG;
}
