/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

#include <weir/json.h>

static bool follows(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

static bool all_follow(const unsigned char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!follows(s[i]))
            return false;
    }
    return true;
}

/* Only the range of the second byte depends on the first: that excludes overlong forms, surrogates and code
 * points that are too large. */
static bool second_fits(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0;
    case 0xed:
        return second <= 0x9f;
    case 0xf0:
        return second >= 0x90;
    case 0xf4:
        return second <= 0x8f;
    default:
        return true;
    }
}

size_t weir__utf8_length(const char *p, size_t n)
{
    const unsigned char *s = (const unsigned char *)p;
    size_t length;

    if (n == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    length = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    if (length == 0 || length > n)
        return 0;
    return all_follow(s + 1, length - 1) && second_fits(s[0], s[1]) ? length : 0;
}

/* Returns: how many of the n bytes, from the front, are valid; n if all are. */
static size_t valid_prefix(const char *p, size_t n)
{
    size_t i = 0;

    while (i < n) {
        uint64_t word;
        size_t length;

        if (n - i >= sizeof word) {
            memcpy(&word, p + i, sizeof word);
            if (!(word & 0x8080808080808080U)) {
                i += sizeof word;
                continue;
            }
        }
        length = weir__utf8_length(p + i, n - i);
        if (length == 0)
            break;
        i += length;
    }
    return i;
}

bool weir_utf8_is_valid(const char *p, size_t n)
{
    return valid_prefix(p, n) == n;
}
