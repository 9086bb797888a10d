/* SPDX-License-Identifier: MIT */
#include "commands/top_rows.h"

#include <math.h>
#include <stdio.h>

#include "commands/top_backends.h"
#include "text/figures.h"

static const double high_busy = 0.9; /* of a loop */

enum { BAR_COLUMNS = 18, WIDE = 100 };

static void loop_heads(const struct top_frame *f)
{
    static const char *const names[] = {"TASKS", "READY", "LAG p50", "p99 ms", "p99.9 ms", NULL};
    char room[TOP_TITLE_BYTES];

    terminal_text_field(f->out, LINE_QUIET, f->name_columns - BAR_COLUMNS - 2,
                        top_title(f, TOP_LOOPS, "LOOP", room));
    terminal_text_field(f->out, LINE_QUIET, BAR_COLUMNS + 2, "BUSY");
    top_heads(&(struct top_frame){.view = f->view, .out = f->out, .figures = f->figures}, TOP_SECTIONS, "",
              names);
}

static void loop_row(const struct top_frame *f, const json_t *loop)
{
    char text[FIGURE_BYTES];
    const double busy = figure_at(loop, "busy");
    const enum line_style style = busy >= high_busy ? LINE_WARN : LINE_ACCENT;
    const int bar = BAR_COLUMNS - 6;

    terminal_text_field(f->out, LINE_STRONG, f->name_columns - BAR_COLUMNS - 2, figure_loop(text, loop));
    terminal_text_bar(f->out, style, bar, busy);
    terminal_text_field(f->out, LINE_PLAIN, -(BAR_COLUMNS - bar), figure_percent(text, busy));
    terminal_text_add(f->out, LINE_PLAIN, "  ");
    top_count(f, figure_at(loop, "tasks"));
    top_count(f, figure_at(loop, "ready"));
    top_latencies(f, loop);
}

static void route_heads(const struct top_frame *f)
{
    static const char *const first[] = {"ROUTE, by rate", "ROUTE, by p99", "ROUTE, by errors", "ROUTE"};
    static const char *const names[] = {"RATE/s", "ERRORS", "p50 ms", "p99 ms", "p99.9 ms", NULL};

    top_heads(f, TOP_ROUTES, first[f->view->sort], names);
}

static void route_row(const struct top_frame *f, const json_t *route)
{
    char text[FIGURE_BYTES];
    const double errors = top_error_share(f, route);

    top_name(f, figure_text(route, "route"));
    top_rate(f, top_in_window(f, route, "rate"));
    top_number(f, errors >= TOP_MANY_ERRORS ? LINE_BAD : LINE_PLAIN,
               errors == 0 ? "0" : figure_percent(text, errors));
    top_latencies(f, route);
    if (f->figures->hidden == 0)
        terminal_text_printf(f->out, LINE_QUIET, "  %s", figure_text(route, "kind"));
}

static void pool_heads(const struct top_frame *f)
{
    static const char *const names[] = {"BUSY", "QUEUED", "JOBS/s", "WAIT p99", "RUN p99", "REFUSED", NULL};

    top_heads(f, TOP_POOLS, "POOL", names);
}

static void pool_row(const struct top_frame *f, const json_t *pool)
{
    char first[FIGURE_BYTES], second[FIGURE_BYTES], both[2 * FIGURE_BYTES];
    const double queued = figure_at(pool, "queued"), most = figure_at(pool, "queue_max");
    double refused;

    top_name(f, figure_text(pool, "pool"));
    snprintf(both, sizeof both, "%s/%s", figure_count(first, figure_at(pool, "busy")),
             figure_count(second, figure_at(pool, "workers")));
    top_number(f, LINE_PLAIN, both);
    snprintf(both, sizeof both, "%s/%s", figure_count(first, queued), figure_count(second, most));
    top_number(f, queued >= most ? LINE_BAD : LINE_PLAIN, both);
    top_rate(f, top_in_window(f, pool, "rate"));
    top_ms(f, top_in_window(f, pool, "queue.p99"));
    top_ms(f, top_in_window(f, pool, "run.p99"));
    refused = top_in_window(f, pool, "refused");
    top_count(f, isnan(refused) ? figure_at(pool, "refused") : refused);
}

