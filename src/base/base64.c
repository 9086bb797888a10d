/* SPDX-License-Identifier: MIT */
#include <weir/json.h>

#include <errno.h>
#include <stdint.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode_group(char *out, uint32_t bits)
{
    for (int i = 0; i < 4; i++)
        out[i] = digits[(bits >> (18 - 6 * i)) & 63];
}

int weir_base64_append(weir_buffer *b, const void *p, size_t n)
{
    const unsigned char *s = p;
    size_t length;
    char *out;

    if (n > SIZE_MAX / 4 * 3 - 3 || (n + 2) / 3 * 4 > b->max - b->len)
        return -WEIR_ETOOLARGE;
    length = (n + 2) / 3 * 4;
    out = weir_buffer_reserve(b, length);
    if (out == NULL)
        return -ENOMEM;
    for (; n >= 3; n -= 3, s += 3, out += 4)
        encode_group(out, (uint32_t)s[0] << 16 | (uint32_t)s[1] << 8 | s[2]);
    if (n > 0) {
        encode_group(out, (uint32_t)s[0] << 16 | (n == 2 ? (uint32_t)s[1] << 8 : 0));
        out[3] = '=';
        if (n == 1)
            out[2] = '=';
    }
    weir_buffer_commit(b, length);
    return 0;
}
