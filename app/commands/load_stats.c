/* SPDX-License-Identifier: MIT */
#include "commands/load_stats.h"

#include <stdio.h>
#include <string.h>

#include <weir/error.h>
#include <weir/json.h>
#include <weir/text.h>

enum { ROWS_MAX = 24, BAR_MAX = 40 };

void load_stats_init(struct load_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    weir_histogram_init(&stats->latency);
    weir_histogram_init(&stats->late);
}

/* Those for which there is no room are in the whole alone. */
static void time_status(struct load_stats *stats, int status, weir_duration latency)
{
    size_t i = 0;

    while (i < LOAD_TIMED_MAX && stats->timed[i].status && stats->timed[i].status != status)
        i++;
    if (i == LOAD_TIMED_MAX)
        return;
    if (!stats->timed[i].status) {
        stats->timed[i].status = status;
        weir_histogram_init(&stats->timed[i].latency);
    }
    weir_histogram_record(&stats->timed[i].latency, latency);
}

void load_stats_answer(struct load_stats *stats, int status, uint64_t bytes, weir_duration latency)
{
    stats->answered++;
    stats->bytes += bytes;
    if (status >= LOAD_STATUS_FIRST && status < LOAD_STATUS_END)
        stats->status[status - LOAD_STATUS_FIRST]++;
    weir_histogram_record(&stats->latency, latency);
    time_status(stats, status, latency);
}

/* The last entry takes what has no room of its own. */
void load_stats_error(struct load_stats *stats, int err)
{
    size_t i = 0;

    while (i < LOAD_ERRORS_MAX - 1 && stats->error[i].err && stats->error[i].err != err)
        i++;
    if (!stats->error[i].err)
        stats->error[i].err = err;
    stats->error[i].count++;
    stats->failed++;
}

uint64_t load_stats_unsent(const struct load_stats *stats)
{
    return stats->planned > stats->sent ? stats->planned - stats->sent : 0;
}

weir_duration load_row_end(unsigned row)
{
    static const int steps[] = {1, 2, 5};
    int64_t ns = 10000;

    for (unsigned i = 0; i < row / 3; i++)
        ns *= 10;
    return (weir_duration){ns * steps[row % 3]};
}

/* The rows that hold anything: the first and one past the last. */
static void find_rows(const weir_histogram *h, unsigned *first, unsigned *end)
{
    const int64_t least = weir_histogram_min(h).ns, most = weir_histogram_max(h).ns;

    *first = 0;
    while (*first < ROWS_MAX - 1 && load_row_end(*first).ns < least)
        ++*first;
    *end = *first;
    while (*end < ROWS_MAX - 1 && load_row_end(*end).ns < most)
        ++*end;
    ++*end;
}

/* How many fell into a row; the last row takes all that is longer. */
static uint64_t row_count(const weir_histogram *h, unsigned row, unsigned end)
{
    uint64_t upto =
        row + 1 == end ? weir_histogram_count(h) : weir_histogram_count_upto(h, load_row_end(row));
    return upto - (row == 0 ? 0 : weir_histogram_count_upto(h, load_row_end(row - 1)));
}

static double seconds(weir_duration d)
{
    return (double)d.ns / 1e9;
}

static double ms(weir_duration d)
{
    return (double)d.ns / 1e6;
}

static double per_second(uint64_t count, weir_duration took)
{
    return took.ns > 0 ? (double)count / seconds(took) : 0;
}

struct text_duration {
    char text[WEIR_DURATION_TEXT_MAX];
};

static struct text_duration say(weir_duration d)
{
    struct text_duration said;

    (void)weir_format_duration(said.text, sizeof said.text, d);
    return said;
}

/* --- text --- */

