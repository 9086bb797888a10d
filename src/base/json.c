/* SPDX-License-Identifier: MIT */
#include <weir/json.h>

#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

#define ONES 0x0101010101010101U
#define HIGHS 0x8080808080808080U

/* Reports whether one of the eight bytes is zero. */
static uint64_t has_zero(uint64_t word)
{
    return (word - ONES) & ~word & HIGHS;
}

/* Counts the bytes at the front that stand for themselves in a JSON string whatever surrounds them: printable
 * ASCII but for the quote and the backslash. Looks at whole words, as nearly all of JSON is such bytes. */
size_t weir__json_plain_prefix(const char *p, size_t n)
{
    size_t i = 0;

    for (; n - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t word;
        uint64_t below_space;

        memcpy(&word, p + i, sizeof word);
        below_space = (word - ONES * 0x20) & ~word;
        if (((word | below_space) & HIGHS) || has_zero(word ^ (ONES * '"')) || has_zero(word ^ (ONES * '\\')))
            break;
    }
    while (i < n && (unsigned char)p[i] >= 0x20 && (unsigned char)p[i] < 0x80 && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

size_t weir__json_escape(char out[WEIR__JSON_ESCAPE_MAX], char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* pairs: the byte, its letter */
    unsigned char u = (unsigned char)c;

    out[0] = '\\';
    for (size_t i = 0; i < sizeof shorts - 1; i += 2) {
        if (shorts[i] == c) {
            out[1] = shorts[i + 1];
            return 2;
        }
    }
    memcpy(out + 1, "u00", 3);
    out[4] = hex[u >> 4];
    out[5] = hex[u & 15];
    return 6;
}

/* Adds the first character that is not plain, and moves on behind it. */
static int append_special(weir_buffer *b, const char **p, size_t *n)
{
    char escape[WEIR__JSON_ESCAPE_MAX];
    size_t length = weir__utf8_length(*p, *n);
    const char *at = *p;
    size_t skip = length > 0 ? length : 1;

    *p += skip;
    *n -= skip;
    if (length == 0)
        return weir_buffer_append_text(b, WEIR__UTF8_REPLACEMENT);
    if (length > 1)
        return weir_buffer_append(b, at, length);
    return weir_buffer_append(b, escape, weir__json_escape(escape, *at));
}

static int append_escaped(weir_buffer *b, const char *p, size_t n)
{
    while (n > 0) {
        size_t plain = weir__json_plain_prefix(p, n);
        int r = weir_buffer_append(b, p, plain);
        if (r < 0)
            return r;
        p += plain;
        n -= plain;
        if (n > 0 && (r = append_special(b, &p, &n)) < 0)
            return r;
    }
    return 0;
}

int weir_json_append_string(weir_buffer *b, const char *p, size_t n)
{
    size_t before = b->len;
    int r = weir_buffer_append_byte(b, '"');

    if (r == 0)
        r = append_escaped(b, p, n);
    if (r == 0)
        r = weir_buffer_append_byte(b, '"');
    if (r < 0)
        weir_buffer_truncate(b, before);
    return r;
}
