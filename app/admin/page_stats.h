/* SPDX-License-Identifier: MIT */
/* The page /stats: rates, quantiles and shares of time over the last ten and sixty seconds, as JSON.
 *
 * Threading: functions from data to text; any thread.
 */
#ifndef APP_ADMIN_PAGE_STATS_H
#define APP_ADMIN_PAGE_STATS_H

#include "metrics/snapshot.h"
#include "text/text_out.h"

/* Writes the page. All times are in ms; what was not measured is null.
 * Returns: nothing; see out->err.
 */
void page_stats_write(struct text_out *out, const struct snapshot *s);

#endif
