/* SPDX-License-Identifier: MIT */
/* Gives back memory that only the start, or a reload, has used: the supervisor stays for months beside its
 * processes and does little.
 *
 * Threading: any thread.
 */
#ifndef APP_SUPERVISOR_SLIMMING_H
#define APP_SUPERVISOR_SLIMMING_H

/* Gives back free memory of the heap, and unmaps the pages of code: those that are used come back from the
 * page cache. Breakpoints that a debugger has set are lost. Takes less than a millisecond. */
void slim_down(void);

#endif
