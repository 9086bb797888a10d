/* SPDX-License-Identifier: MIT */
#include "admin/page_stats_parts.h"

const char *page_stats_span(enum series_span span)
{
    return span == LAST_10S ? "last_10s" : "last_60s";
}

void page_stats_quantiles(struct text_out *out, const struct series_window *w)
{
    const struct {
        const char *name;
        double ms;
    } quantiles[] = {{"p50", w->p50_ms}, {"p90", w->p90_ms}, {"p99", w->p99_ms}, {"p999", w->p999_ms}};

    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        text_out_printf(out, "%s\"%s\":", i > 0 ? "," : "", quantiles[i].name);
        text_out_number(out, w->count > 0, quantiles[i].ms);
    }
}

void page_stats_rate(struct text_out *out, uint64_t count, const struct series_window *w)
{
    text_out_add(out, "\"rate\":");
    text_out_number(out, w->seconds > 0, w->seconds > 0 ? (double)count / w->seconds : 0);
}

void page_stats_last_error(struct text_out *out, const char *text, weir_instant at, weir_instant now)
{
    if (text == NULL) {
        text_out_add(out, "null");
        return;
    }
    text_out_add(out, "{\"text\":");
    text_out_json(out, text);
    text_out_printf(out, ",\"age_s\":%.3f}", (double)weir_between(at, now).ns / 1e9);
}

void page_stats_reasons(struct text_out *out, const uint64_t *counts, size_t count,
                        const char *(*name)(size_t i))
{
    const char *before = "";

    text_out_add(out, ",\"reasons\":{");
    for (size_t i = 0; i < count; i++) {
        if (counts[i] == 0)
            continue;
        text_out_printf(out, "%s\"%s\":%llu", before, name(i), (unsigned long long)counts[i]);
        before = ",";
    }
    text_out_add(out, "}");
}

const char *page_stats_refusal_name(size_t i)
{
    return weir_refusal_at(i)->reason;
}
