/* SPDX-License-Identifier: MIT */
/* Findings on the machine and on tasks that hold a loop.
 *
 * Threading: functions from numbers to text; any thread.
 */
#ifndef APP_ADMIN_FINDINGS_HOST_H
#define APP_ADMIN_FINDINGS_HOST_H

#include "admin/finding_list.h"
#include "admin/findings_input.h"

void find_throttled(struct finding_list *list, const struct finding_host *h);
void find_starved(struct finding_list *list, const struct findings_input *in);
void find_stall(struct finding_list *list, const struct finding_stall *s);

/* Whether the loops lack a CPU: because others have it, or because of a quota. */
bool finding_host_is_starved(const struct findings_input *in);
bool finding_host_is_throttled(const struct finding_host *h);

#endif
