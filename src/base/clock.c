/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

/* --- ticks: what they are is a property of the machine, found once --- */

enum { SAMPLES = 8, FIRST_LOOK_NS = 500000 };

bool weir__clock_has_tsc;
static pthread_once_t ticks_found = PTHREAD_ONCE_INIT;
static _Atomic uint64_t ns_per_tick_32 = UINT64_C(1) << 32; /* times 2^32 */

struct tick_pair {
    uint64_t ticks;
    int64_t ns;
};
static struct tick_pair first_look;

/* Reads both clocks at one moment: of several tries the one that was interrupted least counts. */
static struct tick_pair look_at_both(void)
{
    struct tick_pair best = {0, 0};
    uint64_t best_width = UINT64_MAX;

    for (int i = 0; i < SAMPLES; i++) {
        uint64_t before = weir__clock_ticks();
        int64_t ns = weir__clock_monotonic_ns();
        uint64_t width = weir__clock_ticks() - before;
        if (width < best_width) {
            best_width = width;
            best = (struct tick_pair){before + width / 2, ns};
        }
    }
    return best;
}

#if defined(__x86_64__)
static bool kernel_keeps_time_by_tsc(void)
{
    char name[8] = "";
    int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, name, sizeof name - 1);

    if (fd >= 0)
        close(fd);
    return n > 0 && strcmp(name, "tsc\n") == 0;
}
#endif

static void find_ticks(void)
{
#if defined(__x86_64__)
    weir__clock_has_tsc = kernel_keeps_time_by_tsc();
    if (!weir__clock_has_tsc)
        return;
#endif
    first_look = look_at_both();
    while (weir__clock_monotonic_ns() < first_look.ns + FIRST_LOOK_NS)
        ;
    weir__clock_ticks_refine();
}

void weir__clock_ticks_init(void)
{
    pthread_once(&ticks_found, find_ticks);
}

void weir__clock_ticks_refine(void)
{
    struct tick_pair now = look_at_both();

    if (first_look.ticks != 0 && now.ticks > first_look.ticks && now.ns - first_look.ns >= FIRST_LOOK_NS)
        atomic_store_explicit(
            &ns_per_tick_32,
            (uint64_t)(((unsigned __int128)(now.ns - first_look.ns) << 32) / (now.ticks - first_look.ticks)),
            memory_order_relaxed);
}

int64_t weir__clock_ticks_ns(uint64_t ticks)
{
    uint64_t rate = atomic_load_explicit(&ns_per_tick_32, memory_order_relaxed);

    return (int64_t)((unsigned __int128)ticks * rate >> 32);
}

uint64_t weir__clock_ns_ticks(int64_t ns)
{
    uint64_t rate = atomic_load_explicit(&ns_per_tick_32, memory_order_relaxed);

    return (uint64_t)(((unsigned __int128)(uint64_t)ns << 32) / rate);
}

int64_t weir__clock_local_offset_s(int64_t wall_ns)
{
    time_t s = (time_t)(wall_ns / NS_PER_S);
    struct tm local;

    return localtime_r(&s, &local) != NULL ? (int64_t)local.tm_gmtoff : 0;
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

struct weir__civil weir__clock_civil_of_s(int64_t wall_s)
{
    struct weir__civil c = {0};
    int64_t days = divide_down(wall_s, S_PER_DAY);
    int second_of_day = (int)(wall_s - days * S_PER_DAY);

    set_date(&c, days);
    c.hour = second_of_day / 3600;
    c.minute = second_of_day / 60 % 60;
    c.second = second_of_day % 60;
    return c;
}

struct weir__civil weir__clock_civil(int64_t wall_ns)
{
    int64_t ms = divide_down(wall_ns, NS_PER_MS);
    int64_t s = divide_down(ms, 1000);
    struct weir__civil c = weir__clock_civil_of_s(s);

    c.ms = (int)(ms - s * 1000);
    return c;
}

int64_t weir__clock_civil_s(const struct weir__civil *c)
{
    int64_t year = c->year - (c->month <= 2); /* that began in March */
    int64_t era = divide_down(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (c->month > 2 ? c->month - 3 : c->month + 9) + 2) / 5 + c->day - 1;
    int64_t days =
        era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;

    return days * S_PER_DAY + c->hour * 3600 + c->minute * 60 + c->second;
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
