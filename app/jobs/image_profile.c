/* SPDX-License-Identifier: MIT */
#include "jobs/image_profile.h"

#include <zlib.h>

#include "jobs/image_reader.h"

enum { HEADER_BYTES = 128, TAGS_MAX = 100, TAG_BYTES = 12, PIECE_BYTES = 8 << 10 };

/* Reports whether a tag is a program. The tags D2B0 … B2D3 hold any number of elements, which run one after
 * the other for each colour, and lcms prefers them. */
static bool is_program(const unsigned char *signature)
{
    return memcmp(signature, "D2B", 3) == 0 || memcmp(signature, "B2D", 3) == 0;
}

bool image_profile_is_usable(const unsigned char *bytes, size_t length)
{
    struct image_reader r = {.at = bytes, .end = bytes + length};
    uint32_t tags;

    if (!image_begins(&r, 36, "acsp", 4))
        return false;
    image_skip(&r, HEADER_BYTES);
    tags = image_big(&r, 4);
    if (tags > TAGS_MAX)
        return false;
    for (uint32_t i = 0; i < tags; i++) {
        const unsigned char *signature = r.at;
        image_skip(&r, TAG_BYTES);
        if (r.short_ || is_program(signature))
            return false;
    }
    return !r.short_;
}

uint64_t image_profile_unpacked(const unsigned char *bytes, size_t length)
{
    unsigned char first[PIECE_BYTES], more[PIECE_BYTES];
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)bytes, .avail_in = (unsigned)length};
    bool usable = false;
    uint64_t unpacked;
    int result;

    if (inflateInit(&z) != Z_OK)
        return 0;
    result = Z_OK;
    while (result == Z_OK && z.total_out <= IMAGE_PROFILE_BYTES_MAX) {
        bool is_first = z.total_out == 0;
        z.next_out = is_first ? first : more;
        z.avail_out = PIECE_BYTES;
        result = inflate(&z, Z_NO_FLUSH);
        if (is_first)
            usable = image_profile_is_usable(first, PIECE_BYTES - z.avail_out);
        if (!usable)
            break;
    }
    unpacked = z.total_out;
    (void)inflateEnd(&z);
    return result == Z_STREAM_END && usable && unpacked <= IMAGE_PROFILE_BYTES_MAX ? unpacked : 0;
}
