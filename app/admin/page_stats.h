/* SPDX-License-Identifier: MIT */
/* The page /stats: rates, quantiles and shares of time over the last ten and sixty seconds, as JSON.
 *
 * Threading: the admin's loop.
 */
#ifndef APP_ADMIN_PAGE_STATS_H
#define APP_ADMIN_PAGE_STATS_H

#include "metrics/collector.h"
#include "text/text_out.h"

/* Puts together the page. All times are in ms; what was not measured is null.
 * Returns: nothing; see out->err.
 */
void admin_stats_write(struct observed *o, struct text_out *out);

#endif