static void origin_heads(const struct top_frame *f)
{
    static const char *const names[] = {"RATE/s", "ERRORS", "CONNS", "WAITING", "p50 ms", "p99 ms", NULL};

    top_heads(f, TOP_ORIGINS, "ORIGIN", names);
}

/* On a narrow terminal the reason of its failures takes the place of the latencies. */
static void origin_row(const struct top_frame *f, const json_t *origin)
{
    char text[FIGURE_BYTES];
    const double errors = top_error_share(f, origin);
    const bool fails = errors >= TOP_MANY_ERRORS || json_is_true(json_object_get(origin, "failing"));
    const bool narrow = f->out->width > 0 && f->out->width < WIDE;
    const char *reason = top_main_reason(json_object_get(top_window(f, origin), "reasons"));

    top_name(f, figure_text(origin, "origin"));
    top_rate(f, top_in_window(f, origin, "rate"));
    top_number(f, fails ? LINE_BAD : LINE_PLAIN, errors == 0 ? "0" : figure_percent(text, errors));
    top_count(f, figure_at(origin, "connections"));
    top_count(f, figure_at(origin, "waiting"));
    if (!fails || !narrow) {
        top_ms(f, top_in_window(f, origin, "p50"));
        top_ms(f, top_in_window(f, origin, "p99"));
    }
    if (fails)
        terminal_text_printf(f->out, LINE_BAD, "  %s", reason[0] ? reason : "failing");
    if (fails && !narrow && json_object_get(origin, "last_error") != NULL)
        terminal_text_printf(f->out, LINE_QUIET, ": %s",
                             figure_text(json_object_get(origin, "last_error"), "text"));
}

static void stall_heads(const struct top_frame *f)
{
    char room[TOP_TITLE_BYTES];

    terminal_text_add(f->out, LINE_QUIET,
                      top_title(f, TOP_STALLS, "STALLS, computing and blocked first", room));
    terminal_text_end(f->out);
}

static void stall_row(const struct top_frame *f, const json_t *stall)
{
    char text[FIGURE_BYTES];
    const double seconds = f->view->now_s - figure_instant(stall, "last");
    const char *place = json_string_value(json_array_get(json_object_get(stall, "stack"), 0));

    terminal_text_field(f->out, LINE_WARN, 11, figure_text(stall, "kind"));
    terminal_text_add(f->out, LINE_STRONG, figure_text(stall, "task"));
    if (json_is_string(json_object_get(stall, "app")))
        terminal_text_add(f->out, LINE_PLAIN, " held for ");
    else
        terminal_text_printf(f->out, LINE_PLAIN, " held loop %s for ", figure_loop(text, stall));
    terminal_text_printf(f->out, LINE_STRONG, "%s ms", figure_ms(text, figure_at(stall, "held_ms")));
    terminal_text_printf(f->out, LINE_PLAIN, ", %s×", figure_count(text, figure_at(stall, "count")));
    if (!isnan(seconds))
        terminal_text_printf(f->out, LINE_QUIET, ", %s ago", figure_age(text, seconds));
    if (place != NULL)
        terminal_text_printf(f->out, LINE_QUIET, "  in %s", place);
}

const struct top_rows top_rows[TOP_SECTIONS] = {
    [TOP_LOOPS] = {"loops", 5, {4, 1, 0, 2, 3}, loop_heads, loop_row},
    [TOP_ROUTES] = {"routes", 5, {4, 2, 3, 0, 1}, route_heads, route_row},
    [TOP_POOLS] = {"pools", 6, {4, 2, 3, 0, 1, 5}, pool_heads, pool_row},
    [TOP_BACKENDS] = {"backends", 6, {4, 5, 2, 0, 1, 3}, top_backend_heads, top_backend_row},
    [TOP_ORIGINS] = {"origins", 6, {2, 4, 3, 5, 0, 1}, origin_heads, origin_row},
    [TOP_STALLS] = {"stalls", 0, {0}, stall_heads, stall_row},
};
