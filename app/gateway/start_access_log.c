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

/* Says what there is in place of a file that can be appended to; otherwise what the error is. */
static const char *why(const struct stat *is, int err)
{
    return S_ISDIR(is->st_mode)                     ? "it is a folder"
           : S_ISSOCK(is->st_mode)                  ? "it is a socket"
           : S_ISBLK(is->st_mode)                   ? "it is a disk"
           : err == -ENXIO && S_ISFIFO(is->st_mode) ? "it is a FIFO that no program reads"
           : err == -ENXIO                          ? "it is a device that does not exist"
                                                    : weir_error_text(err);
}

/* Opens what exists as the gateway will: nothing else tells all reasons. But a disk would be overwritten, and
 * the reader of a FIFO would read its end.
 * Returns: 0; < 0, which is not the whole reason. */
static int try_to_open(const char *path, const struct stat *is)
{
    int fd;

    if (S_ISBLK(is->st_mode))
        return -EINVAL;
    if (S_ISFIFO(is->st_mode))
        return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 && errno == EACCES ? -EACCES : 0;
    fd = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    (void)close(fd);
    return 0;
}

/* Returns: what is wrong; NULL: nothing. */
static const char *check(const char *path)
{
    struct stat is = {.st_mode = 0};
    int err;

    if (stat(path, &is) == 0)
        err = try_to_open(path, &is);
    else
        err = errno == ENOENT ? check_folder(path) : -errno;
    return err < 0 ? why(&is, err) : NULL;
}

const char *start_access_log_why(const struct config *config, int err)
{
    struct stat is;

    return stat(config->access_log.path, &is) < 0 ? weir_error_text(err) : why(&is, err);
}

const char *start_access_log_expected(const struct config *config, char out[FAULT_TEXT_BYTES])
{
    (void)snprintf(
        out, FAULT_TEXT_BYTES,
        "access_log.path is '%s', expected a file that this user can append to, a FIFO with a reader, or "
        "a character device",
        config->access_log.path);
    return out;
}

void start_access_log_check(const struct config *config, struct config_faults *faults)
{
    const struct config_access_log *log = &config->access_log;
    const char *wrong = log->on && log->path != NULL ? check(log->path) : NULL;
    char text[FAULT_TEXT_BYTES];

    if (wrong != NULL)
        config_fault(faults, log->path_place, "%s: %s", start_access_log_expected(config, text), wrong);
}
