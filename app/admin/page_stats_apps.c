/* SPDX-License-Identifier: MIT */
#include "admin/page_stats_parts.h"

static const char *refusal_name(size_t i)
{
    return app_refusal_name((enum app_refusal)i);
}

static void app_window(struct text_out *out, const struct snapshot_app *app, enum series_span span)
{
    const struct series_window *w = &app->served.last[span];

    text_out_printf(out, ",\"%s\":{\"requests\":%llu,", page_stats_span(span), (unsigned long long)w->count);
    page_stats_rate(out, w->count, w);
    text_out_printf(out, ",\"errors\":%llu,\"refused\":%llu",
                    (unsigned long long)w->numbers[APP_NUMBER_FAILED],
                    (unsigned long long)snapshot_app_refused(w->numbers));
    page_stats_reasons(out, w->numbers + APP_NUMBER_REFUSED, APP_REFUSALS, refusal_name);
    text_out_add(out, ",\"service\":{");
    page_stats_quantiles(out, w);
    text_out_add(out, "},\"wait\":{");
    page_stats_quantiles(out, &app->waited.last[span]);
    text_out_add(out, "}");
    if (snapshot_attempts_counted(&app->attempts))
        page_stats_attempts_window(out, &app->attempts, span);
    text_out_add(out, "}");
}

void page_stats_apps(struct text_out *out, const struct snapshot *s)
{
    for (size_t i = 0; i < s->app_count; i++) {
        const struct snapshot_app *app = &s->apps[i];

        text_out_add(out, i > 0 ? ",{\"app\":" : "{\"app\":");
        text_out_json(out, app->name);
        text_out_printf(out, ",\"in_flight\":%d,\"waiting\":%d", app->in_flight, app->waiting);
        if (snapshot_attempts_counted(&app->attempts))
            page_stats_attempts(out, &app->attempts);
        app_window(out, app, LAST_10S);
        app_window(out, app, LAST_60S);
        text_out_add(out, "}");
    }
}
