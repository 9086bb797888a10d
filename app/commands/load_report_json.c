/* SPDX-License-Identifier: MIT */
#include "commands/load_report.h"

#include <stdio.h>
#include <string.h>

#include <weir/json.h>

static double seconds(weir_duration d)
{
    return (double)d.ns / 1e9;
}

static double ms(weir_duration d)
{
    return (double)d.ns / 1e6;
}

static int json_outcomes(const struct load_stats *stats, weir_buffer *out)
{
    const char *comma = "";
    int err = weir_buffer_append_text(out, ",\"statuses\":{");

    for (int i = 0; i < LOAD_STATUS_END - LOAD_STATUS_FIRST && err == 0; i++) {
        if (!stats->status[i])
            continue;
        err = weir_buffer_printf(out, "%s\"%d\":%llu", comma, i + LOAD_STATUS_FIRST,
                                 (unsigned long long)stats->status[i]);
        comma = ",";
    }
    if (err == 0)
        err = weir_buffer_append_text(out, "},\"errors\":{");
    comma = "";
    for (int i = 0; i < LOAD_ERRORS_MAX && stats->error[i].err && err == 0; i++) {
        err = weir_buffer_printf(out, "%s\"%s\":%llu", comma, weir_error_text(stats->error[i].err),
                                 (unsigned long long)stats->error[i].count);
        comma = ",";
    }
    return err ? err : weir_buffer_append_byte(out, '}');
}

/* ,"why":{"tls failed":"certificate of …"}: of those errors of which more is known than their names. */
static int json_why(const struct load_stats *stats, weir_buffer *out)
{
    const char *comma = "";
    int err = weir_buffer_append_text(out, ",\"why\":{");

    for (int i = 0; i < LOAD_ERRORS_MAX && stats->error[i].err && err == 0; i++) {
        const struct load_error *error = &stats->error[i];
        if (error->why[0] == '\0')
            continue;
        err = weir_buffer_printf(out, "%s\"%s\":", comma, weir_error_text(error->err));
        if (err == 0)
            err = weir_json_append_string(out, error->why, strlen(error->why));
        comma = ",";
    }
    return err ? err : weir_buffer_append_byte(out, '}');
}

static int json_times(const char *name, const weir_histogram *h, weir_buffer *out)
{
    return weir_buffer_printf(out,
                              "\"%s\":{\"min\":%.6g,\"mean\":%.6g,\"p50\":%.6g,\"p90\":%.6g,\"p99\":%.6g,"
                              "\"p999\":%.6g,\"max\":%.6g}",
                              name, ms(weir_histogram_min(h)), ms(weir_histogram_mean(h)),
                              ms(weir_histogram_quantile(h, 0.5)), ms(weir_histogram_quantile(h, 0.9)),
                              ms(weir_histogram_quantile(h, 0.99)), ms(weir_histogram_quantile(h, 0.999)),
                              ms(weir_histogram_max(h)));
}

static int json_timed(const struct load_stats *stats, weir_buffer *out)
{
    int err = weir_buffer_append_text(out, ",\"by_status_ms\":{");

    for (size_t i = 0; i < LOAD_TIMED_MAX && stats->timed[i].status && err == 0; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%d", stats->timed[i].status);
        err = i > 0 ? weir_buffer_append_byte(out, ',') : 0;
        if (err == 0)
            err = json_times(name, &stats->timed[i].latency, out);
    }
    return err ? err : weir_buffer_append_byte(out, '}');
}

static int json_rows(const weir_histogram *h, weir_buffer *out)
{
    unsigned first = 0, end = 0;
    int err = weir_buffer_append_text(out, ",\"histogram\":[");

    if (weir_histogram_count(h))
        load_rows_find(h, &first, &end);
    for (unsigned row = first; row < end && err == 0; row++) {
        weir_duration upto = row + 1 == end ? weir_histogram_max(h) : load_row_end(row);
        err = weir_buffer_printf(out, "%s{\"upto_ms\":%.6g,\"count\":%llu}", row == first ? "" : ",",
                                 ms(upto), (unsigned long long)load_row_count(h, row, end));
    }
    return err ? err : weir_buffer_append_byte(out, ']');
}

int load_report_json(const struct load_stats *stats, const struct load_plan *plan, weir_buffer *out)
{
    int err = weir_buffer_printf(
        out,
        "{\"rate\":%.9g,\"for_s\":%.9g,\"connections\":%d,\"planned\":%llu,\"sent\":%llu,\"unsent\":%llu,"
        "\"answered\":%llu,\"failed\":%llu,\"unfinished\":%llu,\"took_s\":%.6f,\"answers_per_s\":%.6g,"
        "\"bytes\":%llu",
        plan->rate, seconds(plan->length), plan->connections, (unsigned long long)stats->planned,
        (unsigned long long)stats->sent, (unsigned long long)load_stats_unsent(stats),
        (unsigned long long)stats->answered, (unsigned long long)stats->failed,
        (unsigned long long)stats->unfinished, seconds(stats->took),
        load_per_second(stats->answered, stats->took), (unsigned long long)stats->bytes);

    if (err == 0)
        err = json_outcomes(stats, out);
    if (err == 0)
        err = json_why(stats, out);
    if (err == 0)
        err = weir_buffer_append_byte(out, ',');
    if (err == 0)
        err = json_times("latency_ms", &stats->latency, out);
    if (err == 0)
        err = weir_buffer_append_byte(out, ',');
    if (err == 0)
        err = json_times("late_ms", &stats->late, out);
    if (err == 0)
        err = json_timed(stats, out);
    if (err == 0)
        err = json_rows(&stats->latency, out);
    return err ? err : weir_buffer_append_text(out, "}\n");
}
