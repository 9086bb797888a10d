/* SPDX-License-Identifier: MIT */
#include "text/media_type.h"

#include <string.h>

#include <weir/http_text.h>

bool media_type_is_plain(weir_bytes text)
{
    const char *slash = memchr(text.data, '/', text.len);
    const size_t before = slash != NULL ? (size_t)(slash - text.data) : 0;

    return slash != NULL && weir_token_is_valid((weir_bytes){text.data, before}) &&
           weir_token_is_valid((weir_bytes){slash + 1, text.len - before - 1});
}

/* Returns: what is behind the quoted string that text begins with; NULL: it is none, or has no end. */
static const char *behind_quoted(const char *text)
{
    for (text++; *text != '"'; text++) {
        if (*text == '\\')
            text++;
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return NULL;
    }
    return text + 1;
}

/* Returns: what is behind the parameter that text begins with; NULL: it is none. */
static const char *behind_parameter(const char *text)
{
    const size_t name = strcspn(text, "=; \t");
    const char *value = text + name + 1;
    size_t length;

    if (text[name] != '=' || !weir_token_is_valid((weir_bytes){text, name}))
        return NULL;
    if (*value == '"')
        return behind_quoted(value);
    length = strcspn(value, "; \t");
    return weir_token_is_valid((weir_bytes){value, length}) ? value + length : NULL;
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
            at = behind_parameter(at);
    }
    return at != NULL;
}
