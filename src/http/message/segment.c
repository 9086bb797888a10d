/* SPDX-License-Identifier: MIT */
#include "http/message/segment.h"

#include <string.h>

bool weir__http_segment_next(weir_bytes *rest, weir_bytes *segment)
{
    const char *slash;

    if (rest->len == 0 || rest->data[0] != '/')
        return false;
    *segment = (weir_bytes){rest->data + 1, rest->len - 1};
    slash = memchr(segment->data, '/', segment->len);
    if (slash != NULL)
        segment->len = (size_t)(slash - segment->data);
    rest->data += 1 + segment->len;
    rest->len -= 1 + segment->len;
    return true;
}

weir_bytes weir__http_segment_name(weir_bytes segment)
{
    if (segment.len > 2 && segment.data[0] == '{' && segment.data[segment.len - 1] == '}')
        return (weir_bytes){segment.data + 1, segment.len - 2};
    return (weir_bytes){segment.data, 0};
}

bool weir__http_is_dots(weir_bytes segment)
{
    return (segment.len == 1 && segment.data[0] == '.') ||
           (segment.len == 2 && segment.data[0] == '.' && segment.data[1] == '.');
}
