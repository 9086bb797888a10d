/* SPDX-License-Identifier: MIT */
/* The grammar of JSON, without recursion: the stack is one bit per level, array or object. */
#include "base/json_grammar.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* NUL at the end: no rule below takes a NUL, so it needs no test of its own. */
static char peek(const weir_json_reader *s)
{
    return s->at < s->end ? *s->at : '\0';
}

static bool take(weir_json_reader *s, char c)
{
    if (peek(s) != c)
        return false;
    s->at++;
    return true;
}

static inline void skip_space(weir_json_reader *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

/* Four hex digits. */
static bool take_unit(weir_json_reader *s, unsigned *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, s->at++) {
        char c = peek(s);
        if (!is_hex(c))
            return false;
        *unit = *unit << 4 | (unsigned)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return true;
}

/* Takes what stands behind "\u". A character beyond U+FFFF is a pair of escapes. The grammar allows half a
 * pair, which means nothing: many readers refuse a text with one in it (RFC 8259, 8.2). */
static bool take_code(weir_json_reader *s)
{
    const char *from = s->at;
    unsigned unit;

    if (!take_unit(s, &unit))
        return false;
    if (unit < 0xd800 || unit > 0xdfff)
        return true;
    if (unit < 0xdc00 && take(s, '\\') && take(s, 'u')) {
        if (!take_unit(s, &unit))
            return false;
        if (unit >= 0xdc00 && unit <= 0xdfff)
            return true;
    }
    s->at = from; /* the error is at the half */
    return false;
}

static bool take_escape(weir_json_reader *s)
{
    char c = peek(s);

    if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL)
        return false;
    s->at++;
    return c != 'u' || take_code(s);
}

static bool take_string(weir_json_reader *s)
{
    if (!take(s, '"'))
        return false;
    while (s->at < s->end) {
        size_t length;

        s->at += weir__json_plain_prefix(s->at, (size_t)(s->end - s->at));
        if (take(s, '"'))
            return true;
        if (take(s, '\\')) {
            if (!take_escape(s))
                return false;
            continue;
        }
        length = weir__utf8_length(s->at, (size_t)(s->end - s->at));
        if (length < 2) /* a bare control character, not UTF-8, or the end */
            return false;
        s->at += length;
    }
    return false;
}

static bool take_digits(weir_json_reader *s)
{
    if (!is_digit(peek(s)))
        return false;
    while (is_digit(peek(s)))
        s->at++;
    return true;
}

static bool take_number(weir_json_reader *s)
{
    take(s, '-');
    if (!take(s, '0') && !take_digits(s))
        return false;
    if (take(s, '.') && !take_digits(s))
        return false;
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            take(s, '-');
        return take_digits(s);
    }
    return true;
}

static bool take_word(weir_json_reader *s, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0)
        return false;
    s->at += n;
    return true;
}

static inline bool take_scalar(weir_json_reader *s)
{
    switch (peek(s)) {
    case '"':
        return take_string(s);
    case 't':
        return take_word(s, "true");
    case 'f':
        return take_word(s, "false");
    case 'n':
        return take_word(s, "null");
    default:
        return take_number(s);
    }
}

static inline bool in_object(const weir_json_reader *s)
{
    size_t i = s->depth - 1;

    return s->is_object[i / 64] >> (i % 64) & 1;
}

static inline bool enter(weir_json_reader *s, bool object)
{
    size_t i;
    uint64_t bit;

    if (s->depth == s->max_depth) {
        s->err = -WEIR_ETOOLARGE;
        s->at--; /* the error is at the bracket */
        return false;
    }
    i = s->depth++;
    bit = 1ULL << (i % 64);
    s->is_object[i / 64] = object ? s->is_object[i / 64] | bit : s->is_object[i / 64] & ~bit;
    return true;
}

static inline bool take_key(weir_json_reader *s, weir_bytes *key)
{
    skip_space(s);
    key->data = s->at;
    if (!take_string(s))
        return false;
    key->len = (size_t)(s->at - key->data);
    skip_space(s);
    return take(s, ':');
}

static inline bool take_any_key(weir_json_reader *s)
{
    weir_bytes key;

    return take_key(s, &key);
}

/* Goes down to the next scalar or empty array or object, and takes it. */
static bool take_value(weir_json_reader *s)
{
    for (;;) {
        char c;

        skip_space(s);
        c = peek(s);
        if (c != '[' && c != '{')
            return take_scalar(s);
        s->at++;
        if (!enter(s, c == '{'))
            return false;
        skip_space(s);
        if (take(s, c == '{' ? '}' : ']')) {
            s->depth--;
            return true;
        }
        if (c == '{' && !take_any_key(s))
            return false;
    }
}

/* Behind a value: goes up as far as arrays and objects end, at most to a depth. Returns: true at a comma, or
 * at that depth. */
static bool take_ends(weir_json_reader *s, size_t depth)
{
    while (s->depth > depth) {
        skip_space(s);
        if (take(s, ','))
            return !in_object(s) || take_any_key(s);
        if (!take(s, in_object(s) ? '}' : ']'))
            return false;
        s->depth--;
    }
    return true;
}

bool weir__json_take_whole(weir_json_reader *s)
{
    const size_t depth = s->depth;

    do {
        if (!take_value(s) || !take_ends(s, depth))
            return false;
    } while (s->depth > depth);
    return true;
}

/* --- for readers: the same, called from another file --- */

void weir__json_skip_space(weir_json_reader *r)
{
    skip_space(r);
}

bool weir__json_take_scalar(weir_json_reader *r)
{
    return take_scalar(r);
}

bool weir__json_take_key(weir_json_reader *r, weir_bytes *key)
{
    return take_key(r, key);
}

bool weir__json_enter(weir_json_reader *r, bool object)
{
    return enter(r, object);
}

bool weir__json_in_object(const weir_json_reader *r)
{
    return in_object(r);
}
