/* SPDX-License-Identifier: MIT */
#include "http/vary.h"

#include <stdbool.h>
#include <stdio.h>

#include <weir/http_text.h>

static bool has(const char *list, const char *name)
{
    weir_bytes rest = weir_bytes_of(list), item;

    while (weir_list_next(&rest, ',', &item))
        if (weir_bytes_equal_nocase(item, weir_bytes_of(name)) || weir_bytes_equal(item, weir_bytes_of("*")))
            return true;
    return false;
}

int vary_add(weir_response *res, const char *name)
{
    const char *vary = weir_response_header_joined(res, "vary");
    char text[512];
    int n;

    if (vary == NULL)
        return weir_response_header_set(res, "vary", name);
    if (has(vary, name))
        return 0;
    n = snprintf(text, sizeof text, "%s, %s", vary, name);
    if (n >= (int)sizeof text) /* too long to be joined: a second header continues the list */
        return weir_response_header_add(res, "vary", name);
    return weir_response_header_set(res, "vary", text);
}
