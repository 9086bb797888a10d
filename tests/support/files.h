/* SPDX-License-Identifier: MIT */
/* A folder with files that stand for those of /proc and /sys, for readers that take another root. */
#ifndef TESTS_SUPPORT_FILES_H
#define TESTS_SUPPORT_FILES_H

extern char files_root[]; /* between files_begin() and files_end() */

/* As set-up and tear-down of a test. */
int files_begin(void **state);
int files_end(void **state);

/* Writes a file below the root, and the folders above it. */
void files_put(const char *path, const char *text);

#endif
