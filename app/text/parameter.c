/* SPDX-License-Identifier: MIT */
#include "text/parameter.h"

#include <string.h>

#include <weir/http_text.h>

/* Returns: what is behind the quoted string that text begins with; NULL: it has no end. */
static const char *skip_quoted(const char *text)
{
    for (text++; *text != '"'; text++) {
        if (*text == '\\')
            text++;
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return NULL;
    }
    return text + 1;
}

const char *parameter_skip(const char *text, const char *ends)
{
    const char *equals = strchr(text, '='), *value;
    size_t length;

    if (equals == NULL || !weir_token_is_valid((weir_bytes){text, (size_t)(equals - text)}))
        return NULL;
    value = equals + 1;
    if (*value == '"')
        return skip_quoted(value);
    length = strcspn(value, ends);
    return weir_token_is_valid((weir_bytes){value, length}) ? value + length : NULL;
}
