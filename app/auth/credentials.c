/* SPDX-License-Identifier: MIT */
#include "auth/credentials.h"

#include <string.h>
#include <strings.h>

/* --- base64, RFC 4648 --- */

static int sextet_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes four characters, the last with their padding. Returns: the bytes; 0: they are malformed. */
static size_t decode_four(const char *text, bool last, char out[3])
{
    const size_t padding = !last || text[3] != '=' ? 0 : text[2] != '=' ? 1 : 2;
    unsigned bits = 0;

    for (size_t i = 0; i < 4; i++) {
        const int sextet = i < 4 - padding ? sextet_of(text[i]) : 0;

        if (sextet < 0)
            return 0;
        bits = bits << 6 | (unsigned)sextet;
    }
    if ((padding == 1 && (bits & 0xff) != 0) || (padding == 2 && (bits & 0xffff) != 0))
        return 0; /* the same bytes have one text */
    for (size_t i = 0; i < 3; i++)
        out[i] = (char)(bits >> (16 - 8 * i));
    return 3 - padding;
}

/* Returns: the bytes; 0: the text is malformed, empty, or has more than room. */
static size_t decode(const char *text, char *out, size_t room)
{
    const size_t length = strlen(text);
    size_t used = 0;

    if (length % 4 != 0 || length / 4 * 3 > room)
        return 0;
    for (size_t i = 0; i < length; i += 4) {
        const size_t bytes = decode_four(text + i, i + 4 == length, out + used);

        if (bytes == 0)
            return 0;
        used += bytes;
    }
    return used;
}

/* --- schemes --- */

/* Finds what follows "SCHEME ". Returns: NULL: it is another scheme. */
static const char *after_scheme(const char *value, const char *scheme)
{
    const size_t length = strlen(scheme);

    if (strncasecmp(value, scheme, length) != 0 || value[length] != ' ')
        return NULL;
    value += length;
    return value + strspn(value, " ");
}

static bool has_control(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return true;
    return false;
}

bool credentials_read_basic(const char *value, struct credentials_basic *out)
{
    const char *base64 = after_scheme(value, "basic");
    const size_t length = base64 != NULL ? decode(base64, out->text, CREDENTIALS_BYTES_MAX) : 0;
    char *colon = length > 0 ? memchr(out->text, ':', length) : NULL;

    out->text[length] = '\0';
    if (colon == NULL || colon == out->text || colon - out->text > CREDENTIALS_USER_MAX ||
        has_control(out->text, length))
        return false;
    *colon = '\0';
    out->user = out->text;
    out->password = colon + 1;
    return true;
}

bool credentials_token_is_valid(weir_bytes token)
{
    size_t n = 0;

    while (n < token.len && (sextet_of(token.data[n]) >= 0 || memchr("-._~", token.data[n], 4) != NULL))
        n++;
    if (n == 0)
        return false;
    while (n < token.len && token.data[n] == '=')
        n++;
    return n == token.len;
}

bool credentials_read_bearer(const char *value, weir_bytes *token)
{
    const char *text = after_scheme(value, "bearer");

    if (text == NULL)
        return false;
    *token = weir_bytes_of(text);
    return token->len <= CREDENTIALS_BYTES_MAX * 4 && credentials_token_is_valid(*token);
}
