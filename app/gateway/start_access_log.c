/* SPDX-License-Identifier: MIT */
#include "gateway/start_access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether the folder of a file that does not exist lets one be made. Returns: 0; -errno. */
static int check_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[4096] = ".";
    const size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);

    if (length >= sizeof folder)
        return -ENAMETOOLONG;
    if (length > 0)
        (void)snprintf(folder, sizeof folder, "%.*s", (int)length, path);
    if (slash != NULL && slash[1] == '\0')
        return -EISDIR;
    return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* Opens what exists as the gateway will: nothing else tells all reasons. Returns: 0; -errno. */
static int check(const char *path)
{
    struct stat is;
    int fd;

    if (stat(path, &is) < 0)
        return errno == ENOENT ? check_folder(path) : -errno;
    fd = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    (void)close(fd);
    return 0;
}

const char *start_access_log_expected(const struct config *config, char out[FAULT_TEXT_BYTES])
{
    (void)snprintf(out, FAULT_TEXT_BYTES,
                   "access_log.path is '%s', expected a file that this user can append to",
                   config->access_log.path);
    return out;
}

void start_access_log_check(const struct config *config, struct config_faults *faults)
{
    const struct config_access_log *log = &config->access_log;
    const int err = log->on && log->path != NULL ? check(log->path) : 0;
    char text[FAULT_TEXT_BYTES];

    if (err < 0)
        config_fault(faults, log->path_place, "%s: %s", start_access_log_expected(config, text),
                     err == -ENXIO ? "it is a socket, or a FIFO that no program reads"
                                   : weir_error_text(err));
}
