/* SPDX-License-Identifier: MIT */
/* A probe is a few lines over a stream, rather than weir_fetch(): an answer of 503 is nothing to be logged
 * here, and the connection must not be kept, since it may be all that the process can serve. */
#include "supervisor/app_ready.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <weir/scope.h>
#include <weir/stream.h>
#include <weir/task.h>

enum { PAUSE_MS_MIN = 5, PAUSE_MS_MAX = 200, ANSWER_MS = 2000, STATUS_LINE_BYTES = 12 };

static int send_request(weir_stream *stream, const char *path)
{
    static const char before[] = "GET ",
                      after[] =
                          " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: weir\r\nConnection: close\r\n\r\n";
    struct iovec pieces[] = {{(void *)(uintptr_t)before, sizeof before - 1},
                             {(void *)(uintptr_t)path, strlen(path)},
                             {(void *)(uintptr_t)after, sizeof after - 1}};

    return weir_write_pieces(stream, pieces, 3);
}

/* Reads the beginning of an answer. Returns: 0; -WEIR_EPROTOCOL; as weir_read(). */
static int read_status(weir_stream *stream, int *status)
{
    char line[STATUS_LINE_BYTES + 1];
    size_t n = 0;

    while (n < STATUS_LINE_BYTES) {
        ssize_t got = weir_read(stream, line + n, STATUS_LINE_BYTES - n);
        if (got <= 0)
            return got < 0 ? (int)got : -WEIR_ETRUNCATED;
        n += (size_t)got;
    }
    line[n] = '\0';
    return sscanf(line, "HTTP/1.%*1[01] %3d", status) == 1 ? 0 : -WEIR_EPROTOCOL;
}

static int ask(weir_stream *stream, const char *path, int *status)
{
    int err = send_request(stream, path);

    if (err == 0)
        err = read_status(stream, status);
    if (err == 0 && (*status < 200 || *status >= 400))
        err = -EAGAIN;
    return err;
}

/* Connects, and asks if there is a path. A process that takes a request and does not answer it is asked
 * again.
 * Returns: 0 it is ready. */
static int probe(const struct config_app *app, const char *address, int *status)
{
    weir_scope_auto(scope, weir_after_ms(ANSWER_MS), 0);
    weir_stream *stream = NULL;
    int err;

    err = weir_connect(address, &stream);
    if (err == 0 && app->ready_path != NULL)
        err = ask(stream, app->ready_path, status);
    weir_stream_close(stream);
    return err;
}

int app_ready_wait(const struct config_app *app, const char *socket, int *status)
{
    char address[WEIR_ADDRESS_BYTES];
    int64_t pause_ms = PAUSE_MS_MIN;

    (void)snprintf(address, sizeof address, "unix:%s", socket);
    while (probe(app, address, status) < 0) {
        int err = weir_sleep(weir_ms(pause_ms));
        if (err < 0)
            return err;
        pause_ms = pause_ms * 3 / 2 < PAUSE_MS_MAX ? pause_ms * 3 / 2 + 1 : PAUSE_MS_MAX;
    }
    return 0;
}
