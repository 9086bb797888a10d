/* SPDX-License-Identifier: MIT */
/* Lines of a stream of bytes, each of at most WEIR_PROCESS_LINE_BYTES: a longer one comes in pieces.
 *
 * Threading: pure functions over a record.
 */
#ifndef WEIR__PROCESS_LINES_H
#define WEIR__PROCESS_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/process.h>

struct weir__lines {
    size_t begin, end; /* of what is in text and was not given */
    bool in_line;      /* what was given last is the begin of a line */
    char text[WEIR_PROCESS_LINE_BYTES + 1];
};

/* Returns: where to put further bytes, *room of them at most, more than 0 after weir__lines_next() has returned
 * false. */
char *weir__lines_room(struct weir__lines *lines, size_t *room);

static inline void weir__lines_added(struct weir__lines *lines, size_t bytes)
{
    lines->end += bytes;
}

/* Takes the next line, or a whole piece of a long one, which stays where it is until the next call of
 * weir__lines_room(), and ends with a NUL. Returns: false: more bytes are needed. */
bool weir__lines_next(struct weir__lines *lines, const char **line, size_t *length);

/* Takes what is left at the end of the stream, a line without a newline. Returns: false: nothing is. */
bool weir__lines_rest(struct weir__lines *lines, const char **line, size_t *length);

#endif
