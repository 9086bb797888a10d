/* SPDX-License-Identifier: MIT */
/* Bytes: a span somebody else owns, and a buffer that grows up to a maximum.
 *
 * Threading: a buffer belongs to whoever uses it and has no lock. Nothing here waits.
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

/* A run of bytes that somebody else owns; not NUL-terminated unless said. Print it with
 * printf("%.*s", (int)b.len, b.data). */
typedef struct weir_bytes {
    const char *data;
    size_t len;
} weir_bytes;

/* A growable run of bytes. Read data and len freely; data[len] is always NUL. Every buffer has a maximum:
 * what would pass it is refused and changes nothing. Initialise with weir_buffer_init(). */
typedef struct weir_buffer {
    char *data;
    size_t len;
    size_t cap; /* bytes it can hold before it has to grow */
    size_t max; /* bytes it may ever hold */
} weir_buffer;

/* The bytes of a NUL-terminated text, without the NUL.
 * Owns:    nothing; the span points into text. NULL gives an empty span.
 * Returns: the span.
 * Where:   any thread.
 */
static inline weir_bytes weir_bytes_of(const char *text)
{
    weir_bytes b = {text ? text : "", text ? strlen(text) : 0};

    return b;
}

/* Says whether two spans hold the same bytes.
 * Owns:    nothing.
 * Returns: true if they are equal.
 * Where:   any thread.
 */
static inline bool weir_bytes_equal(weir_bytes a, weir_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Like weir_bytes_equal(), but ASCII letters match in either case, whatever the locale.
 * Owns:    nothing.
 * Returns: true if they are equal but for case.
 * Where:   any thread.
 */
bool weir_bytes_equal_nocase(weir_bytes a, weir_bytes b);

/* Makes an empty buffer that will never hold more than max_bytes. Allocates nothing yet.
 * Owns:    end it with weir_buffer_free().
 * Returns: nothing; can't fail.
 * Where:   any thread.
 */
void weir_buffer_init(weir_buffer *b, size_t max_bytes);

/* Releases the memory and leaves an empty buffer with the same maximum, ready to be used again.
 * Owns:    pointers into data are dead afterwards. Freeing twice is harmless.
 * Returns: nothing.
 * Where:   any thread.
 */
void weir_buffer_free(weir_buffer *b);

/* Adds n bytes at the end. p must not point into the buffer itself.
 * Owns:    copies; p stays the caller's. Pointers into data may be dead afterwards.
 * Returns: 0, or -WEIR_ETOOLARGE or -ENOMEM with the buffer as it was.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_buffer_append(weir_buffer *b, const void *p, size_t n);

/* Adds a NUL-terminated text, without the NUL.
 * Owns:    copies.
 * Returns: as weir_buffer_append().
 * Where:   any thread.
 */
WEIR_CHECKED int weir_buffer_append_text(weir_buffer *b, const char *text);

/* Adds one byte.
 * Owns:    nothing.
 * Returns: as weir_buffer_append().
 * Where:   any thread.
 */
WEIR_CHECKED int weir_buffer_append_byte(weir_buffer *b, char c);

/* Adds formatted text, as printf would write it.
 * Owns:    copies.
 * Returns: as weir_buffer_append(); a format that can't be printed gives -EINVAL.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_buffer_printf(weir_buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* weir_buffer_printf() with its arguments in a va_list.
 * Owns:    copies.
 * Returns: as weir_buffer_printf().
 * Where:   any thread.
 */
WEIR_CHECKED int weir_buffer_vprintf(weir_buffer *b, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Makes room for n more bytes, to be written where it points (after the present end) and then counted in with
 * weir_buffer_commit(). The bytes there are not set to anything.
 * Owns:    the room is the buffer's, and good until the next call on it.
 * Returns: the first byte of the room; NULL if n more would pass the maximum or memory is out.
 * Where:   any thread.
 */
WEIR_CHECKED char *weir_buffer_reserve(weir_buffer *b, size_t n);

/* Counts in n bytes written into the room of weir_buffer_reserve(); n is at most what was reserved.
 * Owns:    nothing.
 * Returns: nothing.
 * Where:   any thread.
 */
void weir_buffer_commit(weir_buffer *b, size_t n);

/* Drops n bytes from the front and moves the rest down, at the cost of copying the rest.
 * Owns:    pointers into data see other bytes afterwards.
 * Returns: nothing; n beyond the length empties the buffer.
 * Where:   any thread.
 */
void weir_buffer_consume(weir_buffer *b, size_t n);

/* Cuts the buffer back to its first len bytes; does nothing if it is no longer than that. The way to undo a
 * run of appends of which one failed.
 * Owns:    keeps the memory.
 * Returns: nothing.
 * Where:   any thread.
 */
void weir_buffer_truncate(weir_buffer *b, size_t len);

/* Forgets the content and keeps the memory for what comes next.
 * Owns:    nothing.
 * Returns: nothing.
 * Where:   any thread.
 */
void weir_buffer_clear(weir_buffer *b);

/* The content as a span.
 * Owns:    the span is good until the next call that changes the buffer.
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
