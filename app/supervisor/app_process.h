/* SPDX-License-Identifier: MIT */
/* One process of an application, from its start until nothing of it is left.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_APP_PROCESS_H
#define APP_SUPERVISOR_APP_PROCESS_H

#include "supervisor/app_state.h"

/* Starts a process for a position, which holds it.
 * Returns: 0; -ENOSPC no entry of the block is free; -ENOMEM; the scope's code. */
WEIR_CHECKED int supervised_process_begin(struct app_position *position, struct supervised_process **out);

/* Why a process leaves that has failed all of its latest requests: the only cause that is a warning. */
extern const char supervised_process_hangs[];

/* Asks it to end: it gets no more requests, finishes those it has, then is sent its signal. why: for the log,
 * a literal. May be called again. */
void supervised_process_leave(struct supervised_process *process, const char *why);

/* Ends the position's interest in it: it is freed now, or when nothing of it is left. NULL is allowed. */
void supervised_process_drop(struct supervised_process *process);

#endif
