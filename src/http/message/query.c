/* SPDX-License-Identifier: MIT */
#include <weir/url.h>

#include <errno.h>
#include <string.h>

#include "http/message/percent.h"

static size_t find(weir_bytes text, char c)
{
    const char *found = text.len > 0 ? memchr(text.data, c, text.len) : NULL;

    return found != NULL ? (size_t)(found - text.data) : text.len;
}

bool weir_query_next(weir_bytes *rest, weir_query_pair *pair)
{
    while (rest->len > 0) {
        weir_bytes one = {rest->data, find(*rest, '&')};
        size_t used = one.len < rest->len ? one.len + 1 : one.len, name = find(one, '=');

        rest->data += used;
        rest->len -= used;
        if (one.len == 0)
            continue;
        pair->name = (weir_bytes){one.data, name};
        pair->has_value = name < one.len;
        pair->value = (weir_bytes){one.data + name + pair->has_value, one.len - name - pair->has_value};
        return true;
    }
    return false;
}

/* Compares an encoded name, without decoding it to memory. A name with a broken escape is no name. */
static bool is_name(weir_bytes encoded, weir_bytes name)
{
    size_t matched = 0;

    for (size_t i = 0; i < encoded.len; i++) {
        int byte = encoded.data[i] == '+' ? ' ' : (unsigned char)encoded.data[i];
        if (byte == '%') {
            byte = weir__percent_byte(encoded, i);
            i += 2;
        }
        if (byte < 0 || matched == name.len || (unsigned char)name.data[matched] != byte)
            return false;
        matched++;
    }
    return matched == name.len;
}

static int copy_value(weir_bytes value, char *out, size_t room)
{
    int length = weir_query_decode(value, out, room - 1);

    if (length >= 0 && memchr(out, '\0', (size_t)length) != NULL)
        length = -EINVAL;
    out[length < 0 ? 0 : length] = '\0';
    return length;
}

int weir_query_find(weir_bytes query, const char *name, char *out, size_t room)
{
    const weir_bytes wanted = weir_bytes_of(name);
    weir_query_pair pair;

    while (weir_query_next(&query, &pair))
        if (is_name(pair.name, wanted))
            return copy_value(pair.value, out, room);
    out[0] = '\0';
    return -ENOENT;
}

int weir_query_append(weir_buffer *b, weir_bytes name, weir_bytes value)
{
    const size_t before = b->len;
    bool joins = before > 0 && b->data[before - 1] != '?' && b->data[before - 1] != '&';
    int err = joins ? weir_buffer_append_byte(b, '&') : 0;

    if (err == 0)
        err = weir_percent_append(b, name);
    if (err == 0)
        err = weir_buffer_append_byte(b, '=');
    if (err == 0)
        err = weir_percent_append(b, value);
    if (err < 0)
        weir_buffer_truncate(b, before);
    return err;
}
