/* SPDX-License-Identifier: MIT */
/* A strict JSON validator without recursion: the stack is one bit per level, array or object. */
#include <weir/json.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

struct scan {
    const char *at, *end;
    size_t depth, max_depth;
    bool too_deep;
    uint64_t is_object[WEIR_JSON_DEPTH_MAX / 64];
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* NUL at the end: no rule below takes a NUL, so it needs no test of its own. */
static char peek(const struct scan *s)
{
    return s->at < s->end ? *s->at : '\0';
}

static bool take(struct scan *s, char c)
{
    if (peek(s) != c)
        return false;
    s->at++;
    return true;
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

/* Four hex digits. */
static bool take_unit(struct scan *s, unsigned *unit)
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
static bool take_code(struct scan *s)
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

static bool take_escape(struct scan *s)
{
    char c = peek(s);

    if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL)
        return false;
    s->at++;
    return c != 'u' || take_code(s);
}

static bool take_string(struct scan *s)
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

static bool take_digits(struct scan *s)
{
    if (!is_digit(peek(s)))
        return false;
    while (is_digit(peek(s)))
        s->at++;
    return true;
}

static bool take_number(struct scan *s)
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

static bool take_word(struct scan *s, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0)
        return false;
    s->at += n;
    return true;
}

static bool take_scalar(struct scan *s)
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

static bool in_object(const struct scan *s)
{
    size_t i = s->depth - 1;

    return s->is_object[i / 64] >> (i % 64) & 1;
}

static bool enter(struct scan *s, bool object)
{
    size_t i;
    uint64_t bit;

    if (s->depth == s->max_depth) {
        s->too_deep = true;
        s->at--; /* the error is at the bracket */
        return false;
    }
    i = s->depth++;
    bit = 1ULL << (i % 64);
    s->is_object[i / 64] = object ? s->is_object[i / 64] | bit : s->is_object[i / 64] & ~bit;
    return true;
}

static bool take_key(struct scan *s)
{
    skip_space(s);
    if (!take_string(s))
        return false;
    skip_space(s);
    return take(s, ':');
}

/* Goes down to the next scalar or empty array or object, and takes it. */
static bool take_value(struct scan *s)
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
        if (c == '{' && !take_key(s))
            return false;
    }
}

/* Behind a value: goes up as far as arrays and objects end. Returns: true at a comma, or with depth 0 at the
 * end of the text. */
static bool take_ends(struct scan *s)
{
    while (s->depth > 0) {
        skip_space(s);
        if (take(s, ','))
            return !in_object(s) || take_key(s);
        if (!take(s, in_object(s) ? '}' : ']'))
            return false;
        s->depth--;
    }
    return true;
}

static bool take_text(struct scan *s)
{
    do {
        if (!take_value(s) || !take_ends(s))
            return false;
    } while (s->depth > 0);
    skip_space(s);
    return s->at == s->end;
}

int weir_json_check(const char *p, size_t n, size_t max_depth, size_t *fault_at)
{
    struct scan s = {.at = p, .end = p + n, .max_depth = max_depth};
    bool good;

    if (max_depth > WEIR_JSON_DEPTH_MAX)
        s.max_depth = WEIR_JSON_DEPTH_MAX;
    good = take_text(&s);
    if (fault_at != NULL)
        *fault_at = (size_t)(s.at - p);
    return good ? 0 : s.too_deep ? -WEIR_ETOOLARGE : -EINVAL;
}

bool weir_json_is_valid(const char *p, size_t n, size_t max_depth)
{
    return weir_json_check(p, n, max_depth, NULL) == 0;
}
