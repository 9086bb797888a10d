/* SPDX-License-Identifier: MIT */
#include "text/query.h"

#include <errno.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes one byte. Returns: how many letters it takes; -1: they are no byte. */
static int decode(const char *text, size_t left, int *byte)
{
    const bool is_escape = *text == '%', has_digits = is_escape && left >= 3;
    const int high = has_digits ? hex_digit(text[1]) : -1, low = has_digits ? hex_digit(text[2]) : -1;

    if (!is_escape) {
        *byte = *text == '+' ? ' ' : (unsigned char)*text;
        return 1;
    }
    *byte = high * 16 + low;
    return high < 0 || low < 0 || *byte == 0 ? -1 : 3;
}

static int copy_decoded(const char *text, size_t len, char *out, size_t room)
{
    size_t n = 0;

    for (size_t at = 0; at < len; n++) {
        int byte;
        const int taken = decode(text + at, len - at, &byte);
        if (taken < 0 || n + 1 >= room) {
            out[0] = '\0';
            return -EINVAL;
        }
        out[n] = (char)byte;
        at += (size_t)taken;
    }
    out[n] = '\0';
    return 1;
}

int query_value(const char *query, const char *name, char *out, size_t room)
{
    const size_t length = strlen(name);

    out[0] = '\0';
    for (const char *pair = query; *pair;) {
        const size_t whole = strcspn(pair, "&"), before = strcspn(pair, "=&");
        if (before == length && memcmp(pair, name, length) == 0) {
            const size_t skipped = before < whole ? before + 1 : before;
            return copy_decoded(pair + skipped, whole - skipped, out, room);
        }
        pair += whole + (pair[whole] == '&');
    }
    return 0;
}
