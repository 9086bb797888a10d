/* SPDX-License-Identifier: MIT */
#include "http/conditional.h"

#include <string.h>

void http_date(time_t when, char out[HTTP_DATE_BYTES])
{
    struct tm parts;

    out[0] = '\0';
    if (gmtime_r(&when, &parts) != NULL)
        (void)strftime(out, HTTP_DATE_BYTES, "%a, %d %b %Y %H:%M:%S GMT", &parts); /* of the C locale */
}

static const char *without_weakness(const char *tag)
{
    return strncmp(tag, "W/", 2) == 0 ? tag + 2 : tag;
}

bool etag_is_named(const char *value, const char *etag)
{
    size_t length;

    etag = without_weakness(etag);
    length = strlen(etag);
    for (;;) {
        const char *end;

        value += strspn(value, " \t,");
        if (*value == '*')
            return true;
        value = without_weakness(value);
        end = *value == '"' ? strchr(value + 1, '"') : NULL;
        if (end == NULL)
            return false; /* the end, or no tag */
        if ((size_t)(end + 1 - value) == length && memcmp(value, etag, length) == 0)
            return true;
        value = end + 1;
    }
}

bool is_not_modified(const char *none_match, const char *modified_since, const char *etag, const char *date)
{
    if (none_match != NULL)
        return etag_is_named(none_match, etag);
    return modified_since != NULL && date[0] && strcmp(modified_since, date) == 0;
}
