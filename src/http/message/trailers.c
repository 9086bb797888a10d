/* SPDX-License-Identifier: MIT */
#include "http/message/trailers.h"

#include <string.h>

bool weir__http_is_trailer(weir_bytes name)
{
    static const char *const never[] = {
        "authorization",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "max-forwards",
        "proxy-connection",
        "proxy-authorization",
        "range",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    };

    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        if (weir_bytes_equal_nocase(name, weir_bytes_of(never[i])))
            return false;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static weir_bytes trimmed(const char *from, const char *to)
{
    while (from < to && is_space(*from))
        from++;
    while (to > from && is_space(to[-1]))
        to--;
    return (weir_bytes){from, (size_t)(to - from)};
}

size_t weir__http_trailers_split(weir_bytes lines, struct weir__http_field *fields, size_t most)
{
    const char *at = lines.data, *end = lines.data + lines.len;
    size_t count = 0;

    while (at < end) {
        const char *stop = memchr(at, '\r', (size_t)(end - at));
        const char *colon = stop != NULL ? memchr(at, ':', (size_t)(stop - at)) : NULL;
        weir_bytes name;
        if (colon == NULL) /* the empty line */
            break;
        name = (weir_bytes){at, (size_t)(colon - at)};
        if (weir__http_is_trailer(name)) {
            if (fields != NULL && count < most)
                fields[count] = (struct weir__http_field){name, trimmed(colon + 1, stop)};
            count++;
        }
        at = stop + 2;
    }
    return count;
}
