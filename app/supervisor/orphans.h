/* SPDX-License-Identifier: MIT */
/* Processes that have lost their parent, and are this program's children now: as PID 1 of a container, and as
 * the nearest subreaper of its applications. When they end, they are waited for, so that none stays a zombie.
 *
 * Threading: the main thread, whose children they are; what weir_process starts are those of another thread.
 */
#ifndef APP_SUPERVISOR_ORPHANS_H
#define APP_SUPERVISOR_ORPHANS_H

/* From now on descendants that lose their parent become children of this program. */
void orphans_adopt(void);

/* Waits for those that have ended: on SIGCHLD. Does not block. */
void orphans_reap(void);

#endif
