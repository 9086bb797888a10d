/* SPDX-License-Identifier: MIT */
/* Metrics as text, in the format Prometheus reads (text/plain; version=0.0.4) or as OpenMetrics 1.0, which
 * has exemplars besides. There are no _created samples in it.
 *
 * Threading: belongs to the task that writes.
 */
#ifndef APP_METRICS_EXPOSITION_H
#define APP_METRICS_EXPOSITION_H

#include <stdint.h>

#include <weir/meter.h>

#include "metrics/exemplars.h"
#include "text/text_out.h"

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define EXPOSITION_OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

struct exposition {
    struct text_out *out;
    bool openmetrics;
    const char *family; /* the name of the present one */
};

struct label {
    const char *name, *value;
};

/* Begins a family: every sample until the next is one of it. type: "counter", whose name ends in _total;
 * "info", whose name ends in _info; "gauge" or "histogram". */
void exposition_family(struct exposition *e, const char *name, const char *type, const char *help);

/* A sample of the family; labels end with one without a name, NULL: none. */
void exposition_count(struct exposition *e, const struct label *labels, uint64_t value);
void exposition_value(struct exposition *e, const struct label *labels, double value);

/* All samples of one histogram, in seconds. The meter's buckets are added up to fewer, coarser ones.
 * exemplars: of each of those, at_ms 0 where there is none; or NULL. */
void exposition_meter(struct exposition *e, const struct label *labels, const weir_meter *meter,
                      const struct exemplar exemplars[BUCKETS]);

/* There are no more. */
void exposition_end(struct exposition *e);

#endif
