/* SPDX-License-Identifier: MIT */
/* A word to the operator about files that are there and are not sent: for clients they do not exist.
 *
 * Threading: as a cache.
 */
#ifndef APP_FILES_FILE_UNSENT_H
#define APP_FILES_FILE_UNSENT_H

#include <stdint.h>

/* What was said last. Begins with zeros. */
struct file_unsent {
    int64_t said_ns;
    long long more; /* since then, of which nothing was said */
};

/* Logs a line, one a second at most. err: of rooted_open_why(), or 0; of what a client alone can cause,
 * nothing is said. */
void file_unsent_say(struct file_unsent *unsent, const char *path, int err, int64_t now_ns);

#endif
