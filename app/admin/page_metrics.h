/* SPDX-License-Identifier: MIT */
/* The page /metrics, which Prometheus reads. weir(1) says what each family means.
 *
 * Threading: functions from data to text; any thread.
 */
#ifndef APP_ADMIN_PAGE_METRICS_H
#define APP_ADMIN_PAGE_METRICS_H

#include <stdbool.h>

#include "metrics/snapshot.h"
#include "text/text_out.h"

/* Writes the page; openmetrics: in that format, with exemplars.
 * Returns: nothing; see out->err.
 */
void page_metrics_write(struct text_out *out, const struct snapshot *s, bool openmetrics);

#endif
