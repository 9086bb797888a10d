/* SPDX-License-Identifier: MIT */
/* Heads of images: any bytes are a claim or a fault; a claim has a size, and says no less of what lies in it.
 */
#include <errno.h>

#include "fuzz/fuzz.h"
#include "jobs/image_claim.h"
#include "jobs/image_format.h"

/* Parts lie in the file or among what was made of it, and are no more than it and an end. */
static void check_parts(const struct image_head *head, const uint8_t *bytes, size_t size)
{
    const struct image_head *last = head + 1;
    size_t sum = 0;

    CHECK(head->parts > 0 && head->parts <= IMAGE_PARTS_MAX);
    for (size_t i = 0; i < head->parts; i++) {
        const struct image_part part = head->part[i];
        bool in_file = part.at >= bytes && part.at + part.bytes <= bytes + size;
        bool made = part.at >= (const uint8_t *)head && part.at + part.bytes <= (const uint8_t *)last;
        CHECK(part.bytes > 0 && (in_file || made || part.bytes <= 12)); /* an end is a constant */
        sum += part.bytes;
    }
    CHECK(sum <= size + 12);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct image_order order = {
        .width = 320, .height = 320, .quality = 80, .pixels_max = 1, .memory_max = 1};
    static struct image_head head;

    for (int without_profile = 0; without_profile < 2; without_profile++) {
        int err = image_head_read(&head, (weir_bytes){(const char *)bytes, size}, without_profile);
        CHECK(err == 0 || err == -EINVAL || err == -ENOTSUP || err == -EFBIG);
        CHECK((head.why != NULL) == (err == -EFBIG));
        if (err < 0)
            continue;
        CHECK(head.width > 0 && head.height > 0 && head.format < IMAGE_FORMATS);
        CHECK(head.width <= IMAGE_SIDE_IN_MAX && head.height <= IMAGE_SIDE_IN_MAX);
        CHECK(head.bands >= 1 && head.bands <= 4 && head.sample_bytes >= 1 && head.sample_bytes <= 2);
        CHECK(head.orientation >= 1 && head.orientation <= 8);
        CHECK(head.profile_bytes <= (without_profile ? 0 : IMAGE_PROFILE_BYTES_MAX));
        /* Blocks of at most 32 by 32, of four components, two bytes each. */
        CHECK(head.held_bytes <= (uint64_t)(head.width + 32) * (head.height + 32) * 4 * 2);
        CHECK(image_claim(&head, &order, size) >= size + head.held_bytes);
        check_parts(&head, bytes, size);
    }
    return 0;
}
