/* SPDX-License-Identifier: MIT */
/* JPEG: ITU T.81, annex B, walked as libjpeg does. */
#include <errno.h>

#include "jobs/image_exif.h"
#include "jobs/image_profile.h"
#include "jobs/image_reader.h"

enum { COMPONENTS_MAX = 4, BLOCK = 8, BLOCK_BYTES = 128 };

enum marker {
    TEM = 0x01,
    SOF0 = 0xc0,
    SOF2 = 0xc2,
    DHT = 0xc4,
    JPG = 0xc8,
    DAC = 0xcc,
    SOF15 = 0xcf,
    RST0 = 0xd0,
    RST7 = 0xd7,
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
    DQT = 0xdb,
    DNL = 0xdc,
    DRI = 0xdd,
    APP0 = 0xe0,
    APP1 = 0xe1,
    APP2 = 0xe2,
    APP14 = 0xee,
    APP15 = 0xef,
    COM = 0xfe,
};

struct walk {
    struct image_reader r;
    struct image_head *head;
    bool with_profile, has_exif, ended;
    int components, in_first_scan, scans; /* 0: not seen yet */
    bool progressive;
    uint64_t coefficient_bytes; /* of all of the picture */
};

/* Finds the next marker, and skips all before it. *from: its first byte.
 * Returns: 0 when there is none. */
static uint32_t next_marker(struct image_reader *r, const unsigned char **from)
{
    for (;;) {
        const unsigned char *ff = image_left(r) > 0 ? memchr(r->at, 0xff, image_left(r)) : NULL;
        if (ff == NULL)
            break;
        r->at = ff;
        while (r->at < r->end && *r->at == 0xff)
            r->at++;
        if (r->at == r->end)
            break;
        *from = r->at - 1;
        if (*r->at++ != 0)
            return r->at[-1];
    }
    r->at = r->end;
    return 0;
}

static bool stands_alone(uint32_t marker)
{
    return marker == TEM || (marker >= RST0 && marker <= RST7);
}

/* Skips the pixels of a scan: goes to the next marker that can't stand among pixels. */
static void skip_pixels(struct image_reader *r)
{
    const unsigned char *from;
    uint32_t marker;

    do
        marker = next_marker(r, &from);
    while (stands_alone(marker) || (marker > 0 && marker < SOF0));
    if (marker != 0)
        r->at = from;
}

/* --- the frame --- */

static uint64_t up(uint64_t n, uint64_t step)
{
    return (n + step - 1) / step * step;
}

static int read_frame_header(struct walk *w, struct image_reader r)
{
    struct image_head *head = w->head;
    uint32_t factors[COMPONENTS_MAX], across_max = 1, down_max = 1;
    uint32_t components;

    if (w->components > 0)
        return -EINVAL;
    image_skip(&r, 1); /* precision */
    head->height = image_big(&r, 2);
    head->width = image_big(&r, 2);
    components = image_big(&r, 1);
    if (r.short_ || components == 0 || components > COMPONENTS_MAX)
        return -EINVAL;
    for (uint32_t i = 0; i < components; i++) {
        uint32_t across, down;

        image_skip(&r, 1);
        factors[i] = image_big(&r, 1);
        across = factors[i] >> 4;
        down = factors[i] & 15;
        image_skip(&r, 1);
        if (across < 1 || across > 4 || down < 1 || down > 4)
            return -EINVAL;
        across_max = across > across_max ? across : across_max;
        down_max = down > down_max ? down : down_max;
    }
    for (uint32_t i = 0; i < components; i++) { /* blocks, rounded up to whole groups of them */
        uint64_t across = factors[i] >> 4, down = factors[i] & 15;
        uint64_t blocks = up((head->width * across + across_max * BLOCK - 1) / (across_max * BLOCK), across) *
                          up((head->height * down + down_max * BLOCK - 1) / (down_max * BLOCK), down);
        w->coefficient_bytes += blocks * BLOCK_BYTES;
    }
    w->components = (int)components;
    head->bands = (int)components;
    head->sample_bytes = 1;
    return r.short_ ? -EINVAL : 0;
}

/* --- segments --- */

/* Reports whether a decoder needs a segment: JFIF and Adobe name the colours, ICC defines them. Other
 * application segments have no part in the pixels. */
