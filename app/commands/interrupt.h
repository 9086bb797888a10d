/* SPDX-License-Identifier: MIT */
/* SIGINT and SIGTERM while a command works: they end its work, so that it still prints what it has.
 *
 * Threading: a task beside that work.
 */
#ifndef APP_COMMANDS_INTERRUPT_H
#define APP_COMMANDS_INTERRUPT_H

/* The function of that task: waits for one of the two, and cancels a scope. If they cannot be waited for,
 * they end the program.
 * Takes:   scope: the weir_scope of the work, which is opened before the caller waits.
 * Returns: 0. Waits.
 */
int interrupt_cancels(void *scope);

#endif
