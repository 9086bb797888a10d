/* SPDX-License-Identifier: MIT */
#include "text/cache_control.h"

#include <string.h>

#include <weir/http_text.h>

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
