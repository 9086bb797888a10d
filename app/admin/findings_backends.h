/* SPDX-License-Identifier: MIT */
/* Findings on backends: instances that are down or ejected, breakers that are open, requests that are
 * refused.
 *
 * Threading: functions from numbers to text; any thread.
 */
#ifndef APP_ADMIN_FINDINGS_BACKENDS_H
#define APP_ADMIN_FINDINGS_BACKENDS_H

#include "admin/finding_list.h"
#include "admin/findings_input.h"

void find_backend(struct finding_list *list, const struct finding_backend *b,
                  const struct findings_input *in);

#endif
