/* SPDX-License-Identifier: MIT */
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int beneath_root(const char *directory)
{
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The next byte of a path; -1: one that no name has. */
static int take_byte(const char **at)
{
    const char *c = *at;
    if (*c != '%') {
        *at = c + 1;
        return (unsigned char)*c;
    }
    int high = hex_digit(c[1]), low = high < 0 ? -1 : hex_digit(c[2]);
    *at = c + 3;
    int byte = low < 0 ? -1 : high << 4 | low;
    return byte == 0 || byte == '/' ? -1 : byte;
}

int beneath_path(const char *asked, char *out)
{
    size_t n = 0;
    while (*asked) {
        bool slash = *asked == '/';
        int byte = take_byte(&asked);
        bool first = n == 0 || out[n - 1] == '/';
        if (slash && first)
            continue;
        if (byte < 0 || (first && byte == '.'))
            return -ENOENT;
        out[n++] = (char)byte;
    }
    if (n == 0 || out[n - 1] == '/')
        return -ENOENT;
    out[n] = '\0';
    return 0;
}

/* What cannot be reached by this path is not there, for whoever asks. */
static int open_error(int err)
{
    switch (err) {
    case ENOTDIR:
    case EXDEV:
    case ELOOP:
    case EACCES:
    case EPERM:
    case ENAMETOOLONG:
    case ENXIO:
        return -ENOENT;
    default:
        return -err;
    }
}

int beneath_open(int root, const char *path, struct stat *about)
{
    /* Not to wait for a pipe's other end. EAGAIN: a directory was renamed meanwhile. */
    const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                                 .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd;
    int tries = 0;
    do
        fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    while (fd < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < 10)));
    if (fd < 0)
        return open_error(errno);
    int err = fstat((int)fd, about) < 0 ? -errno : S_ISREG(about->st_mode) ? 0 : -ENOENT;
    if (err < 0)
        (void)close((int)fd);
    return err < 0 ? err : (int)fd;
}
