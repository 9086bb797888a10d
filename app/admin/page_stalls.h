/* SPDX-License-Identifier: MIT */
/* The page /stalls: who has held a loop, those at fault and the latest first; and how often, for /metrics.
 *
 * Threading: the admin's loop; no loop of the gateway is asked.
 */
#ifndef APP_ADMIN_PAGE_STALLS_H
#define APP_ADMIN_PAGE_STALLS_H

#include "metrics/exposition.h"
#include "metrics/collector.h"
#include "text/text_out.h"

void admin_stalls_write(struct observed *o, struct text_out *out);

/* The families weir_stalls_total and weir_stall_seconds_total: a sample for each route and kind. */
void admin_stalls_metrics(struct exposition *e, struct observed *o);

#endif
