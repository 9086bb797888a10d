/* SPDX-License-Identifier: MIT */
/* Findings on connections without a request.
 *
 * Threading: functions from numbers to text; any thread.
 */
#ifndef APP_ADMIN_FINDINGS_CONNECTIONS_H
#define APP_ADMIN_FINDINGS_CONNECTIONS_H

#include "admin/finding_list.h"
#include "admin/findings_input.h"

void find_unserved(struct finding_list *list, const struct findings_input *in);

#endif
