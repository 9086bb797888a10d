/* SPDX-License-Identifier: MIT */
#include "http/message/date.h"

#include <string.h>

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
