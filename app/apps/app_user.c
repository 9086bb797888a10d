/* SPDX-License-Identifier: MIT */
#include "apps/app_user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ENTRY_BYTES = 1024, ENTRY_BYTES_MAX = 1 << 20 };

static bool is_number(const char *text, uid_t *out)
{
    unsigned long number;
    char *end;

    errno = 0;
    number = strtoul(text, &end, 10);
    *out = (uid_t)number;
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && number < (uid_t)-1;
}

/* The C library reports a missing entry in several ways. */
static bool means_missing(int err)
{
    return err == 0 || err == ENOENT || err == ESRCH || err == EBADF || err == EPERM;
}

static int fill(struct app_user *out, const char *name, uid_t uid, gid_t gid)
{
    *out = (struct app_user){.uid = uid, .gid = gid};
    return snprintf(out->name, sizeof out->name, "%s", name) < (int)sizeof out->name ? 0 : ENAMETOOLONG;
}

/* Returns: 0; > 0: an error; ERANGE: the entry needs more room. */
static int look_up(const char *text, struct app_user *out, char *bytes, size_t room)
{
    struct passwd entry, *found = NULL;
    uid_t uid;
    const bool is_numbered = is_number(text, &uid);
    int err = is_numbered ? getpwuid_r(uid, &entry, bytes, room, &found)
                          : getpwnam_r(text, &entry, bytes, room, &found);

    if (found != NULL)
        return fill(out, entry.pw_name, entry.pw_uid, entry.pw_gid);
    if (!means_missing(err))
        return err;
    return is_numbered ? fill(out, text, uid, uid) : ESRCH;
}

int app_user_find(const char *text, struct app_user *out)
{
    size_t room = ENTRY_BYTES;
    int err;

    do {
        char *bytes = malloc(room);

        if (bytes == NULL)
            return -ENOMEM;
        err = look_up(text, out, bytes, room);
        free(bytes);
        room *= 2;
    } while (err == EINTR || (err == ERANGE && room <= ENTRY_BYTES_MAX));
    return -err;
}

int app_user_become(const struct app_user *user)
{
    if (geteuid() != 0)
        return user->uid == geteuid() ? 0 : -EPERM;
    if (initgroups(user->name, user->gid) < 0 || setgid(user->gid) < 0 || setuid(user->uid) < 0)
        return -errno;
    return 0;
}
