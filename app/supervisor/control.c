/* SPDX-License-Identifier: MIT */
#include "supervisor/control.h"

#include <string.h>

static void make_printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
}

/* Understands a line, which is changed. Returns: its word; *text: the rest; of an unknown one the line. */
static enum control_word understand(char *line, const char **text)
{
    static const char fault[] = "fault ", cut[] = "cut ";

    make_printable(line);
    *text = line;
    if (strcmp(line, "ready") == 0)
        return CONTROL_READY;
    if (strncmp(line, cut, sizeof cut - 1) == 0) {
        *text = line + sizeof cut - 1;
        return CONTROL_CUT;
    }
    if (strncmp(line, fault, sizeof fault - 1) != 0)
        return CONTROL_UNKNOWN;
    *text = line + sizeof fault - 1;
    return CONTROL_FAULT;
}

void control_take(struct control *c, const char *bytes, size_t length,
                  void (*fn)(void *arg, enum control_word word, const char *text), void *arg)
{
    for (size_t i = 0; i < length; i++) {
        const char *text;
        enum control_word word;

        if (bytes[i] != '\n') {
            if (c->used < CONTROL_LINE_BYTES)
                c->line[c->used++] = bytes[i] != '\0' ? bytes[i] : '?';
            continue;
        }
        c->line[c->used] = '\0';
        c->used = 0;
        word = understand(c->line, &text);
        fn(arg, word, text);
    }
}
