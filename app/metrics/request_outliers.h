/* SPDX-License-Identifier: MIT */
/* Outliers among the requests of a route: those slower than its key "slow", and those slower than all but one
 * in a thousand of it, as learned from what request_counts.h has counted.
 *
 * The collector sets what is learned, once a second. request_counts_add() compares each request with one
 * number of its cell, and calls what takes outliers with those that took longer.
 *
 * Threading: request_outlier_*() belong to the loop of the cells; request_counts_learn() to the collector's.
 */
#ifndef APP_METRICS_REQUEST_OUTLIERS_H
#define APP_METRICS_REQUEST_OUTLIERS_H

#include <stddef.h>

#include <weir/http_server.h>
#include <weir/meter.h>
#include <weir/time.h>

#include "metrics/request_labels.h"

struct request_counts;

enum {
    REQUEST_LEARN_FROM = 1000, /* requests */
    REQUEST_LEARNED_MIN_US = 1000
};

/* Has request_counts_add() call this on the loop, for each request that takes longer than a limit.
 * Owns: arg is lent as long as requests are counted. */
void request_outliers_to(struct request_counts_loop *loop, request_outlier_taker *taker, void *arg);

/* Sets the learned limit of a label on all loops; < 0: there is none. */
void request_counts_learn(struct request_counts *counts, size_t label, weir_duration limit);

/* The limit that these durations teach: the 99.9th percentile, at least a millisecond.
 * Returns: < 0: they are too few. */
weir_duration request_limit_of(const weir_meter *took);

/* Says why a request is an outlier.
 * Returns: REQUEST_OUTLIER_SLOW or _LEARNED, and the limit that it exceeds; REQUEST_OUTLIERS: it is none
 * after all. */
enum request_outlier request_outlier_reason(const struct request_counts_loop *loop,
                                            const weir_exchange_record *record, weir_duration *limit);

/* Counts one of its route. */
void request_outlier_count(struct request_counts_loop *loop, const weir_exchange_record *record,
                           enum request_outlier as);

#endif
