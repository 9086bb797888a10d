/* SPDX-License-Identifier: MIT */
#include "process/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRY_BYTES = 1024, ENTRY_BYTES_MAX = 1 << 20, GROUPS = 64, GROUPS_MAX = 65536 };

static bool is_number(const char *text, uid_t *out)
{
    char *end;
    unsigned long number;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    number = strtoul(text, &end, 10);
    *out = (uid_t)number;
    return *end == '\0' && errno == 0 && number < (uid_t)-1;
}

/* Asks for the entry by the name, or by the number if there is no name. Returns: 0; > 0: an error. */
static int ask(const char *name, uid_t uid, struct passwd *entry, char *text, size_t room,
               struct passwd **found)
{
    return name != NULL ? getpwnam_r(name, entry, text, room, found)
                        : getpwuid_r(uid, entry, text, room, found);
}

/* The C library reports a missing entry in several ways. */
static bool means_missing(int err)
{
    return err == 0 || err == ENOENT || err == ESRCH || err == EBADF || err == EPERM;
}

/* Owns: *text is the caller's. Returns: 0; -ESRCH; < 0. */
static int find_entry(const char *name, uid_t uid, struct passwd *entry, char **text)
{
    struct passwd *found = NULL;
    size_t room = ENTRY_BYTES;
    int err;

    *text = NULL;
    do {
        char *more = realloc(*text, room);

        if (more == NULL)
            return -ENOMEM;
        *text = more;
        err = ask(name, uid, entry, *text, room, &found);
        room *= 2;
    } while (err == EINTR || (err == ERANGE && room <= ENTRY_BYTES_MAX));
    if (found != NULL)
        return 0;
    return means_missing(err) ? -ESRCH : -err;
}

static int find_groups(const char *name, struct weir__user *out)
{
    int room = GROUPS, count = 0;

    for (; room <= GROUPS_MAX; room *= 4) {
        gid_t *groups = realloc(out->groups, (size_t)room * sizeof *groups);

        if (groups == NULL)
            return -ENOMEM;
        out->groups = groups;
        count = room;
        if (getgrouplist(name, out->gid, groups, &count) >= 0) {
            out->group_count = (size_t)count;
            return 0;
        }
    }
    return -E2BIG;
}

static int only_group(struct weir__user *out)
{
    out->groups = malloc(sizeof *out->groups);
    if (out->groups == NULL)
        return -ENOMEM;
    *out->groups = out->gid;
    out->group_count = 1;
    return 0;
}

int weir__user_find(const char *text, struct weir__user *out)
{
    struct passwd entry;
    char *room;
    uid_t uid = 0;
    bool numbered = is_number(text, &uid);
    int err = find_entry(numbered ? NULL : text, uid, &entry, &room);

    *out = (struct weir__user){.uid = uid, .gid = uid};
    if (err == 0) {
        out->uid = entry.pw_uid;
        out->gid = entry.pw_gid;
        err = find_groups(entry.pw_name, out);
    } else if (err == -ESRCH && numbered) {
        err = only_group(out);
    }
    free(room);
    if (err < 0) {
        free(out->groups);
        out->groups = NULL;
    }
    return err;
}
