/* SPDX-License-Identifier: MIT */
/* Text that is put together piece by piece, with one place for what goes wrong.
 *
 * Threading: belongs to the task that writes.
 */
#ifndef APP_TEXT_TEXT_OUT_H
#define APP_TEXT_TEXT_OUT_H

#include <stdint.h>

#include <weir/buffer.h>

struct text_out {
    weir_buffer text;
    int err; /* the first error; nothing is added after it */
};

/* Empty; at most so many bytes. Ended by weir_buffer_free(&out->text). */
void text_out_init(struct text_out *out, size_t bytes_max);

void text_out_printf(struct text_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_out_add(struct text_out *out, const char *text);
void text_out_bytes(struct text_out *out, const char *bytes, size_t length);

/* A whole number, in digits; quicker than printf. */
void text_out_count(struct text_out *out, uint64_t count);

/* As a JSON string. */
void text_out_json(struct text_out *out, const char *text);

/* The same; a text that is NULL is null. */
void text_out_json_or_null(struct text_out *out, const char *text);

/* A number that may not have been measured: null in JSON. */
void text_out_number(struct text_out *out, bool measured, double value);

#endif
