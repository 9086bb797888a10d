/* The clocks, and turning wall-clock time into text. The only place that asks the kernel what time it is.
 *
 * Threading: any thread. Nothing here waits; the calls go through the vDSO.
 */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H

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

/* Nanoseconds since 1970 in UTC. */
int64_t weir__clock_wall_ns(void);

/* How far local time is ahead of UTC at that moment, in seconds. Reads the time zone files: at start only. */
int64_t weir__clock_local_offset_s(int64_t wall_ns);

/* Pure arithmetic, unlike gmtime_r(), which takes a lock and looks at TZ. */
struct weir__civil weir__clock_civil(int64_t wall_ns);

/* "14:05:01.123", shifted by offset_s from UTC; returns its length. */
size_t weir__clock_format_time(char out[WEIR__CLOCK_TEXT_MAX], int64_t wall_ns, int64_t offset_s);

/* "2026-11-23T14:05:01.123Z" (RFC 3339); returns its length. */
size_t weir__clock_format_utc(char out[WEIR__CLOCK_TEXT_MAX], int64_t wall_ns);

#endif
