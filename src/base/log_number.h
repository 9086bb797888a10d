/* SPDX-License-Identifier: MIT */
/* Numbers and durations as the log writes them.
 *
 * Threading: pure functions over the caller's memory.
 */
#ifndef WEIR__BASE_LOG_NUMBER_H
#define WEIR__BASE_LOG_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WEIR__LOG_NUMBER_MAX = 32 }; /* with sign, point, decimals and unit */

/* Each writes at out, and returns where its text ends. */

/* Three digits of a number below 1000. */
static inline char *weir__log_write_three(char *out, unsigned n)
{
    const unsigned tens = n / 10, hundreds = n / 100;

    out[0] = (char)('0' + hundreds);
    out[1] = (char)('0' + tens - 10 * hundreds);
    out[2] = (char)('0' + n - 10 * tens);
    return out + 3;
}

static inline char *weir__log_write_digits(char *out, uint64_t n)
{
    size_t count = 4;

    if (n < 10) {
        *out = (char)('0' + n);
        return out + 1;
    }
    if (n < 100) {
        out[0] = (char)('0' + n / 10);
        out[1] = (char)('0' + n % 10);
        return out + 2;
    }
    if (n < 1000)
        return weir__log_write_three(out, (unsigned)n);
    for (uint64_t rest = n / 10000; rest > 0; rest /= 10)
        count++;
    for (size_t i = count; i-- > 0; n /= 10)
        out[i] = (char)('0' + n % 10);
    return out + count;
}

static inline char *weir__log_write_sign(char *out, int64_t n)
{
    *out = '-';
    return out + (n < 0);
}

static inline uint64_t weir__log_magnitude(int64_t n)
{
    return n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
}

static inline char *weir__log_write_integer(char *out, int64_t n)
{
    return weir__log_write_digits(weir__log_write_sign(out, n), weir__log_magnitude(n));
}

/* Milliseconds, always with three decimals, so that lines can be compared and sorted. */
static inline char *weir__log_write_ms(char *out, int64_t ns)
{
    const uint64_t us = (weir__log_magnitude(ns) + 500) / 1000;

    out = weir__log_write_digits(weir__log_write_sign(out, ns), us / 1000);
    *out++ = '.';
    out = weir__log_write_three(out, (unsigned)(us % 1000));
    *out++ = 'm';
    *out++ = 's';
    return out;
}

/* Milliseconds to the nanosecond, without unit and without zeros at the end. */
static inline char *weir__log_write_json_ms(char *out, int64_t ns)
{
    const uint64_t size = weir__log_magnitude(ns);
    const unsigned decimals = (unsigned)(size % 1000000);

    out = weir__log_write_digits(weir__log_write_sign(out, ns), size / 1000000);
    if (decimals == 0)
        return out;
    *out++ = '.';
    out = weir__log_write_three(weir__log_write_three(out, decimals / 1000), decimals % 1000);
    while (out[-1] == '0')
        out--;
    return out;
}

static inline char *weir__log_write_duration(char *out, int64_t ns, bool json)
{
    return json ? weir__log_write_json_ms(out, ns) : weir__log_write_ms(out, ns);
}

#endif
