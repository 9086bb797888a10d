/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include <weir/attempts.h>
#include <weir/http_text.h>

/* Beyond any use, and far from overflowing as nanoseconds. */
static const int64_t SECONDS_MAX = 1000000000;

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static weir_bytes trimmed(const char *value)
{
    weir_bytes text;

    while (is_space(*value))
        value++;
    text = (weir_bytes){value, strlen(value)};
    while (text.len > 0 && is_space(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* Returns: -1: it is no number. */
static int64_t seconds_of(weir_bytes text)
{
    int64_t seconds = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -1;
        if (seconds < SECONDS_MAX)
            seconds = seconds * 10 + (text.data[i] - '0');
    }
    return text.len > 0 ? seconds : -1;
}

int weir_retry_after_parse(const char *value, int64_t now, weir_duration *out)
{
    const weir_bytes text = trimmed(value);
    int64_t seconds = seconds_of(text), date;

    if (seconds < 0) {
        if (weir_http_date_parse(text, now, &date) < 0)
            return -EINVAL;
        if (__builtin_sub_overflow(date, now, &seconds))
            seconds = date > now ? SECONDS_MAX : 0;
        if (seconds < 0)
            seconds = 0;
    }
    *out = weir_seconds(seconds < SECONDS_MAX ? seconds : SECONDS_MAX);
    return 0;
}
