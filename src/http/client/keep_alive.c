/* SPDX-License-Identifier: MIT */
#include "http/client/keep_alive.h"

#include <string.h>

#include "http/message/headers.h"

/* The number behind "name=", at most WEIR__KEEP_ALIVE_SECONDS_MAX. -1: the element has another name, or no
 * number. */
static int number_of(weir_bytes element, weir_bytes name)
{
    int n = 0;

    if (element.len < name.len + 2 || element.data[name.len] != '=' ||
        !weir_bytes_equal_nocase((weir_bytes){element.data, name.len}, name))
        return -1;
    for (size_t i = name.len + 1; i < element.len; i++) {
        if (element.data[i] < '0' || element.data[i] > '9')
            return -1;
        n = 10 * n + (element.data[i] - '0');
        if (n > WEIR__KEEP_ALIVE_SECONDS_MAX)
            n = WEIR__KEEP_ALIVE_SECONDS_MAX;
    }
    return n;
}

void weir__keep_alive_read(struct weir__keep_alive *known, weir_bytes value)
{
    weir_bytes element;

    while (weir_list_next(&value, ',', &element)) {
        int seconds = number_of(element, WEIR__HTTP_TEXT("timeout"));
        if (seconds > 1)
            known->unused_ns = (seconds - 1) * INT64_C(1000000000);
        if ((seconds >= 0 && seconds <= 1) || number_of(element, WEIR__HTTP_TEXT("max")) == 0)
            known->ends = true;
    }
}
