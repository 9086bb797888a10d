/* SPDX-License-Identifier: MIT */
/* The fields behind the body of an answer. */
#include <errno.h>
#include <string.h>

#include "http/client/fetch_parts.h"
#include "http/message/trailers.h"

enum { ROOM_MIN = 256 };

int weir__fetch_keep_trailers(struct weir__fetch *f, weir_bytes lines)
{
    size_t room = f->trailer_room == 0 ? ROOM_MIN : f->trailer_room;

    if (f->trailer_len == 0 && lines.len == 2 &&
        lines.data[0] == '\r') /* the empty line alone: nearly always */
        return 0;
    while (room < f->trailer_len + lines.len)
        room *= 2;
    if (room > f->trailer_room) {
        char *grown = weir__arena_resize(f->memory, f->trailer_lines, f->trailer_len, room);
        if (grown == NULL)
            return -ENOMEM;
        f->trailer_lines = grown;
        f->trailer_room = room;
    }
    memcpy(f->trailer_lines + f->trailer_len, lines.data, lines.len);
    f->trailer_len += lines.len;
    return 0;
}

static const char *text_of(weir_bytes span)
{
    char *text = (char *)(uintptr_t)span.data;

    text[span.len] = '\0'; /* in place of the ':' or of the end of the line */
    return text;
}

int weir__fetch_end_trailers(struct weir__fetch *f)
{
    weir_bytes lines = {f->trailer_lines, f->trailer_len};
    struct weir__http_field *fields;
    weir_header *trailers;
    size_t count;

    if (f->trailer_len <= 2)
        return 0;
    count = weir__http_trailers_split(lines, NULL, 0);
    fields = weir__arena_calloc(f->memory, count, sizeof *fields);
    trailers = weir__arena_calloc(f->memory, count, sizeof *trailers);
    if (fields == NULL || trailers == NULL)
        return -ENOMEM;
    (void)weir__http_trailers_split(lines, fields, count);
    for (size_t i = 0; i < count; i++)
        trailers[i] =
            (weir_header){text_of(fields[i].name), fields[i].value.len > 0 ? text_of(fields[i].value) : ""};
    f->reply.trailers = trailers;
    f->reply.trailer_count = count;
    return 0;
}
