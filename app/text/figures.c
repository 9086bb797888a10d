/* SPDX-License-Identifier: MIT */
#include "text/figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

double figure_at(const json_t *object, const char *path)
{
    char name[64];

    for (;;) {
        size_t length = strcspn(path, ".");
        if (length >= sizeof name)
            return NAN;
        memcpy(name, path, length);
        name[length] = '\0';
        object = json_object_get(object, name);
        if (path[length] == '\0')
            return json_is_number(object) ? json_number_value(object) : NAN;
        path += length + 1;
    }
}

const char *figure_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static const char *write_number(char out[FIGURE_BYTES], const char *format, double value)
{
    if (isnan(value))
        return "–";
    snprintf(out, FIGURE_BYTES, format, value);
    return out;
}

const char *figure_ms(char out[FIGURE_BYTES], double ms)
{
    return write_number(out, ms == 0 ? "%.0f" : ms < 9.995 ? "%.2f" : ms < 99.95 ? "%.1f" : "%.0f", ms);
}

const char *figure_rate(char out[FIGURE_BYTES], double per_second)
{
    return write_number(out, per_second > 0 && per_second < 9.95 ? "%.1f" : "%.0f", per_second);
}

const char *figure_count(char out[FIGURE_BYTES], double count)
{
    return write_number(out, "%.0f", count);
}

const char *figure_loop(char out[FIGURE_BYTES], const json_t *object)
{
    const double process = figure_at(object, "process"), loop = figure_at(object, "loop");

    if (isnan(process))
        return figure_count(out, loop);
    (void)snprintf(out, FIGURE_BYTES, "%.0f.%.0f", process, loop);
    return out;
}

const char *figure_percent(char out[FIGURE_BYTES], double share)
{
    const double percent = share * 100;

    if (percent > 0 && percent < 0.05)
        return "<0.1 %";
    return write_number(out, percent > 0 && percent < 9.95 ? "%.1f %%" : "%.0f %%", percent);
}

const char *figure_age(char out[FIGURE_BYTES], double seconds)
{
    const long long s = seconds > 0 ? (long long)seconds : 0;

    if (isnan(seconds))
        return "–";
    if (s < 60)
        snprintf(out, FIGURE_BYTES, "%lld s", s);
    else if (s < 3600)
        snprintf(out, FIGURE_BYTES, "%lld min", s / 60);
    else if (s < 86400)
        snprintf(out, FIGURE_BYTES, "%lld h %lld min", s / 3600, s % 3600 / 60);
    else
        snprintf(out, FIGURE_BYTES, "%lld d %lld h", s / 86400, s % 86400 / 3600);
    return out;
}

static const double ms_from = 1e11; /* a number from here on is one of milliseconds */

double figure_instant(const json_t *object, const char *name)
{
    const double number = figure_at(object, name);
    const char *text = figure_text(object, name);
    struct tm tm = {0};
    double seconds = 0;
    int read = 0;

    if (!isnan(number))
        return number > ms_from ? number / 1000 : number;
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%lf%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &seconds, &read) != 6 ||
        text[read] != 'Z')
        return NAN;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return (double)timegm(&tm) + seconds;
}

const char *figure_clock(char out[FIGURE_BYTES], const json_t *object, const char *name)
{
    const double at = figure_instant(object, name);
    struct tm tm;
    const time_t seconds = isnan(at) ? 0 : (time_t)at;

    if (isnan(at) || gmtime_r(&seconds, &tm) == NULL)
        return figure_text(object, name);
    snprintf(out, FIGURE_BYTES, "%02d:%02d:%02d.%03dZ", tm.tm_hour, tm.tm_min, tm.tm_sec,
             (int)((at - (double)seconds) * 1000));
    return out;
}
