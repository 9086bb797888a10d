/* SPDX-License-Identifier: MIT */
/* The user that an application runs as, by the rules of weir_process_options.user. The library's own look-up
 * does not serve here: its process is the guardian, which stays as it is, and its child becomes the user.
 *
 * Threading: any thread; it blocks.
 */
#ifndef APP_APPS_APP_USER_H
#define APP_APPS_APP_USER_H

#include <sys/types.h>

#include <weir/error.h>

enum { APP_USER_NAME_BYTES = 256 };

struct app_user {
    char name[APP_USER_NAME_BYTES]; /* or a number that has no entry */
    uid_t uid;
    gid_t gid;
};

/* Finds a user by its name or number. A number without an entry is that of the group, too, which is then the
 * only one.
 * Returns: 0; -ESRCH the system has none; -ENAMETOOLONG; -ENOMEM, -EIO …: it could not be found out. */
WEIR_CHECKED int app_user_find(const char *text, struct app_user *out);

/* Becomes this user for good, with the groups it has. For a process with one thread.
 * Returns: 0; -EPERM without being root. */
WEIR_CHECKED int app_user_become(const struct app_user *user);

#endif
