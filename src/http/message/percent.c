/* SPDX-License-Identifier: MIT */
#include "http/message/percent.h"

#include <errno.h>

#include <weir/url.h>

size_t weir__percent_escape(char c, char out[3])
{
    static const char digits[] = "0123456789ABCDEF";

    out[0] = '%';
    out[1] = digits[(unsigned char)c >> 4];
    out[2] = digits[(unsigned char)c & 15];
    return 3;
}

int weir_percent_append(weir_buffer *b, weir_bytes text)
{
    const size_t before = b->len;
    int err = 0;

    for (size_t i = 0; i < text.len && err == 0; i++) {
        char escape[3];
        if (weir__http_char_is(text.data[i], WEIR__HTTP_UNRESERVED))
            err = weir_buffer_append_byte(b, text.data[i]);
        else
            err = weir_buffer_append(b, escape, weir__percent_escape(text.data[i], escape));
    }
    if (err < 0)
        weir_buffer_truncate(b, before);
    return err;
}

static int decode(weir_bytes text, bool plus_is_space, char *out, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        int byte = (unsigned char)text.data[i];
        if (byte == '%') {
            byte = weir__percent_byte(text, i);
            if (byte < 0)
                return -EINVAL;
            i += 2;
        } else if (byte == '+' && plus_is_space) {
            byte = ' ';
        }
        if (n == room)
            return -WEIR_ETOOLARGE;
        out[n++] = (char)byte;
    }
    return (int)n;
}

int weir_percent_decode(weir_bytes text, char *out, size_t room)
{
    return decode(text, false, out, room);
}

int weir_query_decode(weir_bytes text, char *out, size_t room)
{
    return decode(text, true, out, room);
}
