/* SPDX-License-Identifier: MIT */
#include "text/terminal_text.h"

#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELD_BYTES = 1024 };

void terminal_text_init(struct terminal_text *lines, size_t bytes_max)
{
    *lines = (struct terminal_text){0};
    text_out_init(&lines->text, bytes_max);
}

/* --- characters --- */

/* Reads the code of a character. Returns: how many bytes it takes; 0: they are no character. */
static size_t decode(const char *text, uint32_t *code)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t length;

    if (s[0] < 0x80) {
        *code = s[0];
        return 1;
    }
    length = s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
    if (length == 0 || s[0] >= 0xf5)
        return 0;
    *code = s[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (s[i] & 0x3fu);
    }
    return length;
}

/* Whether a character is safe. Control characters would move the cursor or change the terminal; marks of
 * direction would reverse the text around them. */
static bool is_harmless(uint32_t code)
{
    return code >= 0x20 && (code < 0x7f || code > 0x9f) && !(code >= 0x200b && code <= 0x200f) &&
           !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2060 && code <= 0x206f) && code != 0xfeff;
}

/* Copies the next character, or its replacement. Returns: the rest of the text. */
static const char *next_character(const struct terminal_text *lines, const char *text, char out[5])
{
    uint32_t code = 0;
    size_t length = decode(text, &code);
    const bool good = length > 0 && is_harmless(code) && (code < 0x80 || lines->utf8);

    if (good)
        memcpy(out, text, length);
    else
        out[0] = code == 0x2026 ? '~' : code == 0xd7 ? 'x' : code == 0x2013 ? '-' : '?';
    out[good ? length : 1] = '\0';
    return text + (length ? length : 1);
}

static int columns_of(const struct terminal_text *lines, const char *text)
{
    char character[5];
    int columns = 0;

    while (*text && columns < INT_MAX) {
        text = next_character(lines, text, character);
        columns++;
    }
    return columns;
}

/* --- adding --- */

static void style_begin(struct terminal_text *lines, enum line_style style)
{
    static const char *const codes[] = {
        [LINE_STRONG] = "\033[1m", [LINE_QUIET] = "\033[2m",   [LINE_BAD] = "\033[1;31m",
        [LINE_WARN] = "\033[33m",  [LINE_ACCENT] = "\033[36m", [LINE_HEAD] = "\033[2;4m",
    };

    if (lines->styled && style != LINE_PLAIN)
        text_out_add(&lines->text, codes[style]);
}

static void style_end(struct terminal_text *lines, enum line_style style)
{
    if (lines->styled && style != LINE_PLAIN)
        text_out_add(&lines->text, "\033[0m");
}

/* Adds as much of a text as fits into so many columns. */
static void add_within(struct terminal_text *lines, const char *text, int columns)
{
    char character[5];

    for (int left = columns; *text && left > 0; left--) {
        text = next_character(lines, text, character);
        if (left == 1 && *text)
            strcpy(character, lines->utf8 ? "…" : "~");
        text_out_add(&lines->text, character);
        lines->column++;
    }
}

static int room(const struct terminal_text *lines)
{
    return lines->width ? lines->width - lines->column : INT_MAX;
}

void terminal_text_add(struct terminal_text *lines, enum line_style style, const char *text)
{
    if (!*text || room(lines) <= 0)
        return;
    style_begin(lines, style);
    add_within(lines, text, room(lines));
    style_end(lines, style);
}

void terminal_text_printf(struct terminal_text *lines, enum line_style style, const char *format, ...)
{
    char text[FIELD_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    terminal_text_add(lines, style, text);
}

static void blanks(struct terminal_text *lines, int count)
{
    for (; count > 0 && room(lines) > 0; count--) {
        text_out_add(&lines->text, " ");
        lines->column++;
    }
}

void terminal_text_field(struct terminal_text *lines, enum line_style style, int columns, const char *text)
{
    const int wide = abs(columns);
    const int taken = columns_of(lines, text);
    const int padding = taken < wide ? wide - taken : 0;
    int most;

    if (columns < 0)
        blanks(lines, padding);
    most = wide < room(lines) ? wide : room(lines);
    if (*text && most > 0) {
        style_begin(lines, style);
        add_within(lines, text, most);
        style_end(lines, style);
    }
    if (columns > 0)
        blanks(lines, padding);
}

void terminal_text_bar(struct terminal_text *lines, enum line_style style, int columns, double share)
{
    const int filled = share > 0 ? (int)((share < 1 ? share : 1) * columns + 0.5) : 0;
    const char *const full = lines->utf8 ? "█" : "#", *const empty = lines->utf8 ? "░" : ".";

    for (int part = 0; part < 2; part++) {
        const enum line_style look = part ? LINE_QUIET : style;
        style_begin(lines, look);
        for (int i = part ? filled : 0; i < (part ? columns : filled) && room(lines) > 0; i++) {
            text_out_add(&lines->text, part ? empty : full);
            lines->column++;
        }
        style_end(lines, look);
    }
}

void terminal_text_end(struct terminal_text *lines)
{
    text_out_add(&lines->text, "\n");
    lines->column = 0;
}
