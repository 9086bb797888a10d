/* SPDX-License-Identifier: MIT */
#include "core/log/log_output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void await_room(int fd, int at_most_ms)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};

    (void)poll(&room, 1, at_most_ms);
}

/* Returns: how much was written. A descriptor that does not block is waited for so long, each time. */
size_t weir__log_write_all(int fd, const char *text, size_t n, int at_most_ms)
{
    size_t written = 0;
    bool waited = false;

    while (written < n) {
        ssize_t r = write(fd, text + written, n - written);
        if (r > 0) {
            written += (size_t)r;
            waited = false;
        } else if (r < 0 && errno == EAGAIN && (!waited || at_most_ms == WEIR__LOG_NO_LIMIT)) {
            await_room(fd, at_most_ms);
            waited = true;
        } else if (r == 0 || errno != EINTR) {
            break;
        }
    }
    return written;
}

uint64_t weir__log_lines_of(const char *text, size_t n)
{
    uint64_t lines = 0;

    for (const char *end = text + n; text < end && (text = memchr(text, '\n', (size_t)(end - text))) != NULL;
         text++)
        lines++;
    return lines;
}

/* A file takes any amount at once, a pipe PIPE_BUF. */
size_t weir__log_piece_max(int fd)
{
    struct stat s;

    return fstat(fd, &s) == 0 && S_ISREG(s.st_mode) ? SSIZE_MAX : PIPE_BUF;
}

/* Returns: as many whole lines as are allowed at once; no line is longer than that. */
size_t weir__log_whole_lines(const char *text, size_t n, size_t max)
{
    const char *end = n > max ? memrchr(text, '\n', max) : NULL;

    return end != NULL ? (size_t)(end - text) + 1 : n > max ? max : n;
}
