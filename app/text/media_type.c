/* SPDX-License-Identifier: MIT */
#include "text/media_type.h"

#include <string.h>

#include <weir/http_text.h>

#include "text/parameter.h"

bool media_type_is_plain(weir_bytes text)
{
    const char *slash = memchr(text.data, '/', text.len);
    const size_t before = slash != NULL ? (size_t)(slash - text.data) : 0;

    return slash != NULL && weir_token_is_valid((weir_bytes){text.data, before}) &&
           weir_token_is_valid((weir_bytes){slash + 1, text.len - before - 1});
}

bool media_type_is_valid(const char *text)
{
    const size_t essence = strcspn(text, "; \t");
    const char *at = text + essence;

    if (!media_type_is_plain((weir_bytes){text, essence}))
        return false;
    while (at != NULL && *at != '\0') {
        at += strspn(at, " \t");
        if (*at != ';')
            return false;
        at += 1 + strspn(at + 1, " \t");
        if (*at != ';' && *at != '\0') /* a parameter may be left out */
            at = parameter_skip(at, "; \t");
    }
    return at != NULL;
}
