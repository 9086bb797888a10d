/* SPDX-License-Identifier: MIT */
#include "http/range.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- reading --- */

static const char *skip_spaces(const char *p)
{
    return p + strspn(p, " \t");
}

/* Reads digits. A number beyond 64 bits is the greatest there is: it lies behind every end.
 * Returns: false when there is no digit. */
static bool read_number(const char **at, uint64_t *out)
{
    const char *p = *at;

    *out = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        const unsigned digit = (unsigned)(*p - '0');
        *out = *out > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *out * 10 + digit;
    }
    if (p == *at)
        return false;
    *at = p;
    return true;
}

/* Reads "5-9", "5-" or "-5".
 * Returns: 1 with *out; 0 it lies behind the end, or has no byte; -1 malformed. */
static int read_range(const char **at, uint64_t length, struct byte_range *out)
{
    uint64_t first, last = UINT64_MAX;
    bool has_first = read_number(at, &first), has_last;

    if (**at != '-')
        return -1;
    ++*at;
    has_last = read_number(at, &last);
    if (!has_first) {
        if (!has_last)
            return -1;
        out->bytes = last < length ? last : length;
        out->first = length - out->bytes;
        return last > 0;
    }
    if (!has_last)
        last = UINT64_MAX;
    if (last < first)
        return -1;
    if (first >= length)
        return 0;
    *out = (struct byte_range){first, (last < length ? last + 1 : length) - first};
    return 1;
}

static bool touch(const struct byte_range *a, const struct byte_range *b)
{
    return a->first <= b->first + b->bytes && b->first <= a->first + a->bytes;
}

static void join(struct byte_range *to, const struct byte_range *other)
{
    uint64_t end = to->first + to->bytes, other_end = other->first + other->bytes;

    to->first = to->first < other->first ? to->first : other->first;
    to->bytes = (end > other_end ? end : other_end) - to->first;
}

/* Adds a range. It may fill a gap between others, so those that it touches become one. */
static void add(struct byte_ranges *ranges, struct byte_range added)
{
    size_t place = ranges->count, kept = 0;

    for (size_t i = ranges->count; i-- > 0;)
        if (touch(&ranges->range[i], &added))
            place = i;
    if (place == ranges->count) {
        ranges->range[ranges->count++] = added;
        return;
    }
    for (size_t i = 0; i < ranges->count; i++)
        if (touch(&ranges->range[i], &added))
            join(&added, &ranges->range[i]);
    for (size_t i = 0; i < ranges->count; i++) {
        if (i == place)
            ranges->range[kept++] = added;
        else if (!touch(&ranges->range[i], &added))
            ranges->range[kept++] = ranges->range[i];
    }
    ranges->count = kept;
}

/* Reads the list. Returns: the number of ranges that were asked for; -1 malformed, or too many. */
static int read_list(const char *p, uint64_t length, struct byte_ranges *out)
{
    int asked = 0;

    for (;;) {
        struct byte_range range;
        int found;

        p = skip_spaces(p);
        if (*p == ',') {
            p++;
            continue;
        }
        if (*p == '\0')
            return asked;
        if (++asked > RANGES_MAX)
            return -1;
        found = read_range(&p, length, &range);
        p = skip_spaces(p);
        if (found < 0 || (*p != ',' && *p != '\0'))
            return -1;
        if (found > 0)
            add(out, range);
    }
}

enum range_result ranges_read(const char *value, uint64_t length, struct byte_ranges *out)
{
    static const char unit[] = "bytes=";
    int asked;

    out->count = 0;
    if (value == NULL || length == 0 || strncasecmp(value, unit, sizeof unit - 1) != 0)
        return RANGE_IGNORED;
    asked = read_list(value + sizeof unit - 1, length, out);
    if (asked > 0 && out->count > 0)
        return RANGE_WANTED;
    out->count = 0;
    return asked > 0 ? RANGE_UNSATISFIABLE : RANGE_IGNORED;
}

/* --- writing --- */

void content_range_write(const struct byte_range *range, uint64_t length, char out[CONTENT_RANGE_BYTES])
{
    if (range == NULL)
        (void)snprintf(out, CONTENT_RANGE_BYTES, "bytes */%" PRIu64, length);
    else
        (void)snprintf(out, CONTENT_RANGE_BYTES, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->first,
                       range->first + range->bytes - 1, length);
}

void multipart_begin(struct multipart *parts, uint64_t random)
{
    (void)snprintf(parts->boundary, BOUNDARY_BYTES, "%020" PRIu64, random);
}

void multipart_type(const struct multipart *parts, char out[MULTIPART_TYPE_BYTES])
{
    (void)snprintf(out, MULTIPART_TYPE_BYTES, "multipart/byteranges; boundary=%s", parts->boundary);
}

size_t multipart_head(const struct multipart *parts, size_t i, char out[PART_HEAD_BYTES])
{
    bool typed = parts->type != NULL && strlen(parts->type) <= PART_TYPE_BYTES_MAX;
    char range[CONTENT_RANGE_BYTES];

    if (i == parts->ranges->count)
        return (size_t)snprintf(out, PART_HEAD_BYTES, "\r\n--%s--\r\n", parts->boundary);
    content_range_write(&parts->ranges->range[i], parts->length, range);
    return (size_t)snprintf(out, PART_HEAD_BYTES, "\r\n--%s\r\n%s%s%sContent-Range: %s\r\n\r\n",
                            parts->boundary, typed ? "Content-Type: " : "", typed ? parts->type : "",
                            typed ? "\r\n" : "", range);
}

uint64_t multipart_bytes(const struct multipart *parts)
{
    char head[PART_HEAD_BYTES];
    uint64_t bytes = multipart_head(parts, parts->ranges->count, head);

    for (size_t i = 0; i < parts->ranges->count; i++)
        bytes += multipart_head(parts, i, head) + parts->ranges->range[i].bytes;
    return bytes;
}
