/* SPDX-License-Identifier: MIT */
/* Text that is written piece by piece, with one place for the error of any piece.
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
    /* Called after each 32 KiB, so that a writer of a long text lets other tasks run; may wait. NULL: not. */
    void (*pause)(void);
    size_t paused_at;
};

/* Begins an empty text of at most so many bytes. weir_buffer_free(&out->text) frees it. */
void text_out_init(struct text_out *out, size_t bytes_max);

void text_out_printf(struct text_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_out_add(struct text_out *out, const char *text);
void text_out_bytes(struct text_out *out, const char *bytes, size_t length);

/* Adds a whole number in digits. Faster than printf. */
void text_out_count(struct text_out *out, uint64_t count);

/* Adds a JSON string. */
void text_out_json(struct text_out *out, const char *text);

/* The same; NULL becomes null. */
void text_out_json_or_null(struct text_out *out, const char *text);

/* Adds ,"name":"text" or ,"name":null. */
void text_out_json_member(struct text_out *out, const char *name, const char *text);

/* Adds a JSON number; one that was not measured becomes null. */
void text_out_number(struct text_out *out, bool measured, double value);

#endif
