/* SPDX-License-Identifier: MIT */
/* WebP: RFC 9649. */
#include <errno.h>

#include "jobs/image_exif.h"
#include "jobs/image_profile.h"
#include "jobs/image_reader.h"

enum { RIFF_BYTES = 12, CHUNK_HEAD_BYTES = 8, VP8X_BYTES = CHUNK_HEAD_BYTES + 10 };

enum flag { FLAG_ANIMATED = 0x02, FLAG_XMP = 0x04, FLAG_EXIF = 0x08, FLAG_ALPHA = 0x10, FLAG_PROFILE = 0x20 };

/* The types of chunks. The first chunk of each type counts. */
enum chunk { VP8X, ICCP, ANIM, ANMF, ALPH, VP8, VP8L, EXIF, CHUNKS };

static const char *const names[CHUNKS] = {"VP8X", "ICCP", "ANIM", "ANMF", "ALPH", "VP8 ", "VP8L", "EXIF"};

struct walk {
    struct image_head *head;
    struct image_reader chunk[CHUNKS]; /* with their heads; at NULL: none */
    uint32_t width, height;            /* of the picture, or of the first frame */
    bool lossless, alpha;
};

static void find_chunks(struct walk *w, struct image_reader r)
{
    while (image_left(&r) >= CHUNK_HEAD_BYTES) {
        struct image_reader chunk = r;
        uint32_t length;
        image_skip(&r, 4);
        length = image_little(&r, 4);
        image_skip(&r, (size_t)length + (length & 1));
        chunk.end = r.at;
        for (int i = 0; i < CHUNKS; i++)
            if (w->chunk[i].at == NULL && image_begins(&chunk, 0, names[i], 4))
                w->chunk[i] = chunk;
    }
}

static struct image_reader data_of(struct image_reader chunk)
{
    image_skip(&chunk, CHUNK_HEAD_BYTES);
    return chunk;
}

static int read_vp8(struct walk *w, struct image_reader r)
{
    if (!image_begins(&r, 3, "\x9d\x01\x2a", 3))
        return -EINVAL;
    image_skip(&r, 6);
    w->width = image_little(&r, 2) & 0x3fff;
    w->height = image_little(&r, 2) & 0x3fff;
    return r.short_ ? -EINVAL : 0;
}

static int read_vp8l(struct walk *w, struct image_reader r)
{
    uint32_t bits;

    if (image_big(&r, 1) != 0x2f)
        return -EINVAL;
    bits = image_little(&r, 4);
    w->width = (bits & 0x3fff) + 1;
    w->height = (bits >> 14 & 0x3fff) + 1;
    w->head->bands = bits >> 28 & 1 ? 4 : 3;
    w->lossless = true;
    return r.short_ ? -EINVAL : 0;
}

static int read_picture(struct walk *w)
{
    if (w->chunk[VP8].at != NULL)
        return read_vp8(w, data_of(w->chunk[VP8]));
    return w->chunk[VP8L].at != NULL ? read_vp8l(w, data_of(w->chunk[VP8L])) : -EINVAL;
}

/* Reads the first frame of an animation, which contains a picture. */
static int read_frame(struct walk *w)
{
    enum { X_Y_DURATION_FLAGS = 6 + 3 + 1 };
    struct image_reader r = data_of(w->chunk[ANMF]);
    struct walk inner = {.head = w->head};
    uint32_t width, height;
    int err;

    image_skip(&r, 6);
    width = image_little(&r, 3) + 1;
    height = image_little(&r, 3) + 1;
    image_skip(&r, X_Y_DURATION_FLAGS - 6);
    find_chunks(&inner, r);
    err = r.short_ ? -EINVAL : read_picture(&inner);
    if (err < 0)
        return err;
    w->width = width > inner.width ? width : inner.width;
    w->height = height > inner.height ? height : inner.height;
    w->lossless = inner.lossless;
    w->alpha = inner.chunk[ALPH].at != NULL;
    return 0;
}

/* --- the parts that a decoder sees --- */

static void put_little(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> 8 * i);
}

static bool keep_chunk(struct image_head *head, const struct image_reader *chunk, uint32_t *bytes)
{
    *bytes += (uint32_t)image_left(chunk);
    return image_left(chunk) == 0 || image_keep(head, chunk->at, image_left(chunk), false);
}

