/* SPDX-License-Identifier: MIT */
/* JSON as text: writes strings, and checks whether bytes are JSON. Builds no trees.
 *
 * Threading: everything here may be called from any thread and does not wait. The cost is linear in the
 * number of bytes; on a loop, pass a bounded number.
 */
#ifndef WEIR_JSON_H
#define WEIR_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/buffer.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_JSON_DEPTH_MAX 1024 /* deepest nesting that weir_json_is_valid() can follow */

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

#ifdef __cplusplus
}
#endif
#endif
