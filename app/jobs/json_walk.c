/* SPDX-License-Identifier: MIT */
#include "jobs/json_walk.h"

#include <stdint.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void skip_space(struct json_walk *walk)
{
    while (walk->at < walk->end && is_space(*walk->at))
        walk->at++;
}

/* The end of a string that begins at `at` with its quote. */
static const char *behind_string(const char *at, const char *end)
{
    for (at++; at < end; at++) {
        const char *quote = memchr(at, '"', (size_t)(end - at));
        size_t escapes;
        if (quote == NULL)
            return end;
        escapes = 0;
        while (quote - escapes > at && quote[-1 - (ptrdiff_t)escapes] == '\\')
            escapes++;
        at = quote;
        if (escapes % 2 == 0)
            return quote + 1;
    }
    return end;
}

static const char *behind_nested(const char *at, const char *end)
{
    size_t depth = 0;

    while (at < end) {
        switch (*at) {
        case '"':
            at = behind_string(at, end);
            continue;
        case '[':
        case '{':
            depth++;
            break;
        case ']':
        case '}':
            if (--depth == 0)
                return at + 1;
            break;
        default:
            break;
        }
        at++;
    }
    return end;
}

static const char *behind_word(const char *at, const char *end)
{
    while (at < end && !is_space(*at) && *at != ',' && *at != ']' && *at != '}')
        at++;
    return at;
}

void json_walk_begin(struct json_walk *walk)
{
    skip_space(walk);
}

weir_bytes json_walk_value(struct json_walk *walk)
{
    const char *from = walk->at;

    if (from == walk->end)
        return (weir_bytes){from, 0};
    if (*from == '"')
        walk->at = behind_string(from, walk->end);
    else if (*from == '[' || *from == '{')
        walk->at = behind_nested(from, walk->end);
    else
        walk->at = behind_word(from, walk->end);
    return (weir_bytes){from, (size_t)(walk->at - from)};
}

void json_walk_enter(struct json_walk *walk)
{
    walk->at++;
}

/* Goes over a comma, or over the closing bracket.
 * Returns: whether a value follows. */
static bool goes_on(struct json_walk *walk)
{
    skip_space(walk);
    if (walk->at < walk->end && *walk->at == ',') {
        walk->at++;
        skip_space(walk);
    }
    if (walk->at == walk->end)
        return false;
    if (*walk->at != ']' && *walk->at != '}')
        return true;
    walk->at++;
    return false;
}

bool json_walk_element(struct json_walk *walk)
{
    return goes_on(walk);
}

bool json_walk_member(struct json_walk *walk, weir_bytes *key)
{
    if (!goes_on(walk))
        return false;
    *key = json_walk_value(walk);
    skip_space(walk);
    if (walk->at < walk->end)
        walk->at++; /* the colon */
    skip_space(walk);
    return true;
}

/* --- keys --- */

static unsigned hex_of(const char *digits)
{
    unsigned value = 0;

    for (int i = 0; i < 4; i++) {
        char c = digits[i];
        value = value << 4 | (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

static size_t write_utf8(char out[4], uint32_t point)
{
    size_t n;

    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    n = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)((0xf00u >> n & 0xf0) | point);
    return n;
}

/* Decodes the escape at *at to UTF-8, and goes behind it. Half a surrogate pair becomes three bytes that no
 * valid text has, and so equals none. */
static size_t take_escape(const char **at, const char *end, char out[4])
{
    static const char letters[] = "b\bf\fn\nr\rt\t";
    char c = (*at)[1];
    uint32_t point;

    *at += 2;
    if (c != 'u') {
        const char *found = strchr(letters, c);
        out[0] = found != NULL && (found - letters) % 2 == 0 ? found[1] : c;
        return 1;
    }
    point = hex_of(*at);
    *at += 4;
    if (point >= 0xd800 && point < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u') {
        uint32_t low = hex_of(*at + 2);
        if (low >= 0xdc00 && low < 0xe000) {
            point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
            *at += 6;
        }
    }
    return write_utf8(out, point);
}

bool json_key_is(weir_bytes key, weir_bytes text)
{
    const char *at = key.data + 1, *end = key.data + key.len - 1;
    size_t matched = 0;

    if (key.len < text.len + 2)
        return false; /* an escape is never shorter than its character */
    while (at < end) {
        char said[4] = {*at};
        size_t n = 1;
        if (*at == '\\')
            n = take_escape(&at, end, said);
        else
            at++;
        if (n > text.len - matched || memcmp(said, text.data + matched, n) != 0)
            return false;
        matched += n;
    }
    return matched == text.len;
}
