/* SPDX-License-Identifier: MIT */
#include "commands/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/guard.h>
#include <weir/fd.h>
#include <weir/task.h>

#include "commands/commands.h"

enum { LAST_TRIES = 10, LAST_WAIT_MS = 50 };

/* Opens standard output without blocking. The flags of its own descriptor are shared with other programs, so
 * a terminal or pipe is opened anew. Anything else, or what may not be opened, is used as it is.
 * Returns: the descriptor; -EPIPE a pipe without a reader.
 */
static int open_output(void)
{
    struct stat about;
    int fd;

    if (fstat(STDOUT_FILENO, &about) < 0 || !(S_ISCHR(about.st_mode) || S_ISFIFO(about.st_mode)))
        return STDOUT_FILENO;
    fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENXIO ? -EPIPE : STDOUT_FILENO;
    return fd;
}

static void close_output(int fd)
{
    if (fd > STDOUT_FILENO)
        close(fd);
}

static ssize_t write_some(int fd, const char *data, size_t bytes)
{
    weir_guard_allow nothing_else_runs;
    int err;
    ssize_t n;

    weir_guard_allow_begin(&nothing_else_runs, "write");
    do
        n = write(fd, data, bytes);
    while (n < 0 && errno == EINTR);
    err = errno;
    weir_guard_allow_end(&nothing_else_runs);
    return n < 0 ? -err : n;
}

/* Waits for room, and then a moment more: a terminal may report room when it has too little. */
static int wait_for_room(int fd)
{
    int err = weir_wait_fd(fd, POLLOUT);

    return err < 0 ? err : weir_sleep(weir_ms(10));
}

int output_write(const char *data, size_t bytes)
{
    const int fd = fflush(stdout) == 0 ? open_output() : -errno;
    int err = fd < 0 ? fd : 0;

    while (err == 0 && bytes > 0) {
        ssize_t n = write_some(fd, data, bytes);
        if (n == -EAGAIN)
            err = wait_for_room(fd);
        else if (n < 0)
            err = (int)n;
        if (n > 0) {
            data += n;
            bytes -= (size_t)n;
        }
    }
    close_output(fd);
    return err;
}

bool output_write_last(const char *data, size_t bytes)
{
    struct pollfd out = {.fd = open_output(), .events = POLLOUT};
    ssize_t n = 0;

    for (int tries = 0; out.fd >= 0 && bytes > 0 && tries < LAST_TRIES; tries++) {
        n = write_some(out.fd, data, bytes);
        if (n == -EAGAIN)
            (void)poll(&out, 1, LAST_WAIT_MS);
        else if (n < 0)
            break;
        if (n > 0) {
            data += n;
            bytes -= (size_t)n;
        }
    }
    close_output(out.fd);
    return bytes == 0;
}

bool output_is_wanted(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    return poll(&out, 1, 0) <= 0 || !(out.revents & POLLERR);
}

int output_print(const char *data, size_t bytes)
{
    int err = output_write(data, bytes);

    if (err == -EPIPE)
        _exit(EXIT_FINE);
    if (err < 0 && err != -WEIR_ECANCELED)
        fprintf(stderr, "weir: the output cannot be written: %s\n", weir_error_text(err));
    return err < 0 ? EXIT_FAILED : EXIT_FINE;
}
