/* SPDX-License-Identifier: MIT */
/* The parts of /stats: each function writes the members of one array, or a piece that several share.
 *
 * Threading: functions from data to text; any thread.
 */
#ifndef APP_ADMIN_PAGE_STATS_PARTS_H
#define APP_ADMIN_PAGE_STATS_PARTS_H

#include "metrics/snapshot.h"
#include "text/text_out.h"

void page_stats_routes(struct text_out *out, const struct snapshot *s);
void page_stats_origins(struct text_out *out, const struct snapshot *s);
void page_stats_backends(struct text_out *out, const struct snapshot *s);
void page_stats_apps(struct text_out *out, const struct snapshot *s);
void page_stats_tls(struct text_out *out, const struct snapshot *s);
void page_stats_loops(struct text_out *out, const struct snapshot *s);
void page_stats_pools(struct text_out *out, const struct snapshot *s);

/* --- pieces --- */

/* "last_10s" or "last_60s" */
const char *page_stats_span(enum series_span span);

/* "p50":…,"p90":…,"p99":…,"p999":… */
void page_stats_quantiles(struct text_out *out, const struct series_window *w);

/* "rate":… */
void page_stats_rate(struct text_out *out, uint64_t count, const struct series_window *w);

/* {"text":…,"age_s":…}, or null where text is NULL */
void page_stats_last_error(struct text_out *out, const char *text, weir_instant at, weir_instant now);

/* ,"reasons":{"connect":12,…}: those that are not 0. */
void page_stats_reasons(struct text_out *out, const uint64_t *counts, size_t count,
                        const char *(*name)(size_t i));
const char *page_stats_refusal_name(size_t i);

/* ,"hedge_after_ms":…,"budget":… and ,"attempts":{"first":…,"hedged":…,…,"denied":…,"reasons":{…}} */
void page_stats_attempts(struct text_out *out, const struct snapshot_attempts *a);
void page_stats_attempts_window(struct text_out *out, const struct snapshot_attempts *a,
                                enum series_span span);

#endif
