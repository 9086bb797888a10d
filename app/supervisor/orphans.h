/* SPDX-License-Identifier: MIT */
/* Processes that have lost their parent, and are this program's children now: as PID 1 of a container, and as
 * the nearest subreaper of its applications. When they end, they are waited for, so that none stays a zombie.
 *
 * A guardian that is killed alone (guardian.h) leaves what its application has started: the kernel kills the
 * application's process, and the others become orphans.
 *
 * Threading: the main thread, whose children they are; what weir_process starts are those of another thread.
 * orphans_kill(): any thread; reads /proc.
 */
#ifndef APP_SUPERVISOR_ORPHANS_H
#define APP_SUPERVISOR_ORPHANS_H

#include <stddef.h>
#include <sys/types.h>

/* From now on descendants that lose their parent become children of this program. */
void orphans_adopt(void);

/* Waits for those that have ended: on SIGCHLD. Does not block. */
void orphans_reap(void);

/* Kills the orphans that applications have left whose guardian has died; those of a guardian that lives are
 * its own. They are known by the session of the application's process, or by the variable that names the
 * application. Children of a killed one become orphans, too: to be called until there are none.
 * Returns: how many there were, or have ended since they were listed, of whatever kind. */
size_t orphans_kill(pid_t session);

#endif
