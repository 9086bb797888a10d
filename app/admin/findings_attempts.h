/* SPDX-License-Identifier: MIT */
/* Findings on second attempts: a budget that does not suffice, and hedges that never win.
 *
 * Threading: functions from numbers to text; any thread.
 */
#ifndef APP_ADMIN_FINDINGS_ATTEMPTS_H
#define APP_ADMIN_FINDINGS_ATTEMPTS_H

#include "admin/finding_list.h"
#include "admin/findings_input.h"

void find_attempts(struct finding_list *list, const struct finding_backend *f,
                   const struct findings_input *in);

#endif
