/* SPDX-License-Identifier: MIT */
/* The user that a process runs as.
 *
 * Threading: any thread that may block: it reads files, and may ask a server.
 */
#ifndef WEIR__PROCESS_USER_H
#define WEIR__PROCESS_USER_H

#include <stddef.h>
#include <sys/types.h>

#include <weir/error.h>

struct weir__user {
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* all that the user has */
    size_t group_count;
};

/* Finds a user by its name or its number. A number without an entry is that of the group, too, which is then
 * the only one.
 * Owns:    the caller frees out->groups.
 * Returns: 0; -ESRCH: no such user; -ENOMEM; -EIO …: it could not be found out. */
int weir__user_find(const char *text, struct weir__user *out) WEIR_CHECKED;

#endif
