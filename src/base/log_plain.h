/* SPDX-License-Identifier: MIT */
/* Bytes that stand for themselves in the log, which nearly all do: checked and copied sixteen at a time.
 *
 * Threading: pure functions over the caller's memory.
 */
#ifndef WEIR__BASE_LOG_PLAIN_H
#define WEIR__BASE_LOG_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Classes of bytes: visible ASCII but for the quote and the backslash; and with them the space, which ends a
 * value that has no quotes. */
enum { WEIR__LOG_BARE = 1, WEIR__LOG_PLAIN = 2 };

extern const unsigned char weir__log_classes[256] __attribute__((visibility("hidden")));

typedef signed char weir__log_bytes __attribute__((vector_size(16)));
typedef uint64_t weir__log_words __attribute__((vector_size(16)));

static inline bool weir__log_is_of(char c, int class)
{
    return (weir__log_classes[(unsigned char)c] & class) != 0;
}

/* Marks those of 16 bytes that are not of a class; above 0x7f, a signed byte is below 0. */
static inline weir__log_words weir__log_others(weir__log_words words, int class)
{
    const signed char first = class == WEIR__LOG_BARE ? '!' : ' ';
    const weir__log_bytes bytes = (weir__log_bytes)words;

    return (weir__log_words)((bytes < first) | (bytes == 0x7f) | (bytes == '"') | (bytes == '\\'));
}

/* Copies four to seven bytes, as two halves that may overlap. Returns: as weir__log_others(). */
static inline weir__log_words weir__log_copy_halves(char *out, const char *p, size_t n, int class)
{
    uint32_t first, last;
    uint64_t both;

    memcpy(&first, p, sizeof first);
    memcpy(&last, p + n - sizeof last, sizeof last);
    memcpy(out, &first, sizeof first);
    memcpy(out + n - sizeof last, &last, sizeof last);
    both = first | (uint64_t)last << 32;
    return weir__log_others((weir__log_words){both, both}, class);
}

/* The same of eight to sixteen. */
static inline weir__log_words weir__log_copy_two(char *out, const char *p, size_t n, int class)
{
    uint64_t first, last;

    memcpy(&first, p, sizeof first);
    memcpy(&last, p + n - sizeof last, sizeof last);
    memcpy(out, &first, sizeof first);
    memcpy(out + n - sizeof last, &last, sizeof last);
    return weir__log_others((weir__log_words){first, last}, class);
}

/* The same of more than sixteen; the last sixteen may overlap those before. */
static inline weir__log_words weir__log_copy_long(char *out, const char *p, size_t n, int class)
{
    weir__log_words words, others = {0};

    for (size_t i = 0; i < n - sizeof words; i += sizeof words) {
        memcpy(&words, p + i, sizeof words);
        memcpy(out + i, &words, sizeof words);
        others |= weir__log_others(words, class);
    }
    memcpy(&words, p + n - sizeof words, sizeof words);
    memcpy(out + n - sizeof words, &words, sizeof words);
    return others | weir__log_others(words, class);
}

/* Copies n bytes of a class. Returns: false: they are not; then what was copied is of no use. */
static inline __attribute__((always_inline)) bool weir__log_copy(char *out, const char *p, size_t n,
                                                                 int class)
{
    weir__log_words others;
    size_t i = 0;

    if (n < sizeof(uint32_t)) {
        for (; i < n && weir__log_is_of(p[i], class); i++)
            out[i] = p[i];
        return i == n;
    }
    if (n < sizeof(uint64_t))
        others = weir__log_copy_halves(out, p, n, class);
    else if (n <= sizeof others)
        others = weir__log_copy_two(out, p, n, class);
    else
        others = weir__log_copy_long(out, p, n, class);
    return (others[0] | others[1]) == 0;
}

#endif
