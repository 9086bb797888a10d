/* SPDX-License-Identifier: MIT */
/* Heads of images: any bytes are a claim or a fault; a claim has a size, and says no less of what lies in it.
 */
#include <errno.h>

#include "fuzz/fuzz.h"
#include "jobs/image_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct image_head head;
    int err = image_head_read(&head, (weir_bytes){(const char *)bytes, size});

    CHECK(err == 0 || err == -EINVAL || err == -ENOTSUP);
    if (err == 0) {
        CHECK(head.width > 0 && head.height > 0 && head.format < IMAGE_FORMATS);
        /* wider than 64 bits, for a head may claim sides of nearly 2^32 */
        CHECK(head.memory_bytes <=
              ((__extension__ unsigned __int128)head.width + 32) * (head.height + UINT64_C(32)) * 32);
    }
    return 0;
}
