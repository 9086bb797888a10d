/* SPDX-License-Identifier: MIT */
/* What the program was started with, and a process that it starts gets again: a program raises its limit of
 * descriptors, and loops change how the kernel schedules their threads and fires their timers, all of which
 * execve(2) keeps.
 *
 * Threading: any thread; read as the program was loaded.
 */
#ifndef WEIR__PROCESS_FOUND_H
#define WEIR__PROCESS_FOUND_H

#include <sys/resource.h>

/* Returns: the soft limit of descriptors. */
rlim_t weir__found_descriptors(void);

/* Gives the calling thread the nice value, the slice and the timer slack that were found. */
void weir__found_restore(void);

#endif
