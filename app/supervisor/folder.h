/* SPDX-License-Identifier: MIT */
/* The private folder of a supervisor: for sockets between it and its processes.
 *
 * Threading: the main thread; the calls block for moments.
 */
#ifndef APP_SUPERVISOR_FOLDER_H
#define APP_SUPERVISOR_FOLDER_H

#include <stddef.h>

#include <weir/error.h>

enum { FOLDER_BYTES = 72 }; /* its path: what is below it must fit into the address of a socket */

/* Makes a folder that only this user can use: in the RUNTIME_DIRECTORY of systemd, else in XDG_RUNTIME_DIR,
 * else in /tmp; where its path would be too long, or it can't be made, in the next of these.
 * Returns: 0; the error of mkdtemp(3) in /tmp. */
WEIR_CHECKED int folder_make(char out[FOLDER_BYTES]);

/* Removes it, with the sockets and files in it. */
void folder_remove(const char *folder);

#endif
