/* SPDX-License-Identifier: MIT */
#include "base/log_text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log_plain.h"
#include "base/utf8.h"

const unsigned char weir__log_classes[256] = {
    [' '] = WEIR__LOG_PLAIN,
    ['!'] = WEIR__LOG_BARE | WEIR__LOG_PLAIN,
    ['#' ... '['] = WEIR__LOG_BARE | WEIR__LOG_PLAIN,
    [']' ... '~'] = WEIR__LOG_BARE | WEIR__LOG_PLAIN,
};

/* Reports whether a character must not be passed on: a terminal obeys control characters, also those of C1,
 * and shows the text around marks of direction in another order; viewers break lines at U+2028 and U+2029. */
static bool is_control(const char *p, size_t length)
{
    const unsigned char last = length > 1 ? (unsigned char)p[length - 1] : 0;

    switch (length) {
    case 1:
        return (unsigned char)*p < 0x20 || *p == 0x7f;
    case 2:
        return p[0] == '\xc2' && last < 0xa0;
    case 3:
        if (memcmp(p, "\xe2\x80", 2) == 0) /* U+200B to U+200F, U+2028 to U+202E */
            return (last >= 0x8b && last <= 0x8f) || (last >= 0xa8 && last <= 0xae);
        return (memcmp(p, "\xe2\x81", 2) == 0 && last >= 0xa0 && last <= 0xaf) || /* U+2060 to U+206F */
               memcmp(p, "\xef\xbb\xbf", 3) == 0;
    default:
        return false;
    }
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

/* Writes the character at i. Returns: behind it. */
static size_t put_one(struct weir__log_line *l, weir_bytes s, size_t i, bool quoted)
{
    size_t length = weir__utf8_length(s.data + i, s.len - i);

    if (quoted && !l->json && s.data[i] == '"')
        weir__log_put(l, "\\\"", 2);
    else if (quoted && !l->json && s.data[i] == '\\')
        weir__log_put(l, "\\\\", 2);
    else
        put_char(l, s.data + i, length);
    return i + (length > 0 ? length : 1);
}

/* Writes a piece that stands for itself. Returns: false: nothing was written; there may be no room. */
static bool put_plain(struct weir__log_line *l, const char *p, size_t n)
{
    if (l->cut || l->len + n > l->room || !weir__log_copy(l->out + l->len, p, n, WEIR__LOG_PLAIN))
        return false;
    l->len += n;
    return true;
}

/* noinline: few texts have a character that does not stand for itself. */
__attribute__((noinline)) static void put_in_pieces(struct weir__log_line *l, weir_bytes s, bool quoted)
{
    enum { PIECE = sizeof(weir__log_words) };
    size_t i = 0;

    while (i < s.len && !l->cut) {
        const size_t end = s.len - i < PIECE ? s.len : i + PIECE;

        if (put_plain(l, s.data + i, end - i))
            i = end;
        while (i < end && !l->cut)
            i = put_one(l, s, i, quoted);
    }
}

void weir__log_put_chars(struct weir__log_line *l, weir_bytes s, bool quoted)
{
    if (!put_plain(l, s.data, s.len))
        put_in_pieces(l, s, quoted);
}

/* Once the first quote is there, so is the last, even if the line is cut in between. */
void weir__log_put_quoted(struct weir__log_line *l, weir_bytes s, const char *suffix)
{
    weir__log_put_byte(l, '"');
    if (l->cut)
        return;
    weir__log_put_chars(l, s, true);
    weir__log_put_text(l, suffix);
    weir__log_put_end(l, "\"");
}

static bool needs_quotes(weir_bytes s)
{
    for (size_t i = 0, length; i < s.len; i += length) {
        length = 1;
        if (weir__log_is_of(s.data[i], WEIR__LOG_BARE))
            continue;
        length = weir__utf8_length(s.data + i, s.len - i);
        if (length == 0 || is_control(s.data + i, length) || s.data[i] == ' ' || s.data[i] == '"')
            return true;
    }
    return s.len == 0;
}

void weir__log_put_string(struct weir__log_line *l, weir_bytes s)
{
    if (l->json || needs_quotes(s))
        weir__log_put_quoted(l, s, "");
    else
        weir__log_put_chars(l, s, false);
}
