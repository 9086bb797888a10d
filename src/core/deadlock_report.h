/* SPDX-License-Identifier: MIT */
/* What the tasks of a loop are waiting for, written to the log. Threading: the loop's thread. */
#ifndef WEIR__CORE_DEADLOCK_REPORT_H
#define WEIR__CORE_DEADLOCK_REPORT_H

struct weir__loop;

/* One line for each task that is parked: its name, what it waits for, how many scopes deep it is. */
void weir__deadlock_report(struct weir__loop *loop);

#endif
