/* SPDX-License-Identifier: MIT */
#include "text/certificates.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

const char *certificate_date(char out[CERTIFICATE_DATE_BYTES], int64_t seconds)
{
    const time_t when = (time_t)seconds;
    struct tm parts;

    if (gmtime_r(&when, &parts) == NULL || strftime(out, CERTIFICATE_DATE_BYTES, "%Y-%m-%d", &parts) == 0)
        snprintf(out, CERTIFICATE_DATE_BYTES, "?");
    return out;
}

double certificate_days(int64_t seconds, int64_t now_s)
{
    return (double)(seconds - now_s) / 86400;
}

static bool ends_with(const char *text, size_t length, const char *end, size_t end_length)
{
    return length >= end_length && strncasecmp(text + length - end_length, end, end_length) == 0;
}

/* Whether a name of a certificate is for a host. */
static bool name_has(const char *name, size_t length, const char *host)
{
    const size_t host_length = strlen(host);
    const char *dot = strchr(host, '.');

    if (host[0] == '*') /* of a route: the name is below it, or the same */
        return ends_with(name, length, host + 1, host_length - 1);
    if (length > 1 && name[0] == '*')
        return dot != NULL && strlen(dot) == length - 1 && strncasecmp(dot, name + 1, length - 1) == 0;
    return length == host_length && strncasecmp(name, host, length) == 0;
}

bool certificate_names_have(const char *names, const char *host)
{
    while (*names != '\0') {
        const size_t length = strcspn(names, ",");
        if (name_has(names, length, host))
            return true;
        names += length;
        names += strspn(names, ", ");
    }
    return false;
}
