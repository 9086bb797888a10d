/* SPDX-License-Identifier: MIT */
/* Small files of /proc and /sys.
 *
 * Threading: any thread; reading such a file takes three system calls, none of which waits.
 */
#ifndef APP_METRICS_PROC_FILE_H
#define APP_METRICS_PROC_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Reads the beginning of a file into text, and ends it with a NUL.
 * Returns: false: there is no such file, or it is empty; text is "".
 */
bool proc_file_read(const char *path, char *text, size_t bytes);

#endif
