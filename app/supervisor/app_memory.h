/* SPDX-License-Identifier: MIT */
/* The memory of all that a process has started.
 *
 * Threading: any thread; it blocks while /proc is read.
 */
#ifndef APP_SUPERVISOR_APP_MEMORY_H
#define APP_SUPERVISOR_APP_MEMORY_H

#include <stdint.h>
#include <sys/types.h>

enum { APP_MEMORY_PROCESSES_MAX = 512 }; /* that are looked at; further descendants are not counted */

/* Returns the resident memory of the descendants of a process, in bytes. What they share counts once, as far
 * as the kernel tells (smaps_rollup); that is asked only if the plain sum is above limit, because it takes
 * the kernel longer. root: ""; in tests a folder with made-up files. */
uint64_t app_memory_below(pid_t pid, uint64_t limit, const char *root);

#endif
