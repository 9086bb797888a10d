/* SPDX-License-Identifier: MIT */
/* JSON as text: writes strings, checks whether bytes are JSON, and reads them value by value. Builds no
 * trees.
 *
 * Threading: everything here may be called from any thread and does not wait; a reader is used by one thread
 * at a time. The cost is linear in the number of bytes; on a loop, pass a bounded number.
 */
#ifndef WEIR_JSON_H
#define WEIR_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_JSON_DEPTH_MAX 1024 /* deepest nesting that the functions below can follow */

/* Appends n bytes as a JSON string, with its quotes. Each byte that is not part of valid UTF-8 becomes
 * U+FFFD, so the result is always valid JSON.
 * Owns:    the bytes are copied.
 * Returns: 0, or -WEIR_ETOOLARGE or -ENOMEM with the buffer unchanged.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_json_append_string(weir_buffer *b, const char *p, size_t n);

/* Checks whether n bytes are exactly one JSON text (RFC 8259): strict grammar, strict UTF-8, only white
 * space around it, arrays and objects nested no deeper than max_depth (0 allows only scalars; at most
 * WEIR_JSON_DEPTH_MAX). Duplicate keys are valid. Half a surrogate pair ("\ud800") is not, although the
 * grammar allows it: it stands for no character, and many readers refuse a whole text that contains one.
 * Owns:    nothing; allocates nothing.
 * Returns: true if they are.
 * Where:   any thread.
 */
bool weir_json_is_valid(const char *p, size_t n, size_t max_depth);

/* Like weir_json_is_valid(), and reports what is wrong, and where.
 * Owns:    nothing; allocates nothing.
 * Returns: 0; -EINVAL not JSON; -WEIR_ETOOLARGE nested deeper than max_depth. *fault_at (fault_at may be
 *          NULL) is the offset of the first byte that is not allowed there, or n if something is missing at
 *          the end.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_json_check(const char *p, size_t n, size_t max_depth, size_t *fault_at);

/* Checks whether n bytes are valid UTF-8: no overlong forms, no surrogates, nothing beyond U+10FFFF.
 * Owns:    nothing.
 * Returns: true if they are; 0 bytes are valid.
 * Where:   any thread.
 */
bool weir_utf8_is_valid(const char *p, size_t n);

/* Appends n bytes in base64 (RFC 4648, with padding), without quotes.
 * Owns:    the bytes are copied.
 * Returns: 0, or -WEIR_ETOOLARGE or -ENOMEM with the buffer unchanged.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_base64_append(weir_buffer *b, const void *p, size_t n);

/* --- reading --- */

enum weir_json_type {
    WEIR_JSON_NULL,
    WEIR_JSON_BOOL, /* its text is "true" or "false" */
    WEIR_JSON_NUMBER,
    WEIR_JSON_STRING,
    WEIR_JSON_ARRAY,
    WEIR_JSON_OBJECT,
};

typedef struct weir_json_value {
    enum weir_json_type type;
    weir_bytes text; /* as it is written, a string with its quotes; of an array or object its first byte */
} weir_json_value;

/* Reads a JSON text from its start to its end. Treat the fields as private. */
typedef struct weir_json_reader {
    const char *start, *at, *end;
    size_t depth, max_depth;
    int err;                                      /* the first one: every later call returns it */
    int state;                                    /* what stands at `at` */
    uint64_t is_object[WEIR_JSON_DEPTH_MAX / 64]; /* a bit for each level */
} weir_json_reader;

/* Begins to read a text, by the same grammar as weir_json_check(). An error is kept: every later call returns
 * it, so that a program may check the result of weir_json_end() alone.
 *
 *     weir_json_reader_init(&r, text, 16);
 *     if (weir_json_read(&r, &v) == 0 && v.type == WEIR_JSON_OBJECT)
 *         while (weir_json_next_member(&r, &key) > 0)
 *             if (weir_json_string_is(key, "id") && weir_json_read(&r, &v) == 0)
 *                 id = v.text;
 *     err = weir_json_end(&r);
 *
 * Owns:    the text is lent as long as the reader is used. Nothing has to be freed.
 * Returns: nothing.
 * Where:   any thread.
 */
