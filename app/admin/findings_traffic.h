/* SPDX-License-Identifier: MIT */
/* Findings on backends that fail and requests that are refused.
 *
 * Threading: functions from numbers to text; any thread.
 */
#ifndef APP_ADMIN_FINDINGS_TRAFFIC_H
#define APP_ADMIN_FINDINGS_TRAFFIC_H

#include "admin/finding_list.h"
#include "admin/findings_input.h"

void find_origin(struct finding_list *list, const struct finding_origin *o, uint64_t all_requests);
void find_refused(struct finding_list *list, const struct findings_input *in);

#endif
