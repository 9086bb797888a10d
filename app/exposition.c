#include "exposition.h"

#include <stdio.h>
#include <string.h>

/* Of the histograms, in microseconds: what is served from memory, asked of a neighbour, or waited for. */
static const int64_t bounds_us[] = {100,     250,     500,     1000,     2500,    5000,
                                    10000,   25000,   50000,   100000,   250000,  500000,
                                    1000000, 2500000, 5000000, 10000000, 30000000};
enum { BOUNDS = sizeof bounds_us / sizeof *bounds_us };

void exposition_family(struct exposition *e, const char *name, const char *type, const char *help)
{
    e->family = name;
    text_out_printf(e->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void value_of_label(struct text_out *out, const char *value)
{
    for (size_t n; *value; value += n) {
        n = strcspn(value, "\\\"\n");
        text_out_printf(out, "%.*s", (int)n, value);
        if (value[n]) {
            text_out_add(out, value[n] == '\n' ? "\\n" : value[n] == '"' ? "\\\"" : "\\\\");
            n++;
        }
    }
}

/* The name with its labels, without the value; le: the bound of a bucket, or NULL. */
static void head(struct exposition *e, const char *suffix, const struct label *labels, const char *le)
{
    const char *before = "{";
    text_out_printf(e->out, "%s%s", e->family, suffix);
    for (; labels && labels->name; labels++, before = ",") {
        text_out_printf(e->out, "%s%s=\"", before, labels->name);
        value_of_label(e->out, labels->value);
        text_out_add(e->out, "\"");
    }
    if (le) {
        text_out_printf(e->out, "%sle=\"%s\"", before, le);
        before = ",";
    }
    text_out_add(e->out, *before == '{' ? " " : "} ");
}

static void count(struct exposition *e, const char *suffix, const struct label *labels, const char *le,
                  uint64_t value)
{
    head(e, suffix, labels, le);
    text_out_printf(e->out, "%llu\n", (unsigned long long)value);
}

void exposition_count(struct exposition *e, const struct label *labels, uint64_t value)
{
    count(e, "", labels, NULL, value);
}

void exposition_value(struct exposition *e, const struct label *labels, double value)
{
    head(e, "", labels, NULL);
    text_out_printf(e->out, "%.15g\n", value);
}

void exposition_meter(struct exposition *e, const struct label *labels, const weir_meter *meter)
{
    uint64_t sum = 0;
    unsigned bucket = 0;
    for (size_t i = 0; i < BOUNDS; i++) {
        char le[24];
        for (; bucket < WEIR_METER_BUCKETS && weir_meter_middle(bucket).ns <= bounds_us[i] * 1000; bucket++)
            sum += meter->buckets[bucket];
        snprintf(le, sizeof le, "%g", (double)bounds_us[i] / 1e6);
        count(e, "_bucket", labels, le, sum);
    }
    for (; bucket < WEIR_METER_BUCKETS; bucket++)
        sum += meter->buckets[bucket];
    count(e, "_bucket", labels, "+Inf", sum);
    head(e, "_sum", labels, NULL);
    text_out_printf(e->out, "%.15g\n", (double)meter->sum_ns / 1e9);
    count(e, "_count", labels, NULL, sum);
}
