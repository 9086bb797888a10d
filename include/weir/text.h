/* SPDX-License-Identifier: MIT */
/* Human-readable durations and sizes, spelling suggestions, and what is wrong with a text.
 *
 * Threading: everything here may be called from any thread, does not wait and allocates nothing.
 */
#ifndef WEIR_TEXT_H
#define WEIR_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is wrong with a text, for messages such as "FILE:LINE:COLUMN: path is '…', expected …". */
typedef struct weir_text_fault {
    size_t at;            /* offset of what is wrong; the length of the text if something is missing */
    const char *expected; /* what was expected there: static, completes "expected …" */
} weir_text_fault;

#define WEIR_DURATION_TEXT_MAX 32 /* room that always suffices for weir_duration_format(), with the NUL */

/* Parses a duration: "250ms", "1.5s", "1m", "1m30s": numbers with a unit (ns, us, ms, s, m, h), larger
 * units first, no spaces, no sign.
 * Owns:    nothing; *out is written only on success.
 * Returns: 0; -EINVAL not a duration, or finer than a nanosecond; -ERANGE too long to be represented.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_duration_parse(const char *text, weir_duration *out);

/* Parses a size: "123", "16KiB", "1MiB", "4GiB": a whole number of bytes, followed by B, KiB, MiB, GiB, TiB
 * or nothing.
 * Owns:    nothing; *out is written only on success.
 * Returns: 0; -EINVAL not a size; -ERANGE beyond 64 bits.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_size_parse(const char *text, uint64_t *out);

/* Formats a duration for people: "0s", "850ns", "12.3us", "41.2ms", "1.5s", "1m30s", "2h5m". Three digits
 * below a second, milliseconds below a minute, whole seconds below an hour, whole minutes above.
 * weir_duration_parse() accepts the result.
 * Owns:    writes to out, room bytes long; WEIR_DURATION_TEXT_MAX always suffices, less cuts the text.
 * Returns: out.
 * Where:   any thread.
 */
const char *weir_duration_format(char *out, size_t room, weir_duration d);

/* Finds the candidate that a misspelt word most likely meant, for "did you mean …?".
 * Owns:    nothing; the result is one of the n candidates (NULL entries are skipped).
 * Returns: the candidate with the fewest edits (a letter added, removed or changed, or two neighbours
 *          swapped; case does not count), the first of equals; NULL if none is close: if more than a third
 *          of the word's letters, and more than one, would have to change.
 * Where:   any thread.
 */
const char *weir_text_nearest(const char *word, const char *const *candidates, size_t n);

#ifdef __cplusplus
}
#endif
#endif
