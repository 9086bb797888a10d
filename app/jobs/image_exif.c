/* SPDX-License-Identifier: MIT */
#include "jobs/image_exif.h"

#include "jobs/image_reader.h"

enum { TAG_ORIENTATION = 274, TYPE_SHORT = 3, ENTRY_BYTES = 12 };

/* Reads the first directory of a TIFF file: EXIF 2.3, 4.6. */
int image_exif_orientation(const unsigned char *bytes, size_t length)
{
    struct image_reader r = {.at = bytes, .end = bytes + length};
    uint32_t offset;
    struct image_reader tiff;
    bool little;

    if (image_begins(&r, 0, "Exif\0", 6))
        image_skip(&r, 6);
    tiff = r;
    little = image_begins(&r, 0, "II\x2a", 4);
    if (!little && !image_begins(&r, 0, "MM\0\x2a", 4))
        return 1;
    image_skip(&r, 4);
    offset = image_take(&r, 4, little);
    r = tiff;
    image_skip(&r, offset);
    for (uint32_t entries = image_take(&r, 2, little); entries > 0 && !r.short_; entries--) {
        struct image_reader entry = image_within(&r, ENTRY_BYTES);
        uint32_t tag = image_take(&entry, 2, little), type = image_take(&entry, 2, little);
        uint32_t value;
        image_skip(&entry, 4);
        value = image_take(&entry, 2, little);
        if (tag == TAG_ORIENTATION)
            return !entry.short_ && type == TYPE_SHORT && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}
