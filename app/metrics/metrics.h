/* SPDX-License-Identifier: MIT */
/* What the gateway counts of its own traffic, request by request.
 *
 * Threading: each loop counts into cells of its own, with metrics_count(), and shares no cache line with
 * another. The readers below add up the cells of all loops, on any thread, at any moment until
 * metrics_free().
 */
#ifndef APP_METRICS_METRICS_H
#define APP_METRICS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/http_server.h>
#include <weir/meter.h>

#include "config/config.h"
#include "metrics/exemplars.h"
#include "metrics/time_breakdown.h"

enum {
    METRICS_METHODS = 10,
    METRICS_STATUSES_MAX = 63,
    METRICS_REFUSALS_MAX = 28, /* as weir_refusal_at(); were there more, the last is for them all */
    METRICS_CLIENT_LEFT = 499
};

extern const char *const metrics_methods[METRICS_METHODS]; /* the last is for all others */

/* How many reasons for a refusal there are: at most METRICS_REFUSALS_MAX. */
size_t metrics_refusal_count(void);

struct metrics;      /* of the gateway */
struct metrics_loop; /* the cells of one loop */

/* Owns:    config is lent until metrics_free(). */
WEIR_CHECKED int metrics_open(const struct config *config, struct metrics **out);

/* Once no loop counts and nobody reads any more. NULL is nothing. */
void metrics_free(struct metrics *metrics);

/* Cells for the loop this is called on, kept until metrics_free().
 * Returns: NULL when there is no memory.
 */
struct metrics_loop *metrics_loop_open(struct metrics *metrics);

/* Counts an exchange that has ended; its data is its struct config_route. On the loop of the cells. */
void metrics_count(struct metrics_loop *loop, const weir_exchange_record *record);

/* --- reading --- */

const struct config *metrics_config(const struct metrics *metrics);

/* Routes with the same path are one; the last is "none": requests that no route took. */
size_t metrics_route_count(const struct metrics *metrics);
const char *metrics_route_name(const struct metrics *metrics, size_t i);
const char *metrics_route_kind(const struct metrics *metrics, size_t i); /* NULL: it has none */

struct metrics_outcome {
    int method; /* into metrics_methods */
    int status; /* METRICS_CLIENT_LEFT: the client left before an answer began; 0: see metrics_outcomes */
    uint64_t count;
};

enum { METRICS_OUTCOMES_MAX = 256 };

/* What one route has done on all loops. */
struct metrics_route {
    uint64_t request_bytes, reply_bytes;    /* of the bodies */
    uint64_t errors;                        /* answers of 500 and above */
    uint64_t cut;                           /* answers that broke off */
    uint64_t refused[METRICS_REFUSALS_MAX]; /* by reason */
    weir_meter took;
};

/* Another second: spent_wants() further requests. By who reads, about once a second. */
void metrics_next_second(struct metrics *metrics);

/* Where the time of a route's requests went, on all loops. */
void metrics_read_spent(const struct metrics *metrics, size_t i, struct spent_total *out);

void metrics_read_route(const struct metrics *metrics, size_t i, struct metrics_route *out);

/* The same by method and status; what there is no room for is under the last method and status 0. */
struct metrics_outcomes {
    size_t count;
    struct metrics_outcome list[METRICS_OUTCOMES_MAX];
};

void metrics_read_outcomes(const struct metrics *metrics, size_t i, struct metrics_outcomes *out);

/* Adds, with a count of 0, what such a route can be expected to answer and has not yet: so that the first
 * error is seen as one more. */
void metrics_add_expected(const struct metrics *metrics, size_t i, struct metrics_outcomes *out);

/* The trace of the latest exchange that took so long, of all loops.
 * Returns: false: there is none.
 */
bool metrics_read_exemplar(const struct metrics *metrics, size_t i, unsigned bucket, struct exemplar *out);

#endif
