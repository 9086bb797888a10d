/* SPDX-License-Identifier: MIT */
#include "supervisor/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int make_in(const char *parent, size_t length, char out[FOLDER_BYTES])
{
    int written;

    if (parent == NULL || length == 0)
        return -ENOENT;
    written = snprintf(out, FOLDER_BYTES, "%.*s/weir-XXXXXX", (int)length, parent);
    if (written < 0 || written >= FOLDER_BYTES)
        return -ENAMETOOLONG;
    return mkdtemp(out) != NULL ? 0 : -errno;
}

static int make_where_named(const char *variable, char out[FOLDER_BYTES])
{
    const char *value = getenv(variable);

    /* systemd names several folders with colons between them */
    return make_in(value, value != NULL ? strcspn(value, ":") : 0, out);
}

int folder_make(char out[FOLDER_BYTES])
{
    if (make_where_named("RUNTIME_DIRECTORY", out) == 0 || make_where_named("XDG_RUNTIME_DIR", out) == 0)
        return 0;
    return make_in("/tmp", strlen("/tmp"), out);
}

void folder_remove(const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;

    if (entries == NULL)
        return;
    while ((entry = readdir(entries)) != NULL)
        (void)unlinkat(dirfd(entries), entry->d_name, 0); /* not "." and ".." */
    (void)closedir(entries);
    (void)rmdir(folder);
}
