/* SPDX-License-Identifier: MIT */
#include "base/log_text.h"

#include <stdint.h>
#include <stdio.h>

#include "base/json.h"
#include "base/utf8.h"

/* Reports whether a character is a control character, also of C1: a terminal obeys them, so a log must not
 * pass them on. */
static bool is_control(const char *p, size_t length)
{
    if (length == 2)
        return p[0] == '\xc2' && (unsigned char)p[1] < 0xa0;
    return length == 1 && ((unsigned char)*p < 0x20 || *p == 0x7f);
}

static void put_escape(struct weir__log_line *l, const char *p, size_t n)
{
    static const char shorts[] = "\nn\rr\tt"; /* pairs: the byte, its letter */

    for (size_t i = 0; i < sizeof shorts - 1; i += 2) {
        if (shorts[i] == *p) {
            const char escape[2] = {'\\', shorts[i + 1]};
            weir__log_put(l, escape, 2);
            return;
        }
    }
    for (size_t i = 0; i < n; i++) {
        char hex[5];
        snprintf(hex, sizeof hex, "\\x%02x", (unsigned char)p[i]);
        weir__log_put(l, hex, 4);
    }
}

/* Writes the character at p, of `length` bytes; 0: the byte there is not UTF-8. */
static void put_char(struct weir__log_line *l, const char *p, size_t length)
{
    if (l->json && length == 0)
        weir__log_put_text(l, WEIR__UTF8_REPLACEMENT);
    else if (l->json && length == 1 && weir__json_plain_prefix(p, 1) == 0) {
        char escape[WEIR__JSON_ESCAPE_MAX];
        size_t n = weir__json_escape(escape, *p);
        weir__log_put(l, escape, n);
    } else if (!l->json && (length == 0 || is_control(p, length)))
        put_escape(l, p, length > 0 ? length : 1);
    else
        weir__log_put(l, p, length);
}

/* Reports whether eight bytes stand for themselves wherever they are: visible ASCII but for the quote and the
 * backslash. */
static inline bool is_bare_word(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');

    /* Below '!', above '~', or one of the two: then the high bit of a byte is set. */
    return ((((word - ones * '!') | (word + ones) | word) |
             (((quote - ones) & ~quote) | ((backslash - ones) & ~backslash))) &
            highs) == 0;
}

static inline bool is_bare(char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* Copies the bare bytes at the front of n. Nearly all are bare, so eight at a time; the last eight may
 * overlap those before. Returns: how many were copied. */
static size_t copy_bare(char *out, const char *p, size_t n)
{
    uint64_t word = 0;
    size_t i = 0;

    for (; n - i >= sizeof word; i += sizeof word) {
        memcpy(&word, p + i, sizeof word);
        if (!is_bare_word(word))
            break;
        memcpy(out + i, &word, sizeof word);
    }
    if (i == n)
        return n;
    if (n - i < sizeof word && n >= sizeof word) {
        memcpy(&word, p + n - sizeof word, sizeof word);
        if (is_bare_word(word)) {
            memcpy(out + n - sizeof word, &word, sizeof word);
            return n;
        }
    } else if (n >= sizeof(uint32_t) && n < sizeof word) {
        uint32_t first, last;
        memcpy(&first, p, sizeof first);
        memcpy(&last, p + n - sizeof last, sizeof last);
        if (is_bare_word(first | (uint64_t)last << 32)) {
            memcpy(out, &first, sizeof first);
            memcpy(out + n - sizeof last, &last, sizeof last);
            return n;
        }
    }
    for (; i < n && is_bare(p[i]); i++)
        out[i] = p[i];
    return i;
}

/* Writes the bare bytes at the front of n, as many as there is room for. */
static size_t put_bare(struct weir__log_line *l, const char *p, size_t n)
{
    size_t left = l->room - l->len, bare;

    if (l->cut)
        return 0;
    bare = copy_bare(l->out + l->len, p, n < left ? n : left);
    l->len += bare;
    l->cut = bare == left && bare < n;
    return bare;
}

void weir__log_put_chars(struct weir__log_line *l, weir_bytes s, bool quoted)
{
    for (size_t i = put_bare(l, s.data, s.len); i < s.len && !l->cut;
         i += put_bare(l, s.data + i, s.len - i)) {
        size_t length = weir__utf8_length(s.data + i, s.len - i);
        if (quoted && !l->json && s.data[i] == '"')
            weir__log_put(l, "\\\"", 2);
        else if (quoted && !l->json && s.data[i] == '\\')
            weir__log_put(l, "\\\\", 2);
        else
            put_char(l, s.data + i, length);
        i += length > 0 ? length : 1;
    }
}

/* Once the first quote is there, so is the last, even if the line is cut in between. */
void weir__log_put_quoted(struct weir__log_line *l, weir_bytes s, const char *suffix)
{
    weir__log_put(l, "\"", 1);
    if (l->cut)
        return;
    weir__log_put_chars(l, s, true);
    weir__log_put_text(l, suffix);
    weir__log_put_end(l, "\"");
}

static bool needs_quotes(weir_bytes s)
{
    for (size_t i = 0; i < s.len;) {
        size_t length = weir__utf8_length(s.data + i, s.len - i);
        if (length == 0 || is_control(s.data + i, length) || s.data[i] == ' ' || s.data[i] == '"')
            return true;
        i += length;
    }
    return s.len == 0;
}

void weir__log_put_string(struct weir__log_line *l, weir_bytes s)
{
    size_t before = l->len;

    if (l->json) {
        weir__log_put_quoted(l, s, "");
        return;
    }
    if (put_bare(l, s.data, s.len) == s.len && s.len > 0)
        return;
    l->len = before; /* not bare, or not all of it fits */
    l->cut = false;
    if (needs_quotes(s))
        weir__log_put_quoted(l, s, "");
    else
        weir__log_put_chars(l, s, false);
}
