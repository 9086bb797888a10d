/* SPDX-License-Identifier: MIT */
/* Range requests: which bytes of a representation are asked for, and the body with several parts (RFC 9110,
 * 14).
 *
 * Threading: pure functions.
 *
 * A request for more than RANGES_MAX ranges is answered with the whole, as is one that is malformed or uses
 * another unit. Ranges that overlap or touch are sent as one, in the place of the first: so an answer never
 * has more bytes than the whole, but for the heads of its parts.
 */
#ifndef APP_HTTP_RANGE_H
#define APP_HTTP_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

enum {
    RANGES_MAX = 16,
    CONTENT_RANGE_BYTES = 80,  /* "bytes 0-99/100" */
    BOUNDARY_BYTES = 24,       /* of random digits, and the NUL */
    PART_HEAD_BYTES = 512,     /* of a part */
    PART_TYPE_BYTES_MAX = 255, /* a longer type is not named in the parts */
    MULTIPART_TYPE_BYTES = 64, /* "multipart/byteranges; boundary=…" */
};

struct byte_range {
    uint64_t first, bytes; /* at least one byte, all within the representation */
};

struct byte_ranges {
    size_t count;
    struct byte_range range[RANGES_MAX];
};

enum range_result {
    RANGE_IGNORED, /* the whole is sent */
    RANGE_WANTED,
    RANGE_UNSATISFIABLE, /* 416 */
};

/* Reads the value of Range, NULL when the request has none, for a representation of so many bytes. Of an
 * empty one the whole is sent.
 * Owns:    *out is written in any case; count is 0 unless the result is RANGE_WANTED. */
enum range_result ranges_read(const char *value, uint64_t length, struct byte_ranges *out);

/* Writes the value of Content-Range. range NULL: that of 416, which names the
 * length alone. */
void content_range_write(const struct byte_range *range, uint64_t length, char out[CONTENT_RANGE_BYTES]);

/* An answer with several parts. The caller fills all but the boundary. */
struct multipart {
    const struct byte_ranges *ranges;
    uint64_t length;  /* of the whole representation */
    const char *type; /* of the representation; NULL: unknown */
    char boundary[BOUNDARY_BYTES];
};

/* Chooses a boundary from random bits. */
void multipart_begin(struct multipart *parts, uint64_t random);

/* Writes the media type of the answer. */
void multipart_type(const struct multipart *parts, char out[MULTIPART_TYPE_BYTES]);

/* Writes what stands before part i; i = ranges->count: what stands behind the last.
 * Returns: its length. */
size_t multipart_head(const struct multipart *parts, size_t i, char out[PART_HEAD_BYTES]);

/* The length of the whole body. */
uint64_t multipart_bytes(const struct multipart *parts);

#endif