/* Makes the file anew, with a head that announces only the chunks that are kept. */
static int keep_parts(struct walk *w, bool with_profile)
{
    struct image_head *head = w->head;
    unsigned char *riff = head->made, *vp8x = head->made + RIFF_BYTES;
    uint32_t bytes = 4;
    bool good;

    memcpy(riff, "RIFF....WEBP", RIFF_BYTES);
    good = image_keep(head, riff, RIFF_BYTES, true);
    if (w->chunk[VP8X].at != NULL) {
        struct image_reader made;

        memcpy(vp8x, w->chunk[VP8X].at, VP8X_BYTES);
        put_little(vp8x + 4, VP8X_BYTES - CHUNK_HEAD_BYTES);
        vp8x[CHUNK_HEAD_BYTES] &= (unsigned char)~(FLAG_XMP | FLAG_EXIF | (with_profile ? 0 : FLAG_PROFILE));
        made = (struct image_reader){.at = vp8x, .end = vp8x + VP8X_BYTES};
        good = good && keep_chunk(head, &made, &bytes);
    }
    for (int i = ICCP; i <= VP8L; i++)
        if (i != ICCP || with_profile)
            good = good && keep_chunk(head, &w->chunk[i], &bytes);
    put_little(riff + 4, bytes);
    return good ? 0 : -E2BIG;
}

static bool has_good_profile(const struct walk *w, bool wanted)
{
    struct image_reader r;

    if (!wanted || w->chunk[VP8X].at == NULL || w->chunk[ICCP].at == NULL)
        return false;
    r = data_of(w->chunk[ICCP]);
    if (image_left(&r) > IMAGE_PROFILE_BYTES_MAX)
        return false;
    w->head->profile_bytes = image_left(&r);
    return image_profile_is_usable(r.at, image_left(&r));
}

/* --- the file --- */

static void set_claims(struct walk *w, uint32_t flags)
{
    struct image_head *head = w->head;
    uint64_t pixels = (uint64_t)head->width * head->height;
    bool fills = w->width == head->width && w->height == head->height;

    head->sample_bytes = 1;
    if (head->bands == 0)
        head->bands = 3;
    if (flags & FLAG_ALPHA || w->alpha || (flags & FLAG_ANIMATED && !fills))
        head->bands = 4;
    head->unscaled = flags & FLAG_ANIMATED && !fills;
    if (w->lossless)
        head->held_bytes = pixels * 4; /* the format refers to any earlier pixel */
    else if (w->alpha)
        head->held_bytes = pixels * 2; /* the channel of transparency, and its deflated form */
}

/* Chooses between animation and picture: a decoder sees the chunks of one of them alone. */
static int choose(struct walk *w, uint32_t flags)
{
    static const enum chunk animation[] = {ANIM, ANMF}, picture[] = {ALPH, VP8, VP8L};
    bool animated = flags & FLAG_ANIMATED;

    if (animated)
        for (int i = 0; i < 3; i++)
            w->chunk[picture[i]] = (struct image_reader){0};
    else
        for (int i = 0; i < 2; i++)
            w->chunk[animation[i]] = (struct image_reader){0};
    if (w->chunk[VP8X].at == NULL) /* the simple format: only the picture */
        w->chunk[ALPH] = (struct image_reader){0};
    if (w->chunk[VP8].at != NULL)
        w->chunk[VP8L] = (struct image_reader){0};
    w->alpha = w->chunk[ALPH].at != NULL;
    if (!animated)
        return read_picture(w);
    return w->chunk[ANIM].at != NULL && w->chunk[ANMF].at != NULL ? read_frame(w) : -EINVAL;
}

int image_read_webp(struct image_reader r, bool with_profile, struct image_head *head)
{
    struct walk w = {.head = head};
    uint32_t bytes, flags = 0;
    bool good;
    int err;

    image_skip(&r, 4);
    bytes = image_little(&r, 4);
    head->cut_off = bytes > image_left(&r);
    if (bytes < image_left(&r))
        r.end = r.at + bytes;
    image_skip(&r, 4);
    find_chunks(&w, r);
    if (w.chunk[VP8X].at != NULL) {
        struct image_reader x = data_of(w.chunk[VP8X]);
        flags = image_big(&x, 1);
        image_skip(&x, 3);
        head->width = image_little(&x, 3) + 1;
        head->height = image_little(&x, 3) + 1;
        if (x.short_)
            return -EINVAL;
    }
    err = choose(&w, flags);
    if (err < 0)
        return err;
    head->width = w.width > head->width ? w.width : head->width;
    head->height = w.height > head->height ? w.height : head->height;
    set_claims(&w, flags);
    if (w.chunk[EXIF].at != NULL) {
        const struct image_reader exif = data_of(w.chunk[EXIF]);
        head->orientation = image_exif_orientation(exif.at, image_left(&exif));
    }
    good = has_good_profile(&w, with_profile);
    head->profile_bytes = good ? head->profile_bytes : 0;
    return keep_parts(&w, good);
}
