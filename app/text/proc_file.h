/* SPDX-License-Identifier: MIT */
/* Small files of /proc and /sys.
 *
 * Threading: any thread; reading such a file takes three system calls, none of which waits.
 */
#ifndef APP_TEXT_PROC_FILE_H
#define APP_TEXT_PROC_FILE_H

#include <stddef.h>

/* Reads the beginning of a file into text, and ends it with a NUL.
 * Returns: the length; 0: there is no such file, or it is empty.
 */
size_t proc_file_read(const char *path, char *text, size_t bytes);

#endif
