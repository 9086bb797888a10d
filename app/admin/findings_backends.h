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

/* Adds a finding on a backend that begins "orders (/page): ": with the routes that need it. NULL: no room. */
struct finding *finding_of_backend(struct finding_list *list, const struct finding_backend *f, double impact);

/* A backend's share of the traffic. One without requests comes last, not never. */
double finding_weight(const struct finding_backend *f, const struct findings_input *in);

#endif
