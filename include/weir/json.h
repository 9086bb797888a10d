/* SPDX-License-Identifier: MIT */
/* JSON as text: writing strings, and judging whether bytes are JSON at all. No trees.
 *
 * Threading: everything here may be called from any thread and waits for nothing. Cost is linear in the bytes
 * given; on a loop, give it bounded ones.
 */
#ifndef WEIR_JSON_H
#define WEIR_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/buffer.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_JSON_DEPTH_MAX 1024 /* nesting that weir_json_is_valid() can follow at most */

/* Adds n bytes as a JSON string, with its quotes. Each byte that is not part of valid UTF-8 becomes U+FFFD,
 * so the result is always valid JSON.
 * Owns:    copies.
 * Returns: 0, or -WEIR_ETOOLARGE or -ENOMEM with the buffer as it was.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_json_append_string(weir_buffer *b, const char *p, size_t n);

/* Says whether n bytes are exactly one JSON text (RFC 8259): strict grammar, strict UTF-8, nothing but white
 * space around it, arrays and objects nested no deeper than max_depth (0 admits only scalars; never more than
 * WEIR_JSON_DEPTH_MAX). Duplicate keys are valid. Half of a surrogate pair ("\ud800") is not, though the
 * grammar has it: it stands for no character, and many readers refuse all of a text that has one.
 * Owns:    nothing; allocates nothing.
 * Returns: true if they are.
 * Where:   any thread.
 */
bool weir_json_is_valid(const char *p, size_t n, size_t max_depth);

/* The same, and says what is wrong, and where.
 * Owns:    nothing; allocates nothing.
 * Returns: 0; -EINVAL they are not; -WEIR_ETOOLARGE they are nested deeper than max_depth. *fault_at, which
 * may be NULL, is the offset of what can't stand there; n when something is missing at the end.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_json_check(const char *p, size_t n, size_t max_depth, size_t *fault_at);

/* Says whether n bytes are valid UTF-8: no overlong forms, no surrogates, nothing beyond U+10FFFF.
 * Owns:    nothing.
 * Returns: true if they are; no bytes are valid.
 * Where:   any thread.
 */
bool weir_utf8_is_valid(const char *p, size_t n);

/* Adds n bytes in base64 (RFC 4648, with padding), without quotes.
 * Owns:    copies.
 * Returns: 0, or -WEIR_ETOOLARGE or -ENOMEM with the buffer as it was.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_base64_append(weir_buffer *b, const void *p, size_t n);

#ifdef __cplusplus
}
#endif
#endif
