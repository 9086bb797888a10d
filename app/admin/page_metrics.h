/* SPDX-License-Identifier: MIT */
/* The page /metrics: what Prometheus reads. weir(1) says what each family means.
 *
 * Threading: the admin's loop.
 */
#ifndef APP_ADMIN_PAGE_METRICS_H
#define APP_ADMIN_PAGE_METRICS_H

#include "metrics/collector.h"
#include "text/text_out.h"

/* Puts together the page.
 * Returns: nothing; see out->err.
 */
void admin_metrics_write(struct observed *o, struct text_out *out);

/* The same as OpenMetrics, with exemplars. */
void admin_metrics_write_openmetrics(struct observed *o, struct text_out *out);

#endif
