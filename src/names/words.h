/* SPDX-License-Identifier: MIT */
/* The words of a line, as the hosts file and resolv.conf have them. Threading: pure. */
#ifndef WEIR__NAMES_WORDS_H
#define WEIR__NAMES_WORDS_H

#include <stdbool.h>
#include <string.h>

#include <weir/buffer.h>

static inline bool weir__words_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Takes the next word off a line. Returns: false: there is none. */
static inline bool weir__words_next(weir_bytes *line, weir_bytes *word)
{
    size_t at = 0, end;

    while (at < line->len && weir__words_space(line->data[at]))
        at++;
    for (end = at; end < line->len && !weir__words_space(line->data[end]); end++)
        ;
    *word = (weir_bytes){line->data + at, end - at};
    *line = (weir_bytes){line->data + end, line->len - end};
    return word->len > 0;
}

/* Takes the next line off a text. Returns: false: there is none. */
static inline bool weir__words_line(weir_bytes *text, weir_bytes *line)
{
    const char *newline = text->len > 0 ? memchr(text->data, '\n', text->len) : NULL;
    size_t len = newline != NULL ? (size_t)(newline - text->data) : text->len, used = len + (newline != NULL);

    *line = (weir_bytes){text->data, len};
    *text = (weir_bytes){text->data + used, text->len - used};
    return used > 0;
}

#endif
