/* SPDX-License-Identifier: MIT */
#include "commands/load_report.h"

#include <weir/text.h>

enum { BAR_MAX = 40 };

struct text_duration {
    char text[WEIR_DURATION_TEXT_MAX];
};

static struct text_duration say(weir_duration d)
{
    struct text_duration said;

    (void)weir_duration_format(said.text, sizeof said.text, d);
    return said;
}

static int text_rows(const weir_histogram *h, weir_buffer *out)
{
    static const char bar[] = "########################################";
    unsigned first, end;
    uint64_t most = 1;
    int err = 0;

    load_rows_find(h, &first, &end);
    for (unsigned row = first; row < end; row++)
        most = load_row_count(h, row, end) > most ? load_row_count(h, row, end) : most;
    for (unsigned row = first; row < end && err == 0; row++) {
        uint64_t count = load_row_count(h, row, end);
        int length = (int)((count * BAR_MAX + most - 1) / most);
        bool open_ended = row + 1 == end && load_row_end(row).ns < weir_histogram_max(h).ns;
        err = weir_buffer_printf(out, "  %s %-6s %9llu  %.*s\n", open_ended ? "    " : "upto",
                                 open_ended ? "more" : say(load_row_end(row)).text, (unsigned long long)count,
                                 length, bar);
    }
    return err;
}

static const weir_histogram *times_of(const struct load_stats *stats, int status)
{
    for (size_t i = 0; i < LOAD_TIMED_MAX && stats->timed[i].status; i++)
        if (stats->timed[i].status == status)
            return &stats->timed[i].latency;
    return NULL;
}

static int text_status(const struct load_stats *stats, int status, uint64_t count, weir_buffer *out)
{
    const weir_histogram *times = times_of(stats, status);
    int err = weir_buffer_printf(out, "  status %d %10llu", status, (unsigned long long)count);

    if (err == 0 && times != NULL)
        err = weir_buffer_printf(out, "  p50 %s p99 %s", say(weir_histogram_quantile(times, 0.5)).text,
                                 say(weir_histogram_quantile(times, 0.99)).text);
    return err ? err : weir_buffer_append_byte(out, '\n');
}

static int text_error(const struct load_error *error, weir_buffer *out)
{
    const bool explained = error->why[0] != '\0';

    return weir_buffer_printf(out, "  error  %s: %llu%s%s%s\n", weir_error_text(error->err),
                              (unsigned long long)error->count, explained ? " (" : "", error->why,
                              explained ? ")" : "");
}

static int text_outcomes(const struct load_stats *stats, weir_buffer *out)
{
    int err = 0;

    for (int i = 0; i < LOAD_STATUS_END - LOAD_STATUS_FIRST && err == 0; i++)
        if (stats->status[i])
            err = text_status(stats, i + LOAD_STATUS_FIRST, stats->status[i], out);
    for (int i = 0; i < LOAD_ERRORS_MAX && stats->error[i].err && err == 0; i++)
        err = text_error(&stats->error[i], out);
    return err;
}

static int text_latency(const weir_histogram *h, weir_buffer *out)
{
    static const struct {
        const char *name;
        double share;
    } shares[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
    int err = weir_buffer_printf(out, "latency from the intended start:\n  min  %s\n  mean %s\n",
                                 say(weir_histogram_min(h)).text, say(weir_histogram_mean(h)).text);
    for (size_t i = 0; i < sizeof shares / sizeof *shares && err == 0; i++)
        err = weir_buffer_printf(out, "  %-4s %s\n", shares[i].name,
                                 say(weir_histogram_quantile(h, shares[i].share)).text);
    return err ? err : weir_buffer_printf(out, "  max  %s\n", say(weir_histogram_max(h)).text);
}

static int text_warnings(const struct load_stats *stats, const struct load_plan *plan, weir_buffer *out)
{
    weir_duration late = weir_histogram_quantile(&stats->late, 0.99);
    uint64_t unsent = load_stats_unsent(stats);
    int err = 0;

    if (unsent)
        err = weir_buffer_printf(
            out,
            "note: %llu of %llu requests were not sent: all %d connections were busy when "
            "their time came\n",
            (unsigned long long)unsent, (unsigned long long)stats->planned, plan->connections);
    if (err == 0 && late.ns > 1000000)
        err = weir_buffer_printf(
            out, "note: one in a hundred started %s late or later; latencies count that\n", say(late).text);
    if (err == 0 && stats->unfinished)
        err = weir_buffer_printf(out, "note: %llu were in progress when it was interrupted\n",
                                 (unsigned long long)stats->unfinished);
    return err;
}

int load_report_text(const struct load_stats *stats, const struct load_plan *plan, weir_buffer *out)
{
    int err =
        weir_buffer_printf(out, "%llu sent in %s at %.6g/s asked for; %llu answered (%.6g/s), %llu failed\n",
                           (unsigned long long)stats->sent, say(stats->took).text, plan->rate,
                           (unsigned long long)stats->answered, load_per_second(stats->answered, stats->took),
                           (unsigned long long)stats->failed);

    if (err == 0)
        err = text_outcomes(stats, out);
    if (err == 0 && stats->answered)
        err = text_latency(&stats->latency, out);
    if (err == 0 && stats->answered)
        err = text_rows(&stats->latency, out);
    return err ? err : text_warnings(stats, plan, out);
}

int load_report_progress(const struct load_stats *stats, weir_duration since, weir_buffer *out)
{
    return weir_buffer_printf(out, "%.1f s: %llu of %llu sent, %llu answered, %llu failed, p50 %s p99 %s",
                              (double)since.ns / 1e9, (unsigned long long)stats->sent,
                              (unsigned long long)stats->planned, (unsigned long long)stats->answered,
                              (unsigned long long)stats->failed,
                              say(weir_histogram_quantile(&stats->latency, 0.5)).text,
                              say(weir_histogram_quantile(&stats->latency, 0.99)).text);
}
