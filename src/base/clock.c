#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define NS_PER_S 1000000000
#define NS_PER_MS 1000000
#define S_PER_DAY 86400

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t); /* can't fail for the two clocks used here */
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t weir__clock_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t weir__clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t weir__clock_local_offset_s(int64_t wall_ns)
{
    time_t s = (time_t)(wall_ns / NS_PER_S);
    struct tm local;
    return localtime_r(&s, &local) ? (int64_t)local.tm_gmtoff : 0;
}

static int64_t divide_down(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Counts years from March on, so that the leap day is the last of its year, and in eras of 400 years, which
 * all have the same number of days. */
static void set_date(struct weir__civil *c, int64_t days)
{
    int64_t shifted = days + 719468; /* since 0000-03-01 */
    int64_t era = divide_down(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */
    c->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    c->month = (int)(month < 10 ? month + 3 : month - 9);
    c->year = era * 400 + year_of_era + (c->month <= 2);
    c->weekday = (int)(((days + 4) % 7 + 7) % 7);
}

struct weir__civil weir__clock_civil(int64_t wall_ns)
{
    struct weir__civil c;
    int64_t ms = divide_down(wall_ns, NS_PER_MS);
    int64_t s = divide_down(ms, 1000);
    int64_t days = divide_down(s, S_PER_DAY);
    int second_of_day = (int)(s - days * S_PER_DAY);
    set_date(&c, days);
    c.ms = (int)(ms - s * 1000);
    c.hour = second_of_day / 3600;
    c.minute = second_of_day / 60 % 60;
    c.second = second_of_day % 60;
    return c;
}

size_t weir__clock_format_time(char out[WEIR__CLOCK_TEXT_MAX], int64_t wall_ns, int64_t offset_s)
{
    struct weir__civil c = weir__clock_civil(wall_ns + offset_s * NS_PER_S);
    return (size_t)snprintf(out, WEIR__CLOCK_TEXT_MAX, "%02d:%02d:%02d.%03d", c.hour, c.minute, c.second,
                            c.ms);
}

size_t weir__clock_format_utc(char out[WEIR__CLOCK_TEXT_MAX], int64_t wall_ns)
{
    struct weir__civil c = weir__clock_civil(wall_ns);
    return (size_t)snprintf(out, WEIR__CLOCK_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)c.year,
                            c.month, c.day, c.hour, c.minute, c.second, c.ms);
}
