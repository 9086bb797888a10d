/* SPDX-License-Identifier: MIT */
#include "exposition.h"

#include <string.h>

/* The bounds of the histograms' buckets: what is served from memory, asked of a neighbour, or waited for. */
static const struct {
    const char *le; /* in seconds */
    int64_t us;
} bounds[] = {{"0.0001", 100},  {"0.00025", 250}, {"0.0005", 500},  {"0.001", 1000},  {"0.0025", 2500},
              {"0.005", 5000},  {"0.01", 10000},  {"0.025", 25000}, {"0.05", 50000},  {"0.1", 100000},
              {"0.25", 250000}, {"0.5", 500000},  {"1", 1000000},   {"2.5", 2500000}, {"5", 5000000},
              {"10", 10000000}, {"30", 30000000}};
enum { BOUNDS = sizeof bounds / sizeof *bounds, LABELS_BYTES_MAX = 64 << 10 };

void exposition_family(struct exposition *e, const char *name, const char *type, const char *help)
{
    e->family = name;
    text_out_printf(e->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* ---- labels ---- */

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

/* Those of a sample, with commas between them. */
static void write_labels(struct text_out *out, const struct label *labels)
{
    for (const struct label *label = labels; label && label->name; label++) {
        text_out_add(out, label == labels ? "" : ",");
        text_out_add(out, label->name);
        text_out_add(out, "=\"");
        value_of_label(out, label->value);
        text_out_add(out, "\"");
    }
}

/* ---- samples ---- */

static void name(struct exposition *e, const struct label *labels)
{
    text_out_add(e->out, e->family);
    if (labels && labels->name) {
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

/* ---- histograms ---- */

static void bucket(struct exposition *e, weir_bytes labels, const char *le, uint64_t count)
{
    text_out_add(e->out, e->family);
    text_out_add(e->out, "_bucket{");
    text_out_bytes(e->out, labels.data, labels.len);
    text_out_add(e->out, labels.len > 0 ? ",le=\"" : "le=\"");
    text_out_add(e->out, le);
    text_out_add(e->out, "\"} ");
    text_out_count(e->out, count);
    text_out_add(e->out, "\n");
}

/* How many buckets of a meter lie at or below a bound, by their middles. */
static unsigned buckets_upto(int64_t ns)
{
    unsigned last = weir_meter_bucket((uint64_t)ns);
    return weir_meter_middle(last).ns <= ns ? last + 1 : last;
}

/* Returns: the sum. */
static uint64_t buckets(struct exposition *e, weir_bytes labels, const weir_meter *meter)
{
    uint64_t sum = 0;
    unsigned at = 0;
    for (size_t i = 0; i < BOUNDS; i++) {
        for (unsigned end = buckets_upto(bounds[i].us * 1000); at < end; at++)
            sum += meter->buckets[at];
        bucket(e, labels, bounds[i].le, sum);
    }
    for (; at < WEIR_METER_BUCKETS; at++)
        sum += meter->buckets[at];
    bucket(e, labels, "+Inf", sum);
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

void exposition_meter(struct exposition *e, const struct label *labels, const weir_meter *meter)
{
    struct text_out written; /* once for all samples */
    text_out_init(&written, LABELS_BYTES_MAX);
    write_labels(&written, labels);
    const weir_bytes text = weir_buffer_bytes(&written.text);
    const uint64_t count = buckets(e, text, meter);
    name_with(e, "_sum", text);
    text_out_printf(e->out, "%.15g\n", (double)meter->sum_ns / 1e9);
    name_with(e, "_count", text);
    text_out_count(e->out, count);
    text_out_add(e->out, "\n");
    e->out->err = e->out->err < 0 ? e->out->err : written.err;
    weir_buffer_free(&written.text);
}
