/* SPDX-License-Identifier: MIT */
/* A word to the operator about files that are there and are not sent, or not to their end: clients are told
 * that they do not exist, or nothing.
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

/* Logs a line, one a second at most. err: of a file_load, or of sending it; 0: none. Of what a client alone
 * can cause, nothing is said. */
void file_unsent_say(struct file_unsent *unsent, const char *path, int err, int64_t now_ns);

#endif
