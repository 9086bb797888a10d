/* SPDX-License-Identifier: MIT */
/* The backends of a snapshot, each with its instances.
 *
 * Threading: as snapshot.h.
 */
#ifndef APP_METRICS_SNAPSHOT_BACKENDS_H
#define APP_METRICS_SNAPSHOT_BACKENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/backend.h>

#include "metrics/series.h"
#include "metrics/snapshot_attempts.h"

/* The numbers of an instance. */
enum snapshot_instance_number { INSTANCE_REQUESTS, INSTANCE_FAILURES, INSTANCE_EJECTIONS, INSTANCE_NUMBERS };

/* Fields are as in weir_instance_stats. */
struct snapshot_instance {
    char *address;
    bool known; /* for the collector: to the library */
    enum weir_instance_state state;
    weir_instant since;
    int in_use;
    const char *last_error;
    weir_instant last_error_at;
    const char *last_check;
    struct series requests; /* by enum snapshot_instance_number; no durations */
};

/* The numbers of a backend. */
enum snapshot_backend_number {
    BACKEND_REQUESTS,
    BACKEND_OPENED,
    BACKEND_REFUSED, /* then as enum weir_backend_refusal */
    BACKEND_NUMBERS = BACKEND_REFUSED + WEIR_BACKEND_REFUSALS
};

/* Fields are as in weir_backend_stats. */
struct snapshot_backend {
    const weir_backend_options *options; /* of the configuration; without it the name alone */
    weir_backend_options *own_options;   /* for joined.h: these, if they are not in the configuration */
    uint64_t shared_id;                  /* not 0: other processes have it in common with this one */
    int in_use, waiting, connections;
    int limit; /* the present one; 0: none */
    bool open, panics;
    weir_instant open_since;
    struct series requests; /* by enum snapshot_backend_number; no durations */
    struct snapshot_attempts attempts;
    struct snapshot_instance *instances; /* in the order of the library */
    size_t instance_count;
};

/* Counts the instances that the names have now. */
size_t snapshot_backend_instances(const struct snapshot_backend *b);

/* Counts those of them that are neither down nor ejected. */
size_t snapshot_backend_up(const struct snapshot_backend *b);

/* The failures of all instances in a window. */
uint64_t snapshot_backend_failures(const struct snapshot_backend *b, enum series_span span);

/* What its options say. */
bool snapshot_backend_limit_is_auto(const struct snapshot_backend *b);
bool snapshot_backend_hedges(const struct snapshot_backend *b);

/* Of the numbers of a backend: all requests that were refused. */
uint64_t snapshot_backend_refused(const uint64_t *numbers);

#endif
