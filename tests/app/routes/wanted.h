/* SPDX-License-Identifier: MIT */
/* A client that asks once, for tests that cancel it at each of its waits. */
#ifndef TESTS_APP_ROUTES_WANTED_H
#define TESTS_APP_ROUTES_WANTED_H

#include <stdlib.h>
#include <string.h>

#include <weir/stream.h>

#include "support/run.h"

/* Sends the request and reads the answer, of less than room bytes, to its end, or to what is wanted of it. */
static inline int ask_for_wanted(const char *address, const char *request, const char *wanted, size_t room)
{
    char *text = calloc(1, room);
    size_t len = 0;
    weir_stream *s;
    ssize_t n = 1;
    int err = weir_connect(address, &s);

    if (err == 0) {
        err = weir_write(s, request, strlen(request));
        while (err == 0 && n > 0 && strstr(text, wanted) == NULL) {
            n = weir_read(s, text + len, room - 1 - len);
            len += n > 0 ? (size_t)n : 0;
        }
        weir_stream_close(s);
        if (err == 0 && n >= 0 && strstr(text, wanted) == NULL)
            fail_msg("no '%s' in: %s", wanted, text);
    }
    free(text);
    return err < 0 ? err : n < 0 ? (int)n : 0;
}

#endif
