/* SPDX-License-Identifier: MIT */
/* Bytes: a span of borrowed memory, and a buffer that grows up to a maximum.
 *
 * Threading: a buffer has no lock; one thread or loop uses it at a time. Nothing here waits.
 */
#ifndef WEIR_BUFFER_H
#define WEIR_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A span: bytes in memory that it does not own. Not NUL-terminated unless its contract says so. Print it
 * with printf("%.*s", (int)b.len, b.data). */
typedef struct weir_bytes {
    const char *data;
    size_t len;
} weir_bytes;

/* A growable run of bytes. data and len may be read freely; data[len] is always NUL. Every buffer has a
 * maximum: an append that would exceed it is refused and changes nothing. Initialise with
 * weir_buffer_init(). */
typedef struct weir_buffer {
    char *data;
    size_t len;
    size_t cap; /* bytes it can hold before it must grow */
    size_t max; /* bytes it may hold at most */
} weir_buffer;

/* Makes a span of a NUL-terminated text, without the NUL.
 * Owns:    nothing; the span points into text. NULL gives an empty span.
 * Returns: the span.
 * Where:   any thread.
 */
static inline weir_bytes weir_bytes_of(const char *text)
{
    weir_bytes b = {text != NULL ? text : "", text != NULL ? strlen(text) : 0};

    return b;
}

/* Reports whether two spans hold the same bytes.
 * Owns:    nothing.
 * Returns: true if they are equal.
 * Where:   any thread.
 */
static inline bool weir_bytes_equal(weir_bytes a, weir_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Like weir_bytes_equal(), but ignores the case of ASCII letters, whatever the locale.
 * Owns:    nothing.
 * Returns: true if they are equal except for case.
 * Where:   any thread.
 */
bool weir_bytes_equal_nocase(weir_bytes a, weir_bytes b);

/* Makes an empty buffer that never holds more than max_bytes. Allocates nothing yet.
 * Owns:    the caller frees it with weir_buffer_free().
 * Returns: nothing; cannot fail.
 * Where:   any thread.
 */
void weir_buffer_init(weir_buffer *b, size_t max_bytes);

/* Frees the memory. The buffer is then empty, has the same maximum, and may be used again.
 * Owns:    pointers into data become invalid. Freeing twice is harmless.
 * Returns: nothing.
 * Where:   any thread.
 */
void weir_buffer_free(weir_buffer *b);

/* Appends n bytes. p must not point into the buffer itself.
 * Owns:    the bytes are copied; p stays the caller's. Pointers into data may become invalid.
 * Returns: 0; -WEIR_ETOOLARGE or -ENOMEM, with the buffer unchanged.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_buffer_append(weir_buffer *b, const void *p, size_t n);

/* Appends a NUL-terminated text, without the NUL.
 * Owns:    the text is copied.
 * Returns: as weir_buffer_append().
 * Where:   any thread.
 */
WEIR_CHECKED int weir_buffer_append_text(weir_buffer *b, const char *text);

/* Appends one byte.
 * Owns:    nothing.
 * Returns: as weir_buffer_append().
 * Where:   any thread.
 */
WEIR_CHECKED int weir_buffer_append_byte(weir_buffer *b, char c);

/* Appends formatted text, as printf() would write it.
 * Owns:    the text is copied.
 * Returns: as weir_buffer_append(); -EINVAL if the format cannot be printed.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_buffer_printf(weir_buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Like weir_buffer_printf(), with its arguments in a va_list.
 * Owns:    the text is copied.
 * Returns: as weir_buffer_printf().
 * Where:   any thread.
 */
WEIR_CHECKED int weir_buffer_vprintf(weir_buffer *b, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Makes room for n more bytes after the present content. The caller writes them there and then calls
 * weir_buffer_commit(). The room is not initialised.
 * Owns:    the room is the buffer's, and valid until the next call on the buffer.
 * Returns: the first byte of the room; NULL if n more bytes would exceed the maximum or memory is
 *          exhausted.
 * Where:   any thread.
 */
WEIR_CHECKED char *weir_buffer_reserve(weir_buffer *b, size_t n);

/* Makes n bytes, written into the room of weir_buffer_reserve(), part of the content. n is at most what was
 * reserved.
 * Owns:    nothing.
 * Returns: nothing.
 * Where:   any thread.
 */
void weir_buffer_commit(weir_buffer *b, size_t n);

/* Removes n bytes from the front. The rest is moved down, which costs a copy of it.
 * Owns:    pointers into data stay valid, but the bytes they point to change.
 * Returns: nothing; n beyond the length empties the buffer.
 * Where:   any thread.
 */
void weir_buffer_consume(weir_buffer *b, size_t n);

/* Shortens the buffer to its first len bytes. Does nothing if the buffer is no longer than that. Undoes a
 * series of appends of which one failed.
 * Owns:    keeps the memory.
 * Returns: nothing.
 * Where:   any thread.
 */
void weir_buffer_truncate(weir_buffer *b, size_t len);

/* Empties the buffer and keeps its memory for later content.
 * Owns:    nothing.
 * Returns: nothing.
 * Where:   any thread.
 */
void weir_buffer_clear(weir_buffer *b);

/* Makes a span of the content.
 * Owns:    the span is valid until the next call that changes the buffer.
 * Returns: the span.
 * Where:   any thread.
 */
static inline weir_bytes weir_buffer_bytes(const weir_buffer *b)
{
    weir_bytes span = {b->data, b->len};

    return span;
}

#ifdef __cplusplus
}
#endif
#endif
