#include "admin_stats.h"

#include "gateway_status.h"

static double ms(weir_duration d)
{
    return (double)d.ns / 1e6;
}

static void quantiles(struct text_out *out, const weir_meter *meter)
{
    static const struct {
        const char *name;
        double share;
    } shares[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
    const bool measured = weir_meter_count(meter) > 0;
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        text_out_printf(out, "%s\"%s\":", i ? "," : "", shares[i].name);
        text_out_number(out, measured, ms(weir_meter_quantile(meter, shares[i].share)));
    }
}

static void per_second(struct text_out *out, uint64_t count, double seconds)
{
    text_out_add(out, "\"rate\":");
    text_out_number(out, seconds > 0, seconds > 0 ? (double)count / seconds : 0);
}

/* ---- routes ---- */

static void route_window(struct observed *o, struct text_out *out, const char *name, size_t i, int seconds)
{
    struct rolling_window w;
    rolling_sum(o->routes[i], &o->clock, weir_now(), seconds, &w);
    const uint64_t requests = weir_meter_count(&w.meter);
    text_out_printf(out, ",\"%s\":{\"requests\":%llu,", name, (unsigned long long)requests);
    per_second(out, requests, w.seconds);
    text_out_printf(out, ",\"errors\":%llu,", (unsigned long long)w.numbers[OBSERVED_ERRORS]);
    quantiles(out, &w.meter);
    text_out_add(out, "}");
}

static void routes(struct observed *o, struct text_out *out)
{
    const struct metrics *metrics = o->status->metrics;
    for (size_t i = 0; i < o->route_count; i++) {
        const char *kind = metrics_route_kind(metrics, i);
        text_out_add(out, i ? ",{\"route\":" : "{\"route\":");
        text_out_json(out, metrics_route_name(metrics, i));
        text_out_add(out, ",\"kind\":");
        if (kind)
            text_out_json(out, kind);
        else
            text_out_add(out, "null");
        route_window(o, out, "last_10s", i, ROLLING_SHORT_S);
        route_window(o, out, "last_60s", i, ROLLING_LONG_S);
        text_out_add(out, ",\"spent_ms\":null}");
    }
}

/* ---- the whole ---- */

void admin_stats_write(struct observed *o, struct text_out *out)
{
    observed_look(o);
    text_out_printf(out, "{\"version\":\"" WEIR_VERSION_TEXT "\",\"uptime_s\":%.3f,\"draining\":%s",
                    (double)weir_between(o->started, weir_now()).ns / 1e9,
                    atomic_load(&o->status->ready) ? "false" : "true");
    text_out_add(out, ",\"connections\":null,\"exchanges\":null,\"tasks\":null,\"routes\":[");
    routes(o, out);
    text_out_add(out, "],\"origins\":[],\"loops\":[],\"pools\":[]}\n");
}
