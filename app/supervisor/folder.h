/* SPDX-License-Identifier: MIT */
/* The private folder of a supervisor: for sockets between it and its processes.
 *
 * A file in it is locked as long as the supervisor lives (flock(2)). So the next supervisor of the same user
 * finds, and removes, what those have left that were killed.
 *
 * Threading: the main thread, unless a function says otherwise; the calls block for moments.
 */
#ifndef APP_SUPERVISOR_FOLDER_H
#define APP_SUPERVISOR_FOLDER_H

#include <stddef.h>

#include <weir/error.h>

enum {
    FOLDER_PATH_BYTES = 72,  /* what is below it must fit into the address of a socket */
    FOLDER_LOOKED_AT = 4096, /* names, at most, that a start looks at for folders of the dead */
    FOLDER_REMOVED = 16,     /* of these, at most, that it removes */
    FOLDER_NAMES = 4096 /* names in a folder, at most, that are removed at once: applications make them */
};

struct folder {
    char path[FOLDER_PATH_BYTES]; /* "": there is none */
    int lock;
};

/* Makes a folder that only this user can use: in the RUNTIME_DIRECTORY of systemd, else in XDG_RUNTIME_DIR,
 * else in /tmp; where its path would be too long, or it can't be made, in the next of these. Those of
 * supervisors that were killed are removed beside it.
 * Returns: 0; the error of mkdtemp(3) or of the lock in /tmp, and path is "". */
WEIR_CHECKED int folder_make(struct folder *out);

/* Makes the folder again where something has removed it while its supervisor runs: what cleans up /tmp does
 * that. Its lock is held until the program ends. Any thread; blocks for moments.
 * Returns: 0, also when it is there; -EPERM another user, or a file, has its name; the error of mkdir(2) or
 * of the lock. */
WEIR_CHECKED int folder_restore(const char *path);

/* Removes it, with the sockets, files and folders in it. Of more than FOLDER_NAMES the rest stays, for starts
 * to come. */
void folder_remove(struct folder *folder);

#endif
