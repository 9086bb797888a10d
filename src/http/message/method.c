/* SPDX-License-Identifier: MIT */
#include "http/message/method.h"

#include <string.h>

enum weir__http_method weir__http_method_of(weir_bytes text)
{
#define IS(literal) (memcmp(text.data, literal, sizeof(literal) - 1) == 0)
    switch (text.len) {
    case 3:
        return IS("GET") ? WEIR__HTTP_GET : IS("PUT") ? WEIR__HTTP_PUT : WEIR__HTTP_OTHER_METHOD;
    case 4:
        return IS("POST") ? WEIR__HTTP_POST : IS("HEAD") ? WEIR__HTTP_HEAD : WEIR__HTTP_OTHER_METHOD;
    case 5:
        return IS("PATCH") ? WEIR__HTTP_PATCH : IS("TRACE") ? WEIR__HTTP_TRACE : WEIR__HTTP_OTHER_METHOD;
    case 6:
        return IS("DELETE") ? WEIR__HTTP_DELETE : WEIR__HTTP_OTHER_METHOD;
    case 7:
        return IS("OPTIONS")   ? WEIR__HTTP_OPTIONS
               : IS("CONNECT") ? WEIR__HTTP_CONNECT
                               : WEIR__HTTP_OTHER_METHOD;
    default:
        return WEIR__HTTP_OTHER_METHOD;
    }
#undef IS
}

bool weir__http_method_next(weir_bytes *rest, weir_bytes *word)
{
    while (rest->len > 0 && (*rest->data == ' ' || *rest->data == ','))
        rest->data++, rest->len--;
    word->data = rest->data;
    for (word->len = 0;
         word->len < rest->len && word->data[word->len] != ' ' && word->data[word->len] != ',';)
        word->len++;
    rest->data += word->len;
    rest->len -= word->len;
    return word->len > 0;
}