static int text_rows(const weir_histogram *h, weir_buffer *out)
{
    static const char bar[] = "########################################";
    unsigned first, end;
    uint64_t most = 1;
    int err = 0;

    find_rows(h, &first, &end);
    for (unsigned row = first; row < end; row++)
        most = row_count(h, row, end) > most ? row_count(h, row, end) : most;
    for (unsigned row = first; row < end && err == 0; row++) {
        uint64_t count = row_count(h, row, end);
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

static int text_outcomes(const struct load_stats *stats, weir_buffer *out)
{
    int err = 0;

    for (int i = 0; i < LOAD_STATUS_END - LOAD_STATUS_FIRST && err == 0; i++)
        if (stats->status[i])
            err = text_status(stats, i + LOAD_STATUS_FIRST, stats->status[i], out);
    for (int i = 0; i < LOAD_ERRORS_MAX && stats->error[i].err && err == 0; i++)
        err = weir_buffer_printf(out, "  error  %s: %llu\n", weir_error_text(stats->error[i].err),
                                 (unsigned long long)stats->error[i].count);
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
        err = weir_buffer_printf(out, "note: %llu were under way when it was interrupted\n",
                                 (unsigned long long)stats->unfinished);
    return err;
}

int load_stats_text(const struct load_stats *stats, const struct load_plan *plan, weir_buffer *out)
{
    int err =
        weir_buffer_printf(out, "%llu sent in %s at %.6g/s asked for; %llu answered (%.6g/s), %llu failed\n",
                           (unsigned long long)stats->sent, say(stats->took).text, plan->rate,
                           (unsigned long long)stats->answered, per_second(stats->answered, stats->took),
                           (unsigned long long)stats->failed);
    if (err == 0)
        err = text_outcomes(stats, out);
    if (err == 0 && stats->answered)
        err = text_latency(&stats->latency, out);
    if (err == 0 && stats->answered)
        err = text_rows(&stats->latency, out);
    return err ? err : text_warnings(stats, plan, out);
}

int load_stats_progress(const struct load_stats *stats, weir_duration since, weir_buffer *out)
{
    return weir_buffer_printf(out, "%.1f s: %llu of %llu sent, %llu answered, %llu failed, p50 %s p99 %s",
                              seconds(since), (unsigned long long)stats->sent,
                              (unsigned long long)stats->planned, (unsigned long long)stats->answered,
                              (unsigned long long)stats->failed,
                              say(weir_histogram_quantile(&stats->latency, 0.5)).text,
                              say(weir_histogram_quantile(&stats->latency, 0.99)).text);
}

/* --- JSON --- */

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
        find_rows(h, &first, &end);
    for (unsigned row = first; row < end && err == 0; row++) {
        weir_duration upto = row + 1 == end ? weir_histogram_max(h) : load_row_end(row);
        err = weir_buffer_printf(out, "%s{\"upto_ms\":%.6g,\"count\":%llu}", row == first ? "" : ",",
                                 ms(upto), (unsigned long long)row_count(h, row, end));
    }
    return err ? err : weir_buffer_append_byte(out, ']');
}

int load_stats_json(const struct load_stats *stats, const struct load_plan *plan, weir_buffer *out)
{
    int err = weir_buffer_printf(
        out,
        "{\"rate\":%.9g,\"for_s\":%.9g,\"connections\":%d,\"planned\":%llu,\"sent\":%llu,\"unsent\":%llu,"
        "\"answered\":%llu,\"failed\":%llu,\"unfinished\":%llu,\"took_s\":%.6f,\"answers_per_s\":%.6g,"
        "\"bytes\":%llu",
        plan->rate, seconds(plan->length), plan->connections, (unsigned long long)stats->planned,
        (unsigned long long)stats->sent, (unsigned long long)load_stats_unsent(stats),
        (unsigned long long)stats->answered, (unsigned long long)stats->failed,
        (unsigned long long)stats->unfinished, seconds(stats->took), per_second(stats->answered, stats->took),
        (unsigned long long)stats->bytes);

    if (err == 0)
        err = json_outcomes(stats, out);
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
