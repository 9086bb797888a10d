/* SPDX-License-Identifier: MIT */
/* A client that asks once, for tests that cancel it at each of its waits. */
#ifndef TESTS_APP_ROUTES_WANTED_H
#define TESTS_APP_ROUTES_WANTED_H

#include <stdlib.h>
#include <string.h>

#include <weir/stream.h>

#include "core/loop.h"
#include "io/backend.h"
#include "support/run.h"

/* Of a route that waits for a second, which passes in real time while the machine does something else. */
static inline bool is_refusal(const char *answer)
{
    return strstr(answer, " 503 ") != NULL && strstr(answer, "\nretry-after: ") != NULL;
}

/* Sends the request and reads the answer, of less than room bytes, to its end, or to what is wanted of it. */
static inline int ask_for_wanted(const char *address, const char *request, const char *wanted, size_t room)
{
    const bool is_simulated = strcmp(weir__loop_current()->io->backend->name, io_name(WEIR_IO_SIM)) == 0;
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
        if (err == 0 && n >= 0 && strstr(text, wanted) == NULL && (is_simulated || !is_refusal(text)))
            fail_msg("no '%s' in: %s", wanted, text);
    }
    free(text);
    return err < 0 ? err : n < 0 ? (int)n : 0;
}

#endif
