/* SPDX-License-Identifier: MIT */
/* What strings and numbers of JSON mean. */
#include <weir/json.h>

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- strings --- */

/* Takes four hexadecimal digits. Returns: their value, or -1. */
static int take_unit(weir_bytes *rest)
{
    int value = 0;

    if (rest->len < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = rest->data[i], lower = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            value = value << 4 | (c - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value << 4 | (lower - 'a' + 10);
        else
            return -1;
    }
    rest->data += 4;
    rest->len -= 4;
    return value;
}

static int write_utf8(char out[4], int point)
{
    int n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

    if (n == 1) {
        out[0] = (char)point;
        return 1;
    }
    for (int i = n - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)((0xf00 >> n & 0xf0) | point);
    return n;
}

/* Takes what stands behind "\u". Half a surrogate pair is no character. */
static int take_point(weir_bytes *rest, char out[4])
{
    int high = take_unit(rest), low;

    if (high < 0 || (high >= 0xdc00 && high < 0xe000))
        return -EINVAL;
    if (high < 0xd800 || high >= 0xe000)
        return write_utf8(out, high);
    if (rest->len < 2 || rest->data[0] != '\\' || rest->data[1] != 'u')
        return -EINVAL;
    rest->data += 2;
    rest->len -= 2;
    low = take_unit(rest);
    if (low < 0xdc00 || low >= 0xe000)
        return -EINVAL;
    return write_utf8(out, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
}

/* Takes a byte, or an escape, of which there is at least the first byte. Returns: how many bytes of UTF-8 it
 * means; -EINVAL. */
static int take_part(weir_bytes *rest, char out[4])
{
    static const char letters[] = "\"\"\\\\//b\bf\fn\nr\rt\t"; /* pairs: the letter, what it means */
    char c = *rest->data++;

    rest->len--;
    out[0] = c;
    if (c != '\\')
        return 1;
    if (rest->len == 0)
        return -EINVAL;
    c = *rest->data++;
    rest->len--;
    if (c == 'u')
        return take_point(rest, out);
    for (size_t i = 0; i < sizeof letters - 1; i += 2)
        if (letters[i] == c) {
            out[0] = letters[i + 1];
            return 1;
        }
    return -EINVAL;
}

/* Removes the quotes. Returns: false: they are not there. */
static bool is_quoted(weir_bytes *string)
{
    if (string->len < 2 || string->data[0] != '"' || string->data[string->len - 1] != '"')
        return false;
    string->data++;
    string->len -= 2;
    return true;
}

int weir_json_string_decode(weir_bytes string, char *out, size_t room)
{
    size_t n = 0;

    if (!is_quoted(&string))
        return -EINVAL;
    while (string.len > 0) {
        char part[4];
        int length = take_part(&string, part);
        if (length < 0)
            return length;
        if ((size_t)length > room - n)
            return -WEIR_ETOOLARGE;
        memcpy(out + n, part, (size_t)length);
        n += (size_t)length;
    }
    return (int)n;
}

bool weir_json_string_equal(weir_bytes string, weir_bytes bytes)
{
    if (!is_quoted(&string) || string.len < bytes.len) /* an escape is never shorter than its character */
        return false;
    if (string.len == 0 || memchr(string.data, '\\', string.len) == NULL)
        return weir_bytes_equal(string, bytes);
    while (string.len > 0) {
        char part[4];
        int length = take_part(&string, part);
        if (length < 0 || (size_t)length > bytes.len || memcmp(part, bytes.data, (size_t)length) != 0)
            return false;
        bytes.data += length;
        bytes.len -= (size_t)length;
    }
    return bytes.len == 0;
}

bool weir_json_string_is(weir_bytes string, const char *text)
{
    return weir_json_string_equal(string, weir_bytes_of(text));
}

/* --- numbers --- */

static bool is_number(weir_bytes text)
{
    bool starts = text.len > 0 && (text.data[0] == '-' || (text.data[0] >= '0' && text.data[0] <= '9'));

    return starts && weir_json_is_valid(text.data, text.len, 0) && text.data[text.len - 1] >= '0' &&
           text.data[text.len - 1] <= '9';
}

int weir_json_int64(weir_bytes number, int64_t *out)
{
    bool negative = number.len > 0 && number.data[0] == '-';
    int64_t value = 0;

    if (!is_number(number))
        return -EINVAL;
    for (size_t i = negative; i < number.len; i++)
        if (number.data[i] < '0' || number.data[i] > '9')
            return -EINVAL;
    for (size_t i = negative; i < number.len; i++) {
        int digit = number.data[i] - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, negative ? -digit : digit, &value))
            return -ERANGE;
    }
    *out = value;
    return 0;
}

int weir_json_double(weir_bytes number, double *out)
{
    char text[1001];
    double value;

    if (!is_number(number))
        return -EINVAL;
    if (number.len >= sizeof text)
        return -ERANGE;
    memcpy(text, number.data, number.len);
    text[number.len] = '\0';
    value =
        strtod_l(text, NULL, newlocale(LC_ALL_MASK, "C", (locale_t)0)); /* the C library's own: never freed */
    if (isinf(value))
        return -ERANGE;
    *out = value;
    return 0;
}
