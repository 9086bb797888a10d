/* SPDX-License-Identifier: MIT */
/* The end of a program by a fault or abort(): the log is written first, and a task is named that ran out of
 * its stack.
 *
 * Threading: any thread. Signals are the process's: state outside a runtime.
 */
#ifndef WEIR__CORE_FAULT_H
#define WEIR__CORE_FAULT_H

/* Handles the fatal signals from now on, in front of the handlers that are there. */
void weir__faults_handle(void);

#endif
