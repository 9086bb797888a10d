/* SPDX-License-Identifier: MIT */
/* The families of /metrics, by subject: each function writes those of one from a snapshot.
 *
 * Threading: functions from data to text; any thread.
 */
#ifndef APP_ADMIN_PAGE_METRICS_PARTS_H
#define APP_ADMIN_PAGE_METRICS_PARTS_H

#include "metrics/exposition.h"
#include "metrics/snapshot.h"

#define LABELS(...) ((const struct label[]){__VA_ARGS__, {NULL, NULL}})

void page_metrics_gateway(struct exposition *e, const struct snapshot *s);
void page_metrics_routes(struct exposition *e, const struct snapshot *s);
void page_metrics_gathers(struct exposition *e, const struct snapshot *s);
void page_metrics_origins(struct exposition *e, const struct snapshot *s);
void page_metrics_backends(struct exposition *e, const struct snapshot *s);
void page_metrics_attempts(struct exposition *e, const struct snapshot *s); /* backends, then apps */
void page_metrics_apps(struct exposition *e, const struct snapshot *s);
void page_metrics_tls(struct exposition *e, const struct snapshot *s);
void page_metrics_loops(struct exposition *e, const struct snapshot *s);
void page_metrics_pools(struct exposition *e, const struct snapshot *s);
void page_metrics_stalls(struct exposition *e, const struct snapshot *s);
void page_metrics_guard(struct exposition *e, const struct snapshot *s);
void page_metrics_process(struct exposition *e, const struct process_stats *p);

#endif
