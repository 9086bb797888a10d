/* SPDX-License-Identifier: MIT */
#include "admin/page_stats_parts.h"

static double seconds_since(weir_instant then, weir_instant now)
{
    const double seconds = (double)weir_between(then, now).ns / 1e9;

    return seconds > 0 ? seconds : 0; /* it may have begun after the latest reading of the clock */
}

/* --- instances --- */

static void instance_window(struct text_out *out, const struct snapshot_instance *i, enum series_span span)
{
    const struct series_window *w = &i->requests.last[span];

    text_out_printf(out, ",\"%s\":{\"requests\":%llu,", page_stats_span(span),
                    (unsigned long long)w->numbers[INSTANCE_REQUESTS]);
    page_stats_rate(out, w->numbers[INSTANCE_REQUESTS], w);
    text_out_printf(out, ",\"errors\":%llu,\"ejections\":%llu}",
                    (unsigned long long)w->numbers[INSTANCE_FAILURES],
                    (unsigned long long)w->numbers[INSTANCE_EJECTIONS]);
}

static void instance(struct text_out *out, const struct snapshot_instance *i, weir_instant now)
{
    text_out_add(out, "{\"address\":");
    text_out_json(out, i->address);
    text_out_printf(out, ",\"state\":\"%s\",\"since_s\":%.3f,\"in_use\":%d,\"last_error\":",
                    weir_instance_state_name(i->state), seconds_since(i->since, now), i->in_use);
    page_stats_last_error(out, i->last_error, i->last_error_at, now);
    text_out_add(out, ",\"last_check\":");
    text_out_json_or_null(out, i->last_check);
    instance_window(out, i, LAST_10S);
    instance_window(out, i, LAST_60S);
    text_out_add(out, "}");
}

/* --- backends --- */

static const char *refusal_name(size_t i)
{
    return weir_backend_refusal_name((enum weir_backend_refusal)i);
}

static void backend_window(struct text_out *out, const struct snapshot_backend *b, enum series_span span)
{
    const struct series_window *w = &b->requests.last[span];

    text_out_printf(out, ",\"%s\":{\"requests\":%llu,", page_stats_span(span),
                    (unsigned long long)w->numbers[BACKEND_REQUESTS]);
    page_stats_rate(out, w->numbers[BACKEND_REQUESTS], w);
    text_out_printf(out, ",\"errors\":%llu,\"refused\":%llu",
                    (unsigned long long)snapshot_backend_failures(b, span),
                    (unsigned long long)snapshot_backend_refused(w->numbers));
    page_stats_reasons(out, w->numbers + BACKEND_REFUSED, WEIR_BACKEND_REFUSALS, refusal_name);
    if (snapshot_attempts_counted(&b->attempts))
        page_stats_attempts_window(out, &b->attempts, span);
    text_out_add(out, "}");
}

static const char *yes(bool is)
{
    return is ? "true" : "false";
}

static void backend(struct text_out *out, const struct snapshot_backend *b, weir_instant now)
{
    text_out_add(out, "{\"backend\":");
    text_out_json(out, b->options->name);
    text_out_printf(out,
                    ",\"up\":%zu,\"in_use\":%d,\"limit\":%d,\"limit_is_auto\":%s,\"waiting\":%d,\"waiting_"
                    "max\":%d,\"connections\":%d,"
                    "\"connections_max\":%d,\"checked\":%s,\"panics\":%s,\"open\":%s,\"open_s\":",
                    snapshot_backend_up(b), b->in_use, b->limit, yes(snapshot_backend_limit_is_auto(b)),
                    b->waiting, b->options->waiting_max, b->connections, b->options->connections_max,
                    yes(b->options->health.path != NULL), yes(b->panics), yes(b->open));
    text_out_number(out, b->open, seconds_since(b->open_since, now));
    text_out_printf(out, ",\"hedges\":%s,\"retries\":%s", yes(snapshot_backend_hedges(b)),
                    yes(b->options->retry.on != 0));
    page_stats_attempts(out, &b->attempts);
    backend_window(out, b, LAST_10S);
    backend_window(out, b, LAST_60S);
    text_out_add(out, ",\"instances\":[");
    for (size_t i = 0; i < b->instance_count; i++) {
        text_out_add(out, i > 0 ? "," : "");
        instance(out, &b->instances[i], now);
    }
    text_out_add(out, "]}");
}

void page_stats_backends(struct text_out *out, const struct snapshot *s)
{
    for (size_t i = 0; i < s->backend_count; i++) {
        text_out_add(out, i > 0 ? "," : "");
        backend(out, &s->backends[i], s->at);
    }
}