void weir_json_reader_init(weir_json_reader *r, weir_bytes text, size_t max_depth);

/* Reads the next value. An array or object is entered: weir_json_next_element() or weir_json_next_member()
 * goes through it.
 * Owns:    value->text points into the text.
 * Returns: 0; -EINVAL no JSON, or no value is due: in an array or object weir_json_next_… must have returned
 * 1; -WEIR_ETOOLARGE nested deeper than max_depth.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_json_read(weir_json_reader *r, weir_json_value *value);

/* Goes to the next element of the array that was entered last. An element that was not read is skipped. After
 * the last element the array is left: the reader is in what is around it.
 * Returns: 1 there is one, read it; 0 there is none; -EINVAL no JSON, or the reader is in no array;
 *          -WEIR_ETOOLARGE.
 * Where:   any thread.
 */
int weir_json_next_element(weir_json_reader *r);

/* Goes to the next member of the object that was entered last. As weir_json_next_element() otherwise.
 * Owns:    *key points into the text: a string with its quotes.
 * Returns: 1 there is one, read its value; 0 there is none; -EINVAL no JSON, or the reader is in no object;
 *          -WEIR_ETOOLARGE.
 * Where:   any thread.
 */
int weir_json_next_member(weir_json_reader *r, weir_bytes *key);

/* Skips the next value, whatever is in it, and checks it.
 * Owns:    *text (text may be NULL) is the whole value as it is written.
 * Returns: as weir_json_read().
 * Where:   any thread.
 */
WEIR_CHECKED int weir_json_skip(weir_json_reader *r, weir_bytes *text);

/* Skips the rest of the array or object that was entered last, and checks it.
 * Returns: 0; -EINVAL no JSON, or the reader is in no array or object; -WEIR_ETOOLARGE.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_json_leave(weir_json_reader *r);

/* Skips what has not been read, and checks it up to the end of the text.
 * Returns: 0: all of the text is JSON; the first error otherwise.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_json_end(weir_json_reader *r);

/* Returns the offset of the next byte; after an error that of the byte that is wrong, or the length of the
 * text if something is missing.
 * Returns: the offset.
 * Where:   any thread.
 */
size_t weir_json_offset(const weir_json_reader *r);

/* Compares a string, as it was read, with a text; escapes are taken into account.
 * Owns:    nothing.
 * Returns: true if the string means this text.
 * Where:   any thread.
 */
bool weir_json_string_is(weir_bytes string, const char *text);

/* Like weir_json_string_is(), with bytes that may hold a NUL.
 * Owns:    nothing.
 * Returns: true if the string means these bytes.
 * Where:   any thread.
 */
bool weir_json_string_equal(weir_bytes string, weir_bytes bytes);

/* Decodes a string, as it was read, to UTF-8. The result may hold a NUL, which is written \u0000 in JSON.
 * Owns:    writes to out, where string.len - 2 bytes always suffice.
 * Returns: the number of bytes written; -EINVAL not a JSON string; -WEIR_ETOOLARGE no room.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_json_string_decode(weir_bytes string, char *out, size_t room);

/* Reads a number as a whole one.
 * Owns:    nothing; *out is written only on success.
 * Returns: 0; -EINVAL not a number, or written with a fraction or an exponent; -ERANGE beyond 64 bits.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_json_int64(weir_bytes number, int64_t *out);

/* Reads a number as the nearest double, in every locale.
 * Owns:    nothing; *out is written only on success.
 * Returns: 0; -EINVAL not a number; -ERANGE too large for a double, or written with more than 1000
 * characters.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_json_double(weir_bytes number, double *out);

#ifdef __cplusplus
}
#endif
#endif
