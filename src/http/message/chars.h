/* SPDX-License-Identifier: MIT */
/* Classes of bytes: one table for all that reads or writes HTTP text.
 *
 * Threading: constant data.
 */
#ifndef WEIR__HTTP_MESSAGE_CHARS_H
#define WEIR__HTTP_MESSAGE_CHARS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    WEIR__HTTP_TCHAR = 1,      /* in a token: field names, methods */
    WEIR__HTTP_VCHAR = 2,      /* in a field value: visible, space, tab, and what is beyond ASCII */
    WEIR__HTTP_UNRESERVED = 4, /* equal in meaning when escaped: letters, digits, - . _ ~ */
    WEIR__HTTP_HOSTCHAR = 8,   /* in a host name */
    WEIR__HTTP_HEXDIGIT = 16,  /* 0-9 a-f A-F */
    WEIR__HTTP_DIGIT = 32,     /* 0-9 */
    WEIR__HTTP_VISIBLE = 64,   /* 0x21-0x7e: in the target of a request that is read */
    WEIR__HTTP_TARGET = 128 /* in a path or query (RFC 3986), with / ? and %: in a target that is written */
};

extern const uint8_t weir__http_chars[256];

/* Whether c belongs to a class above. */
static inline bool weir__http_char_is(char c, int class)
{
    return (weir__http_chars[(unsigned char)c] & class) != 0;
}

/* The value of a hex digit, or -1. */
static inline int weir__http_hex(char c)
{
    char lower = (char)(c | 0x20);

    if (c >= '0' && c <= '9')
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

#endif
