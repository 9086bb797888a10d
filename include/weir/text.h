/* SPDX-License-Identifier: MIT */
/* What people write and read: durations, sizes, and words they may have meant.
 *
 * Threading: everything here may be called from any thread, waits for nothing and allocates nothing.
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

#define WEIR_DURATION_TEXT_MAX 32 /* room that weir_format_duration() never exceeds, NUL included */

/* Reads "250ms", "1.5s", "1m", "1m30s": numbers with a unit (ns, us, ms, s, m, h), larger units first, no
 * spaces, no sign.
 * Owns:    nothing; *out is written only on success.
 * Returns: 0; -EINVAL if it is not a duration or finer than a nanosecond; -ERANGE if it is too long to be
 *          held.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_parse_duration(const char *text, weir_duration *out);

/* Reads "123", "16KiB", "1MiB", "4GiB": a whole number of bytes, with B, KiB, MiB, GiB, TiB or nothing after
 * it.
 * Owns:    nothing; *out is written only on success.
 * Returns: 0; -EINVAL if it is not a size; -ERANGE if it is beyond 64 bits.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_parse_size(const char *text, uint64_t *out);

/* Writes a duration for people: "0s", "850ns", "12.3us", "41.2ms", "1.5s", "1m30s", "2h5m". Three digits
 * below a second, milliseconds below a minute, whole seconds below an hour, whole minutes above;
 * weir_parse_duration() reads it back.
 * Owns:    writes into out, room bytes long; WEIR_DURATION_TEXT_MAX always suffices, less cuts the text
 *          short.
 * Returns: out.
 * Where:   any thread.
 */
const char *weir_format_duration(char *out, size_t room, weir_duration d);

/* The candidate that a misspelt word most likely meant, for "did you mean …?".
 * Owns:    nothing; the result is one of the n candidates (NULL entries are skipped).
 * Returns: the candidate the fewest edits away (a letter added, dropped, changed, or two neighbours
 *          swapped; case does not count), the first of equals; NULL if none is close: more than a third of
 *          the word's letters, but at least one, would have to change.
 * Where:   any thread.
 */
const char *weir_text_nearest(const char *word, const char *const *candidates, size_t n);

#ifdef __cplusplus
}
#endif
#endif
