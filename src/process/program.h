/* SPDX-License-Identifier: MIT */
/* Where a program may be: the paths that execve(2) is tried with, one after the other.
 *
 * Threading: a pure function.
 */
#ifndef WEIR__PROCESS_PROGRAM_H
#define WEIR__PROCESS_PROGRAM_H

/* Lists the paths of a program: itself if it has a slash, else one for each folder of search, as in PATH. An
 * empty folder is the current one.
 * Owns:    the caller frees the list, which ends with NULL and has the texts behind it.
 * Returns: NULL: no memory. */
char **weir__program_paths(const char *program, const char *search);

#endif
