/* SPDX-License-Identifier: MIT */
/* The root of a route on a loop: a folder that is opened at the start, so that a page and what it names come
 * from one tree although a link that leads to it changes. Only when the folder itself was removed, as builds
 * do that make it anew, the one that now has its name takes its place.
 *
 * Threading: belongs to its loop. The descriptor keeps its number, and jobs may use it meanwhile.
 */
#ifndef APP_ROUTES_KEPT_ROOT_H
#define APP_ROUTES_KEPT_ROOT_H

#include <stdbool.h>

#include <weir/error.h>
#include <weir/time.h>

enum { KEPT_ROOT_LOOK_MS = 1000 };

struct kept_root {
    const char *path;
    int fd;
    weir_instant look_at; /* not before */
    bool gone;            /* it was told */
};

/* Opens the folder; logs why that fails.
 * Returns: 0; as rooted_open_root().
 * Where:   a loop, before it serves.
 */
WEIR_CHECKED int kept_root_open(struct kept_root *root, const char *path);
void kept_root_close(struct kept_root *root);

/* Looks whether the folder was removed, after a file was not found; at most once a second.
 * Returns: true when another folder has taken its place, so that the file may be there now.
 * Cancel:  ends the wait.
 * Where:   task. May wait.
 */
bool kept_root_is_renewed(struct kept_root *root);

#endif
