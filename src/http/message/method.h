/* SPDX-License-Identifier: MIT */
/* Methods of requests. Threading: pure functions. */
#ifndef WEIR__HTTP_MESSAGE_METHOD_H
#define WEIR__HTTP_MESSAGE_METHOD_H

#include <stdbool.h>

#include <weir/buffer.h>

enum weir__http_method {
    WEIR__HTTP_GET,
    WEIR__HTTP_HEAD,
    WEIR__HTTP_POST,
    WEIR__HTTP_PUT,
    WEIR__HTTP_DELETE,
    WEIR__HTTP_PATCH,
    WEIR__HTTP_OPTIONS,
    WEIR__HTTP_CONNECT,
    WEIR__HTTP_TRACE,
    WEIR__HTTP_OTHER_METHOD, /* any other that is registered: PROPFIND, … */
};

/* The method of this exact text: case matters.
 * Returns: WEIR__HTTP_OTHER_METHOD for one that is not named above.
 * Where:   any thread. */
enum weir__http_method weir__http_method_of(weir_bytes text);

/* Takes the next word off a list of methods, with spaces or commas between them.
 * Returns: false at the end. */
bool weir__http_method_next(weir_bytes *rest, weir_bytes *word);

#endif
