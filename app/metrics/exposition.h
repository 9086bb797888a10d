/* SPDX-License-Identifier: MIT */
/* Metrics as text: in the format of Prometheus (text/plain; version=0.0.4), or as OpenMetrics 1.0 with
 * exemplars, but without _created samples.
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
    const char *family; /* name of the present family */
};

struct label {
    const char *name, *value;
};

/* Begins a family, to which every sample until the next belongs. type: "counter", whose name ends in _total;
 * "info", whose name ends in _info; "gauge" or "histogram". */
void exposition_family(struct exposition *e, const char *name, const char *type, const char *help);

/* Writes a sample of the family. A label without a name ends the labels; labels NULL: none. */
void exposition_count(struct exposition *e, const struct label *labels, uint64_t value);
void exposition_value(struct exposition *e, const struct label *labels, double value);

/* Writes all samples of a histogram, in seconds. The meter's buckets are added up to fewer, coarser ones.
 * exemplars: one for each of these, at_ms 0 where there is none; or NULL. */
void exposition_meter(struct exposition *e, const struct label *labels, const weir_meter *meter,
                      const struct exemplar exemplars[BUCKETS]);

/* Ends the page. */
void exposition_end(struct exposition *e);

#endif
