/* SPDX-License-Identifier: MIT */
/* Text into a line of the log: nothing that is written can end the line, leave its quotes or reach a terminal
 * as a control character.
 *
 * Threading: a line belongs to the thread that writes it.
 */
#ifndef WEIR__BASE_LOG_TEXT_H
#define WEIR__BASE_LOG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <weir/buffer.h>

/* A line being written. Once something did not fit, only its end is added. */
struct weir__log_line {
    char *out;
    size_t len, room; /* room: without that for the end */
    bool cut;
    bool json, colour;
};

/* Writes into the room that is kept for the end. */
static inline void weir__log_put_end(struct weir__log_line *l, const char *text)
{
    size_t n = strlen(text);

    memcpy(l->out + l->len, text, n);
    l->len += n;
}

/* Writes all of it or nothing, so that no escape and no character is cut in two. */
static inline void weir__log_put(struct weir__log_line *l, const char *p, size_t n)
{
    if (__builtin_expect(l->cut || l->len + n > l->room, 0)) {
        l->cut = true;
        return;
    }
    memcpy(l->out + l->len, p, n);
    l->len += n;
}

static inline void weir__log_put_byte(struct weir__log_line *l, char c)
{
    if (__builtin_expect(l->cut || l->len >= l->room, 0)) {
        l->cut = true;
        return;
    }
    l->out[l->len++] = c;
}

static inline void weir__log_put_text(struct weir__log_line *l, const char *text)
{
    weir__log_put(l, text, strlen(text));
}

/* Writes characters, with escapes for those that may not stand there; quoted: also for quotes and
 * backslashes. */
void weir__log_put_chars(struct weir__log_line *l, weir_bytes s, bool quoted);

/* Writes characters and a suffix between quotes; the closing quote is there even if the line is cut in
 * between. */
void weir__log_put_quoted(struct weir__log_line *l, weir_bytes s, const char *suffix);

/* Writes a value: bare where that can be read back, else quoted; always quoted in JSON. */
void weir__log_put_string(struct weir__log_line *l, weir_bytes s);

#endif
