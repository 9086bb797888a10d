/* SPDX-License-Identifier: MIT */
#include "text/proc_file.h"

#include <fcntl.h>
#include <unistd.h>

size_t proc_file_read(const char *path, char *text, size_t bytes)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? -1 : read(fd, text, bytes - 1);

    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}
