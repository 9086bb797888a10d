/* SPDX-License-Identifier: MIT */
/* Opening a file for a route, with a word to the operator about one that is there and is not sent.
 *
 * Threading: any thread. Blocks.
 */
#ifndef APP_FILES_FILE_OPEN_H
#define APP_FILES_FILE_OPEN_H

#include <sys/stat.h>

#include <weir/error.h>

/* As rooted_open(). Of a file that exists and may not be read, or not be reached, a line is logged: one a
 * second at most, with the number of those in between. */
WEIR_CHECKED int file_open(int root, const char *path, struct stat *about);

#endif
