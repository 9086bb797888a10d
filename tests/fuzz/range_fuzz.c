/* SPDX-License-Identifier: MIT */
/* Range: any bytes give ranges that lie within the representation, do not touch each other, and make a body
 * of the announced length. The first 8 bytes are the length of the representation. */
#include "http/range.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

static void check_parts(const struct byte_ranges *ranges, uint64_t length)
{
    struct multipart parts = {.ranges = ranges, .length = length, .type = "text/plain"};
    char head[PART_HEAD_BYTES];
    uint64_t bytes = 0;

    multipart_begin(&parts, length);
    for (size_t i = 0; i <= ranges->count; i++) {
        size_t n = multipart_head(&parts, i, head);
        CHECK(n < sizeof head && n == strlen(head));
        bytes += n + (i < ranges->count ? ranges->range[i].bytes : 0);
    }
    CHECK(bytes == multipart_bytes(&parts));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct byte_ranges ranges;
    enum range_result result;
    uint64_t length;
    char *value;

    if (size < sizeof length)
        return 0;
    memcpy(&length, bytes, sizeof length);
    value = malloc(size - sizeof length + 1);
    CHECK(value != NULL);
    memcpy(value, bytes + sizeof length, size - sizeof length);
    value[size - sizeof length] = '\0';
    result = ranges_read(value, length, &ranges);
    free(value);
    CHECK((result == RANGE_WANTED) == (ranges.count > 0) && ranges.count <= RANGES_MAX);
    for (size_t i = 0; i < ranges.count; i++) {
        const struct byte_range *a = &ranges.range[i];
        CHECK(a->bytes > 0 && a->first < length && a->bytes <= length - a->first);
        for (size_t k = 0; k < i; k++) {
            const struct byte_range *b = &ranges.range[k];
            CHECK(a->first > b->first + b->bytes || b->first > a->first + a->bytes);
        }
    }
    check_parts(&ranges, length);
    return 0;
}
