/* SPDX-License-Identifier: MIT */
/* Escapes, %XX. Threading: pure functions over the caller's memory. */
#ifndef WEIR__HTTP_MESSAGE_PERCENT_H
#define WEIR__HTTP_MESSAGE_PERCENT_H

#include <stddef.h>

#include <weir/buffer.h>

#include "http/message/chars.h"

/* The byte that the escape at text.data[at] stands for, or -1 if it is broken. */
static inline int weir__percent_byte(weir_bytes text, size_t at)
{
    int high, low;

    if (text.len - at < 3)
        return -1;
    high = weir__http_hex(text.data[at + 1]);
    low = weir__http_hex(text.data[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Writes the escape of a byte. Returns: its length, 3. */
size_t weir__percent_escape(char c, char out[3]);

#endif
