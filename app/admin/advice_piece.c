/* SPDX-License-Identifier: MIT */
#include "admin/advice_piece.h"

#include <stdarg.h>
#include <stdio.h>

void advice_write_piece(struct text_out *out, const char *text, const struct advice_number *numbers)
{
    text_out_add(out, "\"text\":");
    text_out_json(out, text);
    text_out_add(out, ",\"numbers\":{");
    for (size_t i = 0; numbers[i].name != NULL; i++)
        text_out_printf(out, "%s\"%s\":%.6g", i ? "," : "", numbers[i].name, numbers[i].value);
    text_out_add(out, "}");
}

void advice_add(struct text_out *out, bool *first, const struct advice_number *numbers, const char *format,
                ...)
{
    char text[ADVICE_TEXT_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_out_add(out, *first ? "{" : ",{");
    *first = false;
    advice_write_piece(out, text, numbers);
    text_out_add(out, "}");
}
