/* SPDX-License-Identifier: MIT */
#include "process/lines.h"

#include <string.h>

char *weir__lines_room(struct weir__lines *lines, size_t *room)
{
    size_t left = lines->end - lines->begin;

    if (lines->begin > 0)
        memmove(lines->text, lines->text + lines->begin, left);
    lines->begin = 0;
    lines->end = left;
    *room = WEIR_PROCESS_LINE_BYTES - left;
    return lines->text + left;
}

/* Gives so many bytes of what is left. */
static void give(struct weir__lines *lines, size_t bytes, const char **line, size_t *length)
{
    *line = lines->text + lines->begin;
    *length = bytes;
    lines->begin += bytes;
}

bool weir__lines_next(struct weir__lines *lines, const char **line, size_t *length)
{
    char *at = lines->text + lines->begin, *newline = memchr(at, '\n', lines->end - lines->begin);

    if (newline == at && lines->in_line) { /* the end of a line whose pieces were all given */
        lines->in_line = false;
        lines->begin++;
        return weir__lines_next(lines, line, length);
    }
    if (newline != NULL) {
        give(lines, (size_t)(newline - at), line, length);
        *newline = '\0';
        lines->begin++;
        lines->in_line = false;
        return true;
    }
    if (lines->end - lines->begin < WEIR_PROCESS_LINE_BYTES)
        return false;
    give(lines, WEIR_PROCESS_LINE_BYTES, line, length);
    lines->text[lines->end] = '\0';
    lines->in_line = true;
    return true;
}

bool weir__lines_rest(struct weir__lines *lines, const char **line, size_t *length)
{
    if (lines->begin == lines->end)
        return false;
    give(lines, lines->end - lines->begin, line, length);
    lines->text[lines->end] = '\0';
    return true;
}
