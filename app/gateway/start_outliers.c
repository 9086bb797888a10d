/* SPDX-License-Identifier: MIT */
#include "gateway/start_outliers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns: what is wrong with it; NULL: nothing. */
static const char *fault_of(const char *path)
{
    struct stat is;

    if (stat(path, &is) < 0)
        return strerror(errno);
    if (!S_ISDIR(is.st_mode))
        return strerror(ENOTDIR);
    return faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) < 0 ? strerror(errno) : NULL;
}

void start_outliers_check(const struct config *config, struct config_faults *faults)
{
    const struct config_outliers *outliers = &config->outliers;
    const char *fault = outliers->path != NULL ? fault_of(outliers->path) : NULL;

    if (fault != NULL)
        config_fault(faults, outliers->path_place,
                     "outliers.path is '%s', expected a folder that this user can write to: %s",
                     outliers->path, fault);
}
