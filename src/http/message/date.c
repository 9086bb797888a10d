/* SPDX-License-Identifier: MIT */
#include "http/message/date.h"

#include <string.h>

static const char week_days[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

enum { DAY_SECONDS = 86400 };

static const int64_t FIRST_SECOND = -62167219200; /* 0000-01-01 00:00:00 */
static const int64_t LAST_SECOND = 253402300799;  /* 9999-12-31 23:59:59 */

/* Days since 1970 and dates of the Gregorian calendar, counted in years that start in March so that the leap
 * day is the last; 400 years have 146097 days. */
struct civil {
    int year, month, day; /* month and day from 1 */
};

static struct civil civil_of_days(int64_t days)
{
    int64_t era;
    int of_era, year, of_year, from_march;
    struct civil c;

    days += 719468; /* from 0000-03-01 */
    era = (days >= 0 ? days : days - 146096) / 146097;
    of_era = (int)(days - era * 146097);
    year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    of_year = of_era - (365 * year + year / 4 - year / 100);
    from_march = (5 * of_year + 2) / 153;
    c.day = of_year - (153 * from_march + 2) / 5 + 1;
    c.month = from_march < 10 ? from_march + 3 : from_march - 9;
    c.year = year + (int)era * 400 + (c.month <= 2);
    return c;
}

static int64_t days_of_civil(struct civil c)
{
    int64_t year = c.year - (c.month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int of_era = (int)(year - era * 400);
    int of_year = (153 * (c.month > 2 ? c.month - 3 : c.month + 9) + 2) / 5 + c.day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void two_digits(char *out, int n)
{
    out[0] = (char)('0' + n / 10);
    out[1] = (char)('0' + n % 10);
}

void weir__http_date_format(int64_t unix_seconds, char out[static WEIR__HTTP_DATE_BYTES])
{
    int second;
    int64_t days;
    struct civil c;
    int week_day;

    if (unix_seconds < FIRST_SECOND)
        unix_seconds = FIRST_SECOND;
    if (unix_seconds > LAST_SECOND)
        unix_seconds = LAST_SECOND;
    second = (int)(unix_seconds % DAY_SECONDS);
    if (second < 0)
        second += DAY_SECONDS;
    days = (unix_seconds - second) / DAY_SECONDS;
    c = civil_of_days(days);
    week_day = (int)((days % 7 + 7) % 7);

    memcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT", WEIR__HTTP_DATE_BYTES);
    memcpy(out, week_days + 3 * week_day, 3);
    two_digits(out + 5, c.day);
    memcpy(out + 8, months + 3 * (c.month - 1), 3);
    two_digits(out + 12, c.year / 100);
    two_digits(out + 14, c.year % 100);
    two_digits(out + 17, second / 3600);
    two_digits(out + 20, second / 60 % 60);
    two_digits(out + 23, second % 60);
}

/* Reads two digits, or -1. */
static int number_at(const char *p)
{
    unsigned tens = (unsigned)(p[0] - '0'), ones = (unsigned)(p[1] - '0');

    return tens > 9 || ones > 9 ? -1 : (int)(tens * 10 + ones);
}

static int month_at(const char *p)
{
    for (int m = 0; m < 12; m++) {
        if (memcmp(p, months + 3 * m, 3) == 0)
            return m + 1;
    }
    return -1;
}

int weir__http_date_parse(weir_bytes text, int64_t *unix_seconds)
{
    const char *p;
    struct civil c;
    int hour, minute, second;
    int64_t seconds;
    char again[WEIR__HTTP_DATE_BYTES];

    if (text.len != WEIR__HTTP_DATE_BYTES)
        return -WEIR_EPROTOCOL;
    p = text.data;
    c = (struct civil){number_at(p + 12) * 100 + number_at(p + 14), month_at(p + 8), number_at(p + 5)};
    hour = number_at(p + 17);
    minute = number_at(p + 20);
    second = number_at(p + 23);
    if (number_at(p + 12) < 0 || number_at(p + 14) < 0 || c.month < 0 || c.day < 1 || hour < 0 ||
        minute < 0 || second < 0)
        return -WEIR_EPROTOCOL;
    seconds = days_of_civil(c) * DAY_SECONDS + hour * 3600 + minute * 60 + second;
    /* A date that exists is written as it was read. This checks the day of the week, the punctuation and
     * every range. */
    weir__http_date_format(seconds, again);
    if (memcmp(again, p, WEIR__HTTP_DATE_BYTES) != 0)
        return -WEIR_EPROTOCOL;
    *unix_seconds = seconds;
    return 0;
}
