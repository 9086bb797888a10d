/* SPDX-License-Identifier: MIT */
/* The labels by which requests are counted: methods, statuses, and reasons of a refusal. Each set has a
 * maximum, which clients and backends can't exceed.
 *
 * Threading: any thread.
 */
#ifndef APP_METRICS_REQUEST_LABELS_H
#define APP_METRICS_REQUEST_LABELS_H

#include <stddef.h>

#include <weir/http_server.h>

enum {
    REQUEST_METHODS = 10,
    REQUEST_STATUSES_MAX = 63, /* pairs of method and status, of one route on one loop */
    REQUEST_REFUSALS_MAX = 32, /* as weir_refusal_at(); if there were more, the last is for them all */
    REQUEST_CLIENT_LEFT = 499
};

/* What an outlier is counted as, see request_outliers.h. */
enum request_outlier {
    REQUEST_OUTLIER_SLOW,    /* slower than the route's key "slow" */
    REQUEST_OUTLIER_LEARNED, /* slower than the learned limit */
    REQUEST_OUTLIER_DROPPED, /* of both: not kept, there were too many */
    REQUEST_OUTLIERS
};

extern const char *const request_outlier_reasons[REQUEST_OUTLIER_DROPPED]; /* "slow", "learned" */

struct request_counts_loop;

/* Takes a request that may be an outlier: see request_outlier_reason(). */
typedef void request_outlier_taker(void *arg, struct request_counts_loop *loop,
                                   const weir_exchange_record *record);

extern const char *const request_methods[REQUEST_METHODS]; /* the last, "other", is for all others */

/* The index of a method in request_methods. */
unsigned request_method_index(const char *method);

/* How many reasons for a refusal there are: at most REQUEST_REFUSALS_MAX. */
size_t request_refusal_count(void);

/* The index of a reason, as weir_refusal_at(); that of the last, "other", for one that is not known. */
size_t request_refusal_index(const char *reason);

#endif
