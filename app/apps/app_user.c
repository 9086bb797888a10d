/* SPDX-License-Identifier: MIT */
#include "apps/app_user.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ENTRY_BYTES = 16384 };

int app_user_find(const char *text, struct app_user *out)
{
    char bytes[ENTRY_BYTES], *end;
    struct passwd entry, *found = NULL;
    const unsigned long number = strtoul(text, &end, 10);
    const bool is_number = *text >= '0' && *text <= '9' && *end == '\0';
    int err = 0;

    if (!is_number)
        err = getpwnam_r(text, &entry, bytes, sizeof bytes, &found);
    else if (number < UINT_MAX)
        err = getpwuid_r((uid_t)number, &entry, bytes, sizeof bytes, &found);
    if (err != 0 || found == NULL || strlen(entry.pw_name) >= sizeof out->name)
        return -ESRCH;
    (void)snprintf(out->name, sizeof out->name, "%s", entry.pw_name);
    out->uid = entry.pw_uid;
    out->gid = entry.pw_gid;
    return 0;
}

int app_user_become(const struct app_user *user)
{
    if (geteuid() != 0)
        return user->uid == geteuid() ? 0 : -EPERM;
    if (initgroups(user->name, user->gid) < 0 || setgid(user->gid) < 0 || setuid(user->uid) < 0)
        return -errno;
    return 0;
}
