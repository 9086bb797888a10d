/* SPDX-License-Identifier: MIT */
/* What the admin address of a supervisor asks it, and has it do.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_ANSWERS_H
#define APP_SUPERVISOR_ANSWERS_H

#include "admin/admin_of_many.h"

struct supervisor;

/* Owns: s is lent as long as the result is used. */
struct admin_supervisor supervisor_answers(struct supervisor *s);

#endif
