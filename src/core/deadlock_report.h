/* SPDX-License-Identifier: MIT */
/* The tasks of a loop and what they wait for, written to the log. Threading: the loop's thread. */
#ifndef WEIR__CORE_DEADLOCK_REPORT_H
#define WEIR__CORE_DEADLOCK_REPORT_H

struct weir__loop;

/* Writes one line for each parked task: its name, its wait, and how many scopes deep it is. */
void weir__deadlock_report(struct weir__loop *loop);

#endif
