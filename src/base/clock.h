/* SPDX-License-Identifier: MIT */
/* The clocks, and wall-clock time as text. The only place that asks the kernel for the time.
 *
 * Threading: any thread. Nothing here waits; the calls go through the vDSO.
 */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEIR__CLOCK_TEXT_MAX 40 /* room for either text, NUL included */

/* A moment of the proleptic Gregorian calendar. */
struct weir__civil {
    int64_t year;
    int month;   /* 1 to 12 */
    int day;     /* 1 to 31 */
    int weekday; /* 0 is Sunday */
    int hour, minute, second;
    int ms;
};

int64_t weir__clock_monotonic_ns(void);

/* --- ticks: the cheapest clock there is, for differences only --- */

/* Finds out whether the processor's own counter can be used, and how fast it is. Called before the first use
 * of the functions below, by any thread, any number of times; the first call takes half a millisecond. */
void weir__clock_ticks_init(void);

/* Measures the counter again, over the time since the first measurement: the longer, the more exact. */
void weir__clock_ticks_refine(void);

extern bool weir__clock_has_tsc __attribute__((visibility("hidden")));

/* Returns: the time-stamp counter where the kernel itself keeps time by it (else it may stop or differ
 * between processors); on aarch64 the system counter; else the monotonic clock in nanoseconds. */
static inline uint64_t weir__clock_ticks(void)
{
#if defined(__x86_64__)
    if (__builtin_expect(weir__clock_has_tsc, 1))
        return __builtin_ia32_rdtsc(); /* as __rdtsc(), without the 2 MB of <x86intrin.h> */
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#endif
    return (uint64_t)weir__clock_monotonic_ns();
}

/* Converts a difference of ticks to nanoseconds, and back. */
int64_t weir__clock_ticks_ns(uint64_t ticks);
uint64_t weir__clock_ns_ticks(int64_t ns);

/* Returns: nanoseconds since 1970 in UTC. */
int64_t weir__clock_wall_ns(void);

/* Returns: how far local time is ahead of UTC at that moment, in seconds. Reads the time zone files: only
 * meant for the start. */
int64_t weir__clock_local_offset_s(int64_t wall_ns);

/* Splits a time into its calendar fields. Arithmetic only: gmtime_r() takes a lock and looks at TZ. */
struct weir__civil weir__clock_civil(int64_t wall_ns);

/* As weir__clock_civil(), of seconds since 1970 in UTC: for any year. ms is 0. */
struct weir__civil weir__clock_civil_of_s(int64_t wall_s);

/* Returns: the seconds since 1970 of a moment. Weekday and ms do not matter. */
int64_t weir__clock_civil_s(const struct weir__civil *c);

/* Writes "14:05:01.123", shifted by offset_s from UTC. Returns: its length. */
size_t weir__clock_format_time(char out[WEIR__CLOCK_TEXT_MAX], int64_t wall_ns, int64_t offset_s);

/* Writes "2026-11-23T14:05:01.123Z" (RFC 3339). Returns: its length. */
size_t weir__clock_format_utc(char out[WEIR__CLOCK_TEXT_MAX], int64_t wall_ns);

#endif
