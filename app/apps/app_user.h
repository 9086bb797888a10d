/* SPDX-License-Identifier: MIT */
/* The user that an application runs as.
 *
 * Threading: any thread; it blocks.
 */
#ifndef APP_APPS_APP_USER_H
#define APP_APPS_APP_USER_H

#include <sys/types.h>

#include <weir/error.h>

enum { APP_USER_NAME_BYTES = 64 };

struct app_user {
    char name[APP_USER_NAME_BYTES];
    uid_t uid;
    gid_t gid;
};

/* Finds a user by its name or number.
 * Returns: 0; -ESRCH the system has none. */
WEIR_CHECKED int app_user_find(const char *text, struct app_user *out);

/* Becomes this user for good, with the groups it has. For a process with one thread.
 * Returns: 0; -EPERM without being root. */
WEIR_CHECKED int app_user_become(const struct app_user *user);

#endif
