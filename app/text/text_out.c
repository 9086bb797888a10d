/* SPDX-License-Identifier: MIT */
#include "text/text_out.h"

#include <string.h>

#include <weir/json.h>

enum { PAUSE_BYTES = 32 << 10 };

void text_out_init(struct text_out *out, size_t bytes_max)
{
    weir_buffer_init(&out->text, bytes_max);
    out->err = 0;
    out->pause = NULL;
    out->paused_at = 0;
}

static void pause_after_much(struct text_out *out)
{
    if (out->pause == NULL || out->text.len < out->paused_at + PAUSE_BYTES)
        return;
    out->paused_at = out->text.len;
    out->pause();
}

void text_out_printf(struct text_out *out, const char *format, ...)
{
    va_list args;

    if (out->err < 0)
        return;
    va_start(args, format);
    out->err = weir_buffer_vprintf(&out->text, format, args);
    va_end(args);
    pause_after_much(out);
}

void text_out_add(struct text_out *out, const char *text)
{
    if (out->err == 0)
        out->err = weir_buffer_append_text(&out->text, text);
    pause_after_much(out);
}

void text_out_bytes(struct text_out *out, const char *bytes, size_t length)
{
    if (out->err == 0)
        out->err = weir_buffer_append(&out->text, bytes, length);
    pause_after_much(out);
}

void text_out_count(struct text_out *out, uint64_t count)
{
    char digits[20], *at = digits + sizeof digits;

    do
        *--at = (char)('0' + count % 10);
    while ((count /= 10) > 0);
    text_out_bytes(out, at, (size_t)(digits + sizeof digits - at));
}

void text_out_json(struct text_out *out, const char *text)
{
    if (out->err == 0)
        out->err = weir_json_append_string(&out->text, text, strlen(text));
}

void text_out_json_or_null(struct text_out *out, const char *text)
{
    if (text != NULL)
        text_out_json(out, text);
    else
        text_out_add(out, "null");
}

void text_out_json_member(struct text_out *out, const char *name, const char *text)
{
    text_out_printf(out, ",\"%s\":", name);
    text_out_json_or_null(out, text);
}

void text_out_number(struct text_out *out, bool measured, double value)
{
    if (measured)
        text_out_printf(out, "%.6g", value);
    else
        text_out_add(out, "null");
}
