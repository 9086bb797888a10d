/* SPDX-License-Identifier: MIT */
/* A folder with files that replace those of /proc and /sys, for readers that take another root. */
#ifndef TESTS_SUPPORT_FILES_H
#define TESTS_SUPPORT_FILES_H

extern char files_root[]; /* between files_begin() and files_end() */

/* Set-up and tear-down of a test. */
int files_begin(void **state);
int files_end(void **state);

/* Writes a file below the root; makes its folders. */
void files_put(const char *path, const char *text);

#endif
