/* SPDX-License-Identifier: MIT */
#include "text/cache_control.h"

#include <string.h>

#include <weir/http_text.h>

#include "text/parameter.h"

/* Returns: what is behind the directive that text begins with; NULL: it is none. */
static const char *skip_directive(const char *text)
{
    const size_t name = strcspn(text, "=, \t");

    if (text[name] == '=')
        return parameter_skip(text, ", \t");
    return weir_token_is_valid((weir_bytes){text, name}) ? text + name : NULL;
}

bool cache_control_is_valid(const char *text)
{
    bool any = false;

    while (text != NULL && *(text += strspn(text, " \t,")) != '\0') {
        text = skip_directive(text);
        if (text != NULL)
            text += strspn(text, " \t");
        any = text != NULL && (*text == ',' || *text == '\0');
        if (!any)
            return false;
    }
    return any;
}

bool cache_control_has(const char *value, const char *directive)
{
    weir_bytes rest = weir_bytes_of(value != NULL ? value : ""), item;

    while (weir_list_next(&rest, ',', &item)) {
        const char *equals = memchr(item.data, '=', item.len);

        if (equals != NULL)
            item.len = (size_t)(equals - item.data);
        if (weir_bytes_equal_nocase(item, weir_bytes_of(directive)))
            return true;
    }
    return false;
}
