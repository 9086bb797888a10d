/* SPDX-License-Identifier: MIT */
#include "metrics/exposition.h"

#include <string.h>

enum { LABELS_BYTES_MAX = 64 << 10 };

/* Returns: the length of a family's name, which OpenMetrics writes without the ending of its samples. */
static int family_length(const struct exposition *e, const char *name, const char *type)
{
    const char *const ending = strcmp(type, "counter") == 0 ? "_total"
                               : strcmp(type, "info") == 0  ? "_info"
                                                            : "";
    const size_t length = strlen(name), end = strlen(ending);
    const bool cut = e->openmetrics && length > end && strcmp(name + length - end, ending) == 0;

    return (int)(cut ? length - end : length);
}

void exposition_family(struct exposition *e, const char *name, const char *type, const char *help)
{
    const int length = family_length(e, name, type);
    const char *const shown = strcmp(type, "info") == 0 && !e->openmetrics ? "gauge" : type;

    e->family = name;
    text_out_printf(e->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", length, name, help, length, name, shown);
}

void exposition_end(struct exposition *e)
{
    if (e->openmetrics)
        text_out_add(e->out, "# EOF\n");
}

/* --- labels --- */

static void value_of_label(struct text_out *out, const char *value)
{
    for (size_t n; *value; value += n) {
        n = strcspn(value, "\\\"\n");
        text_out_bytes(out, value, n);
        if (value[n]) {
            text_out_add(out, value[n] == '\n' ? "\\n" : value[n] == '"' ? "\\\"" : "\\\\");
            n++;
        }
    }
}

/* Writes the labels of a sample, with commas between them. */
static void write_labels(struct text_out *out, const struct label *labels)
{
    for (const struct label *label = labels; label != NULL && label->name != NULL; label++) {
        text_out_add(out, label == labels ? "" : ",");
        text_out_add(out, label->name);
        text_out_add(out, "=\"");
        value_of_label(out, label->value);
        text_out_add(out, "\"");
    }
}

/* --- samples --- */

static void name(struct exposition *e, const struct label *labels)
{
    text_out_add(e->out, e->family);
    if (labels != NULL && labels->name != NULL) {
        text_out_add(e->out, "{");
        write_labels(e->out, labels);
        text_out_add(e->out, "}");
    }
    text_out_add(e->out, " ");
}

void exposition_count(struct exposition *e, const struct label *labels, uint64_t value)
{
    name(e, labels);
    text_out_count(e->out, value);
    text_out_add(e->out, "\n");
}

void exposition_value(struct exposition *e, const struct label *labels, double value)
{
    name(e, labels);
    text_out_printf(e->out, "%.15g\n", value);
}

/* --- histograms --- */

/* Writes " # {trace_id="…"} 0.0042 1764422400.123": the latest exchange of this bucket. */
static void write_exemplar(struct exposition *e, const struct exemplar *exemplar)
{
    char id[WEIR_TRACE_ID_BYTES];

    if (exemplar != NULL && exemplar->at_ms > 0)
        text_out_printf(e->out, " # {trace_id=\"%s\"} %.9g %.3f", weir_trace_format_id(&exemplar->trace, id),
                        (double)exemplar->took.ns / 1e9, (double)exemplar->at_ms / 1e3);
}

static void bucket(struct exposition *e, weir_bytes labels, const char *le, uint64_t count,
                   const struct exemplar *exemplar)
{
    text_out_add(e->out, e->family);
    text_out_add(e->out, "_bucket{");
    text_out_bytes(e->out, labels.data, labels.len);
    text_out_add(e->out, labels.len > 0 ? ",le=\"" : "le=\"");
    text_out_add(e->out, le);
    text_out_add(e->out, "\"} ");
    text_out_count(e->out, count);
    if (e->openmetrics)
        write_exemplar(e, exemplar);
    text_out_add(e->out, "\n");
}

/* Returns: how many buckets of a meter lie at or below a bound, by their middles. */
static unsigned buckets_upto(int64_t ns)
{
    unsigned last = weir_meter_bucket((uint64_t)ns);

    return weir_meter_middle(last).ns <= ns ? last + 1 : last;
}

/* Returns: how many durations there are in all. */
static uint64_t buckets(struct exposition *e, weir_bytes labels, const weir_meter *meter,
                        const struct exemplar *exemplars)
{
    uint64_t sum = 0;
    unsigned at = 0;

    for (size_t i = 0; i < BUCKET_BOUNDS; i++) {
        const struct bucket_bound *bound = &bucket_bounds[i];
        for (unsigned end = buckets_upto(bound->us * 1000); at < end; at++)
            sum += meter->buckets[at];
        bucket(e, labels, e->openmetrics ? bound->le_float : bound->le, sum,
               exemplars != NULL ? &exemplars[i] : NULL);
    }
    for (; at < WEIR_METER_BUCKETS; at++)
        sum += meter->buckets[at];
    bucket(e, labels, "+Inf", sum, exemplars != NULL ? &exemplars[BUCKET_BOUNDS] : NULL);
    return sum;
}

static void name_with(struct exposition *e, const char *suffix, weir_bytes labels)
{
    text_out_add(e->out, e->family);
    text_out_add(e->out, suffix);
    text_out_add(e->out, labels.len > 0 ? "{" : "");
    text_out_bytes(e->out, labels.data, labels.len);
    text_out_add(e->out, labels.len > 0 ? "} " : " ");
}

void exposition_meter(struct exposition *e, const struct label *labels, const weir_meter *meter,
                      const struct exemplar exemplars[BUCKETS])
{
    struct text_out written; /* once for all samples */
    weir_bytes text;
    uint64_t count;

    text_out_init(&written, LABELS_BYTES_MAX);
    write_labels(&written, labels);
    text = weir_buffer_bytes(&written.text);
    count = buckets(e, text, meter, exemplars);
    name_with(e, "_sum", text);
    text_out_printf(e->out, "%.15g\n", (double)meter->sum_ns / 1e9);
    name_with(e, "_count", text);
    text_out_count(e->out, count);
    text_out_add(e->out, "\n");
    e->out->err = e->out->err < 0 ? e->out->err : written.err;
    weir_buffer_free(&written.text);
}
