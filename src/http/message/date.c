/* SPDX-License-Identifier: MIT */
#include "http/message/date.h"

#include <string.h>

#include <weir/http_text.h>

#include "base/clock.h"

static const char week_days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static const int64_t FIRST_SECOND = -62167219200; /* 0000-01-01 00:00:00 */
static const int64_t LAST_SECOND = 253402300799;  /* 9999-12-31 23:59:59 */

static void two_digits(char *out, int n)
{
    out[0] = (char)('0' + n / 10);
    out[1] = (char)('0' + n % 10);
}

void weir__http_date_format(int64_t unix_seconds, char out[static WEIR__HTTP_DATE_BYTES])
{
    struct weir__civil c;

    if (unix_seconds < FIRST_SECOND)
        unix_seconds = FIRST_SECOND;
    if (unix_seconds > LAST_SECOND)
        unix_seconds = LAST_SECOND;
    c = weir__clock_civil_of_s(unix_seconds);
    memcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT", WEIR__HTTP_DATE_BYTES);
    memcpy(out, week_days + 3 * c.weekday, 3);
    two_digits(out + 5, c.day);
    memcpy(out + 8, months + 3 * (c.month - 1), 3);
    two_digits(out + 12, (int)(c.year / 100));
    two_digits(out + 14, (int)(c.year % 100));
    two_digits(out + 17, c.hour);
    two_digits(out + 20, c.minute);
    two_digits(out + 23, c.second);
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
    struct weir__civil c;
    int64_t seconds;
    char again[WEIR__HTTP_DATE_BYTES];

    if (text.len != WEIR__HTTP_DATE_BYTES)
        return -WEIR_EPROTOCOL;
    p = text.data;
    c = (struct weir__civil){.year = number_at(p + 12) * 100 + number_at(p + 14),
                             .month = month_at(p + 8),
                             .day = number_at(p + 5),
                             .hour = number_at(p + 17),
                             .minute = number_at(p + 20),
                             .second = number_at(p + 23)};
    if (number_at(p + 12) < 0 || number_at(p + 14) < 0 || c.month < 0 || c.day < 1 || c.hour < 0 ||
        c.minute < 0 || c.second < 0)
        return -WEIR_EPROTOCOL;
    seconds = weir__clock_civil_s(&c);
    /* A date that exists is written as it was read. This checks the day of the week, the punctuation and
     * every range. */
    weir__http_date_format(seconds, again);
    if (memcmp(again, p, WEIR__HTTP_DATE_BYTES) != 0)
        return -WEIR_EPROTOCOL;
    *unix_seconds = seconds;
    return 0;
}

/* --- the obsolete forms: rewritten as the present one, and read as that --- */

/* "Sun Nov  6 08:49:37 1994" */
static int parse_asctime(weir_bytes text, int64_t *unix_seconds)
{
    static const char form[] = "www mmm dd hh:mm:ss yyyy";
    char again[WEIR__HTTP_DATE_BYTES + 1] = "www, dd mmm yyyy hh:mm:ss GMT";
    const char *p = text.data;

    if (text.len != sizeof form - 1 || p[3] != ' ' || p[7] != ' ' || p[10] != ' ' || p[19] != ' ')
        return -WEIR_EPROTOCOL;
    memcpy(again, p, 3);
    memcpy(again + 5, p + 8, 2);
    if (again[5] == ' ')
        again[5] = '0';
    memcpy(again + 8, p + 4, 3);
    memcpy(again + 12, p + 20, 4);
    memcpy(again + 17, p + 11, 8);
    return weir__http_date_parse((weir_bytes){again, WEIR__HTTP_DATE_BYTES}, unix_seconds);
}

/* The latest year with these last two digits that is at most 50 years ahead. */
static int64_t year_of(int two, int64_t now)
{
    const int64_t last = weir__clock_civil_of_s(now).year + 50;

    return last - (last - two) % 100;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static int parse_rfc850(weir_bytes text, int64_t now, int64_t *unix_seconds)
{
    static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
    static const char rest[] = ", dd-mmm-yy hh:mm:ss GMT";
    char again[WEIR__HTTP_DATE_BYTES + 1] = "www, dd mmm yyyy hh:mm:ss GMT";
    const char *p = text.data;
    size_t day;
    int two;

    for (day = 0; day < 7; day++)
        if (text.len == strlen(days[day]) + sizeof rest - 1 && memcmp(p, days[day], strlen(days[day])) == 0)
            break;
    if (day == 7)
        return -WEIR_EPROTOCOL;
    p += strlen(days[day]);
    two = number_at(p + 9);
    if (memcmp(p, ", ", 2) != 0 || p[4] != '-' || p[8] != '-' || two < 0)
        return -WEIR_EPROTOCOL;
    memcpy(again, days[day], 3);
    memcpy(again + 5, p + 2, 2);
    memcpy(again + 8, p + 5, 3);
    two_digits(again + 12, (int)(year_of(two, now) / 100));
    memcpy(again + 14, p + 9, 2);
    memcpy(again + 16, p + 11, 13);
    return weir__http_date_parse((weir_bytes){again, WEIR__HTTP_DATE_BYTES}, unix_seconds);
}

int weir_http_date_parse(weir_bytes text, int64_t now, int64_t *unix_seconds)
{
    if (now < 0 || now > LAST_SECOND)
        now = now < 0 ? 0 : LAST_SECOND;
    if (weir__http_date_parse(text, unix_seconds) == 0 || parse_asctime(text, unix_seconds) == 0)
        return 0;
    return parse_rfc850(text, now, unix_seconds);
}