static bool is_needed(struct walk *w, uint32_t marker, const struct image_reader *r)
{
    switch (marker) {
    case APP0:
        return image_begins(r, 0, "JFIF", 5);
    case APP14:
        return image_begins(r, 0, "Adobe", 5);
    case APP1:
        if (!w->has_exif && image_begins(r, 0, "Exif\0", 6)) {
            w->head->orientation = image_exif_orientation(r->at, image_left(r));
            w->has_exif = true;
        }
        return false;
    case APP2:
        if (!image_begins(r, 0, "ICC_PROFILE", 12) || !w->with_profile || image_left(r) < 14)
            return false;
        if (r->at[12] == 1 && !image_profile_is_usable(r->at + 14, image_left(r) - 14))
            w->with_profile = false; /* the other parts are useless without the first */
        w->head->profile_bytes += w->with_profile ? image_left(r) : 0;
        return w->with_profile;
    default:
        return marker < APP0;
    }
}

static bool keep(struct walk *w, const unsigned char *from, bool fresh)
{
    return image_keep(w->head, from, (size_t)(w->r.at - from), fresh);
}

/* Reads a scan, and keeps it as a part of its own, so that a decoder reads each scan separately. */
static int read_scan(struct walk *w, const unsigned char *from, struct image_reader r)
{
    int components = (int)image_big(&r, 1);

    if (w->components == 0 || components < 1 || components > w->components)
        return -EINVAL;
    if (w->scans == 0)
        w->in_first_scan = components;
    if (++w->scans > IMAGE_SCANS_MAX) {
        w->head->why = "the image has more than the 100 scans that are accepted";
        return -EFBIG;
    }
    skip_pixels(&w->r);
    return keep(w, from, true) ? 0 : -E2BIG;
}

/* Reports whether the first scan has the whole picture: what follows it is not read. */
static bool is_one_scan(const struct walk *w)
{
    return w->scans == 1 && !w->progressive && w->in_first_scan == w->components;
}

static int read_segment(struct walk *w, uint32_t marker, const unsigned char *from)
{
    uint32_t length = image_big(&w->r, 2);
    bool is_frame;
    struct image_reader r;

    if (length < 2)
        return -EINVAL;
    r = image_within(&w->r, length - 2);
    if (w->r.short_)
        return -EINVAL;
    if (marker == SOS)
        return read_scan(w, from, r);
    is_frame = marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG && marker != DAC;
    if (is_frame && marker > SOF2)
        return -ENOTSUP; /* lossless, hierarchical, arithmetic */
    if (is_frame) {
        int err;

        w->progressive = marker == SOF2;
        err = read_frame_header(w, r);
        if (err < 0)
            return err;
    } else if (!is_needed(w, marker, &r)) {
        return 0;
    }
    return keep(w, from, false) ? 0 : -E2BIG;
}

static int walk(struct walk *w)
{
    int err = 0;

    image_skip(&w->r, 2);
    if (!image_keep(w->head, w->r.at - 2, 2, false))
        return -E2BIG;
    while (err == 0 && !is_one_scan(w)) {
        const unsigned char *from;
        uint32_t marker = next_marker(&w->r, &from);
        if (marker == EOI || marker == 0) {
            w->ended = marker == EOI;
            break;
        }
        if (stands_alone(marker))
            continue;
        if ((marker < SOF0 || marker > APP15) && marker != COM)
            return -EINVAL; /* as libjpeg: no such segment */
        err = marker == SOI ? -EINVAL : read_segment(w, marker, from);
    }
    return err;
}

static const unsigned char end_of_image[] = {0xff, EOI};

int image_read_jpeg(struct image_reader r, bool with_profile, struct image_head *head)
{
    struct walk w = {.r = r, .head = head, .with_profile = with_profile};
    int err = walk(&w);

    if (err == 0 && w.scans == 0)
        err = -EINVAL; /* the end before any pixel */
    if (err < 0)
        return err;
    if (head->profile_bytes > IMAGE_PROFILE_BYTES_MAX || w.with_profile != with_profile) {
        const enum image_format format = head->format;
        memset(head, 0, offsetof(struct image_head, part));
        head->format = format;
        head->orientation = 1;
        return image_read_jpeg(r, false, head);
    }
    if (is_one_scan(&w))
        w.ended = memmem(w.r.at, image_left(&w.r), end_of_image, sizeof end_of_image) != NULL;
    else
        head->held_bytes = w.coefficient_bytes; /* all are held until the last scan */
    head->cut_off = !w.ended;
    return image_keep(head, end_of_image, sizeof end_of_image, false) ? 0 : -E2BIG;
}
