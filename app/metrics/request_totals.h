/* SPDX-License-Identifier: MIT */
/* The totals of request_counts.h: the cells of all loops added up, by label. Routes of one path have one
 * label; the last label is "none", for requests that no route took.
 *
 * Threading: any thread, at any moment until request_counts_free(). A total never decreases.
 */
#ifndef APP_METRICS_REQUEST_TOTALS_H
#define APP_METRICS_REQUEST_TOTALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/meter.h>

#include "metrics/exemplars.h"
#include "metrics/request_counts.h"
#include "metrics/request_labels.h"
#include "metrics/time_breakdown.h"

const struct config *request_counts_config(const struct request_counts *counts);

size_t request_counts_labels(const struct request_counts *counts);
const char *request_counts_label_name(const struct request_counts *counts, size_t i);
const char *request_counts_label_kind(const struct request_counts *counts, size_t i); /* NULL: of "none" */

struct request_totals {
    uint64_t request_bytes, reply_bytes;    /* of the bodies */
    uint64_t errors;                        /* answers of 500 and above */
    uint64_t cut;                           /* answers that broke off */
    uint64_t rate_shared;                   /* counted with others, since the table of the rate is full */
    uint64_t refused[REQUEST_REFUSALS_MAX]; /* by reason */
    uint64_t outliers[REQUEST_OUTLIERS];
    weir_meter took;
};

void request_counts_read(const struct request_counts *counts, size_t i, struct request_totals *out);

/* Reads where the time of the sampled requests went. */
void request_counts_read_breakdown(const struct request_counts *counts, size_t i,
                                   struct breakdown_total *out);

struct request_outcome {
    int method; /* into request_methods */
    int status; /* REQUEST_CLIENT_LEFT: the client left before an answer began; 0: see request_outcomes */
    uint64_t count;
};

enum { REQUEST_OUTCOMES_MAX = 256 };

/* Requests by method and status. Those for which there is no room are under the last method and status 0. */
struct request_outcomes {
    size_t count;
    struct request_outcome list[REQUEST_OUTCOMES_MAX];
};

/* Adds to the count of an outcome. */
void request_outcomes_add(struct request_outcomes *out, int method, int status, uint64_t n);

void request_counts_read_outcomes(const struct request_counts *counts, size_t i,
                                  struct request_outcomes *out);

/* Adds, with a count of 0, the outcomes that such a route can be expected to have and has not had yet: so
 * that the first error shows as an increase. */
void request_counts_add_expected(const struct request_counts *counts, size_t i, struct request_outcomes *out);

/* The trace of the latest exchange in a bucket, of all loops.
 * Returns: false: there is none.
 */
bool request_counts_read_exemplar(const struct request_counts *counts, size_t i, unsigned bucket,
                                  struct exemplar *out);

#endif
