/* SPDX-License-Identifier: MIT */
#include "top_frame.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"

static const double many_errors = 0.01; /* of the requests */
static const double high_busy = 0.9;    /* of a loop */

enum { NAME_LEAST = 26, NAME_MOST = 48, NUMBER_COLUMNS = 9, NUMBERS_MOST = 6, BAR_COLUMNS = 18 };

struct frame {
    const struct top_view *view;
    struct lines *out;
    const json_t **routes; /* in the order they are shown */
    int name_columns;
};

/* ---- pieces ---- */

static double in_window(const struct frame *f, const json_t *item, const char *name)
{
    return figure_at(json_object_get(item, f->view->last_60s ? "last_60s" : "last_10s"), name);
}

static double error_share(const struct frame *f, const json_t *route)
{
    const double requests = in_window(f, route, "requests");
    return requests > 0 ? in_window(f, route, "errors") / requests : NAN;
}

static void number(const struct frame *f, enum line_style style, const char *text)
{
    lines_field(f->out, style, -NUMBER_COLUMNS, text);
}

static void ms(const struct frame *f, double value)
{
    char text[FIGURE_BYTES];
    number(f, LINE_PLAIN, figure_ms(text, value));
}

static void latencies(const struct frame *f, const json_t *item)
{
    ms(f, in_window(f, item, "p50"));
    ms(f, in_window(f, item, "p99"));
    ms(f, in_window(f, item, "p999"));
}

static void count(const struct frame *f, double value)
{
    char text[FIGURE_BYTES];
    number(f, LINE_PLAIN, figure_count(text, value));
}

static void rate(const struct frame *f, double value)
{
    char text[FIGURE_BYTES];
    number(f, LINE_PLAIN, figure_rate(text, value));
}

/* The heads of a table: the first to the left, the others over their figures. */
static void heads(const struct frame *f, const char *first, const char *const *others)
{
    lines_field(f->out, LINE_QUIET, f->name_columns, first);
    for (; *others; others++)
        number(f, LINE_QUIET, *others);
    lines_end(f->out);
}

static void name(const struct frame *f, const char *text)
{
    lines_field(f->out, LINE_STRONG, f->name_columns - 1, text);
    lines_add(f->out, LINE_PLAIN, " ");
}

/* ---- the top ---- */

static double sum(const struct frame *f, const char *figure)
{
    const json_t *route;
    size_t i;
    double total = 0;
    json_array_foreach(json_object_get(f->view->stats, "routes"), i, route)
    {
        const double value = in_window(f, route, figure);
        total += isnan(value) ? 0 : value;
    }
    return total;
}

static void fact(const struct frame *f, enum line_style style, const char *figure, const char *what)
{
    lines_add(f->out, LINE_PLAIN, f->out->column ? "   " : "");
    lines_add(f->out, style, figure);
    lines_printf(f->out, LINE_QUIET, " %s", what);
}

static void top_line(const struct frame *f)
{
    char text[FIGURE_BYTES];
    lines_printf(f->out, LINE_STRONG, "weir %s", figure_text(f->view->stats, "version"));
    lines_printf(f->out, LINE_PLAIN, " at %s   up %s   ", f->view->address,
                 figure_age(text, figure_at(f->view->stats, "uptime_s")));
    if (f->view->problem)
        lines_printf(f->out, LINE_BAD, "NO ANSWER: %s", f->view->problem);
    else if (json_is_true(json_object_get(f->view->stats, "draining")))
        lines_add(f->out, LINE_WARN, "DRAINING");
    else
        lines_add(f->out, LINE_ACCENT, f->view->paused ? "paused" : "live");
    lines_end(f->out);
}

static void sum_line(const struct frame *f)
{
    const json_t *stats = f->view->stats;
    const double requests = sum(f, "requests"), errors = requests > 0 ? sum(f, "errors") / requests : NAN;
    char text[FIGURE_BYTES];
    fact(f, LINE_STRONG, figure_rate(text, sum(f, "rate")), "requests/s");
    fact(f, errors >= many_errors ? LINE_BAD : LINE_PLAIN, figure_percent(text, errors), "errors");
    fact(f, LINE_PLAIN, figure_count(text, figure_at(stats, "exchanges")), "under way");
    fact(f, LINE_PLAIN, figure_count(text, figure_at(stats, "connections")), "connections");
    fact(f, LINE_PLAIN, figure_count(text, figure_at(stats, "tasks")), "tasks");
    lines_end(f->out);
}

/* ---- the rows of each section ---- */

static void loop_heads(const struct frame *f)
{
    static const char *const names[] = {"TASKS", "READY", "LAG p50", "p99", "p99.9 ms", NULL};
    lines_field(f->out, LINE_QUIET, f->name_columns - BAR_COLUMNS - 2, "LOOP");
    lines_field(f->out, LINE_QUIET, BAR_COLUMNS + 2, "BUSY");
    heads(&(struct frame){.view = f->view, .out = f->out}, "", names);
}

static void loop_row(const struct frame *f, const json_t *loop)
{
    char text[FIGURE_BYTES];
    const double busy = figure_at(loop, "busy");
    const enum line_style style = busy >= high_busy ? LINE_WARN : LINE_ACCENT;
    const int bar = BAR_COLUMNS - 6;
    lines_field(f->out, LINE_STRONG, f->name_columns - BAR_COLUMNS - 2,
                figure_count(text, figure_at(loop, "loop")));
    lines_bar(f->out, style, bar, busy);
    lines_field(f->out, LINE_PLAIN, -(BAR_COLUMNS - bar), figure_percent(text, busy));
    lines_add(f->out, LINE_PLAIN, "  ");
    count(f, figure_at(loop, "tasks"));
    count(f, figure_at(loop, "ready"));
    latencies(f, loop);
}

static void route_heads(const struct frame *f)
{
    static const char *const first[] = {"ROUTE", "ROUTE, by rate", "ROUTE, by p99", "ROUTE, by errors"};
    static const char *const names[] = {"RATE/s", "ERRORS", "p50", "p99", "p99.9 ms", NULL};
    heads(f, first[f->view->sort], names);
}

static void route_row(const struct frame *f, const json_t *route)
{
    char text[FIGURE_BYTES];
    const double errors = error_share(f, route);
    name(f, figure_text(route, "route"));
    rate(f, in_window(f, route, "rate"));
    number(f, errors >= many_errors ? LINE_BAD : LINE_PLAIN,
           errors == 0 ? "0" : figure_percent(text, errors));
    latencies(f, route);
    lines_printf(f->out, LINE_QUIET, "  %s", figure_text(route, "kind"));
}

static void pool_heads(const struct frame *f)
{
    static const char *const names[] = {"BUSY", "QUEUED", "JOBS/s", "WAIT p99", "RUN p99", "REFUSED", NULL};
    heads(f, "POOL", names);
}

static void pool_row(const struct frame *f, const json_t *pool)
{
    char first[FIGURE_BYTES], second[FIGURE_BYTES], both[2 * FIGURE_BYTES];
    const double queued = figure_at(pool, "queued"), most = figure_at(pool, "queue_max");
    name(f, figure_text(pool, "pool"));
    snprintf(both, sizeof both, "%s/%s", figure_count(first, figure_at(pool, "busy")),
             figure_count(second, figure_at(pool, "workers")));
    number(f, LINE_PLAIN, both);
    snprintf(both, sizeof both, "%s/%s", figure_count(first, queued), figure_count(second, most));
    number(f, queued >= most ? LINE_BAD : LINE_PLAIN, both);
    rate(f, in_window(f, pool, "rate"));
    ms(f, in_window(f, pool, "queue.p99"));
    ms(f, in_window(f, pool, "run.p99"));
    count(f, figure_at(pool, "refused"));
}

static void origin_heads(const struct frame *f)
{
    static const char *const names[] = {"RATE/s", "CONNS", "IDLE", "WAITING", "p50", "p99 ms", NULL};
    heads(f, "ORIGIN", names);
}

static void origin_row(const struct frame *f, const json_t *origin)
{
    name(f, figure_text(origin, "origin"));
    rate(f, in_window(f, origin, "rate"));
    count(f, figure_at(origin, "connections"));
    count(f, figure_at(origin, "idle"));
    count(f, figure_at(origin, "waiting"));
    ms(f, in_window(f, origin, "p50"));
    ms(f, in_window(f, origin, "p99"));
}

static void stall_heads(const struct frame *f)
{
    lines_add(f->out, LINE_QUIET, "STALLS, the guilty and the latest first");
    lines_end(f->out);
}

static void stall_row(const struct frame *f, const json_t *stall)
{
    char text[FIGURE_BYTES];
    const double seconds = f->view->now_s - figure_instant(stall, "last");
    const char *place = json_string_value(json_array_get(json_object_get(stall, "stack"), 0));
    lines_field(f->out, LINE_WARN, 11, figure_text(stall, "kind"));
    lines_add(f->out, LINE_STRONG, figure_text(stall, "task"));
    lines_printf(f->out, LINE_PLAIN, " held loop %.0f for ", figure_at(stall, "loop"));
    lines_printf(f->out, LINE_STRONG, "%s ms", figure_ms(text, figure_at(stall, "held_ms")));
    lines_printf(f->out, LINE_PLAIN, ", %s×", figure_count(text, figure_at(stall, "count")));
    if (!isnan(seconds))
        lines_printf(f->out, LINE_QUIET, ", %s ago", figure_age(text, seconds));
    if (place)
        lines_printf(f->out, LINE_QUIET, "  in %s", place);
}

/* ---- the whole ---- */

struct section {
    const char *member;
    void (*heads)(const struct frame *f);
    void (*row)(const struct frame *f, const json_t *item);
    size_t least; /* rows it keeps as long as it is shown */
    size_t ease;  /* how soon its rows give way, times their number */
    int worth;    /* the least is left out first */
};

static const struct section sections[] = {
    {"loops", loop_heads, loop_row, 2, 2, 3},    {"routes", route_heads, route_row, 5, 1, 5},
    {"pools", pool_heads, pool_row, 2, 1, 2},    {"origins", origin_heads, origin_row, 2, 3, 1},
    {"stalls", stall_heads, stall_row, 2, 2, 4},
};
enum { SECTIONS = sizeof sections / sizeof *sections, ROUTES = 1, SECTION_LINES = 2, TOP_LINES = 2 };

static const json_t *items_of(const struct top_view *view, size_t section)
{
    const bool stalls = strcmp(sections[section].member, "stalls") == 0;
    return stalls ? view->stalls : json_object_get(view->stats, sections[section].member);
}

/* Takes a row from the section that can best do without, or a whole section.
 * Returns: how many lines that saves; 0: nothing is left to take.
 */
static size_t take_lines(size_t rows[SECTIONS])
{
    size_t from = SECTIONS, left_out = SECTIONS;
    for (size_t i = 0; i < SECTIONS; i++) {
        if (rows[i] > sections[i].least &&
            (from == SECTIONS || rows[i] * sections[i].ease > rows[from] * sections[from].ease))
            from = i;
        if (rows[i] && (left_out == SECTIONS || sections[i].worth < sections[left_out].worth))
            left_out = i;
    }
    if (from < SECTIONS) {
        rows[from]--;
        return 1;
    }
    if (left_out == SECTIONS || left_out == ROUTES) {
        if (rows[ROUTES] == 0)
            return 0;
        rows[ROUTES]--;
        return rows[ROUTES] ? 1 : 1 + SECTION_LINES;
    }
    const size_t saved = rows[left_out] + SECTION_LINES;
    rows[left_out] = 0;
    return saved;
}

static void share_height(const struct top_view *view, size_t rows[SECTIONS])
{
    const size_t height = view->height > 0 ? (size_t)view->height : SIZE_MAX;
    size_t total = TOP_LINES + (view->has_keys ? 2 : 0);
    for (size_t i = 0; i < SECTIONS; i++) {
        rows[i] = json_array_size(items_of(view, i));
        total += rows[i] ? rows[i] + SECTION_LINES : 0;
    }
    for (size_t saved = 1; total > height && saved > 0; total -= saved)
        saved = take_lines(rows);
}

static void write_section(const struct frame *f, size_t section, size_t rows)
{
    const json_t *items = items_of(f->view, section);
    const size_t all = json_array_size(items);
    const size_t shown = rows < all && rows > 1 ? rows - 1 : rows; /* the last row tells of the others */
    if (rows == 0)
        return;
    lines_end(f->out);
    sections[section].heads(f);
    for (size_t i = 0; i < shown; i++) {
        sections[section].row(f, section == ROUTES && f->routes ? f->routes[i] : json_array_get(items, i));
        lines_end(f->out);
    }
    if (shown < rows) {
        lines_printf(f->out, LINE_QUIET, "and %zu more", all - shown);
        lines_end(f->out);
    }
}

/* ---- order ---- */

static double order_value(const json_t *route, const struct frame *f)
{
    const enum top_sort sort = f->view->sort;
    const double value = sort == TOP_BY_RATE  ? in_window(f, route, "rate")
                         : sort == TOP_BY_P99 ? in_window(f, route, "p99")
                                              : error_share(f, route);
    return isnan(value) ? -1 : value;
}

static int compare(const void *a, const void *b, void *arg)
{
    const double x = order_value(*(const json_t *const *)a, arg);
    const double y = order_value(*(const json_t *const *)b, arg);
    return (x < y) - (x > y);
}

/* Returns: the routes in their order, to be freed; NULL: as they are listed. */
static const json_t **sorted_routes(struct frame *f)
{
    const json_t *routes = json_object_get(f->view->stats, "routes");
    const size_t length = json_array_size(routes);
    if (f->view->sort == TOP_AS_LISTED || length == 0)
        return NULL;
    const json_t **sorted = calloc(length, sizeof(const json_t *));
    for (size_t i = 0; sorted && i < length; i++)
        sorted[i] = json_array_get(routes, i);
    if (sorted)
        qsort_r(sorted, length, sizeof *sorted, compare, f);
    return sorted;
}

static int name_columns(int width)
{
    const int left = width - NUMBERS_MOST * NUMBER_COLUMNS;
    return width == 0 || left > NAME_MOST ? NAME_MOST : left < NAME_LEAST ? NAME_LEAST : left;
}

void top_frame_write(const struct top_view *view, struct lines *out)
{
    struct frame f = {.view = view, .out = out, .name_columns = name_columns(out->width)};
    size_t rows[SECTIONS];
    f.routes = sorted_routes(&f);
    share_height(view, rows);
    top_line(&f);
    sum_line(&f);
    for (size_t i = 0; i < SECTIONS; i++)
        write_section(&f, i, rows[i]);
    if (view->has_keys) {
        lines_end(out);
        lines_printf(out, LINE_QUIET, "q quit   r rate  9 p99  e errors  l as listed   w last %s   p %s",
                     view->last_60s ? "60 s" : "10 s", view->paused ? "go on" : "pause");
        lines_end(out);
    }
    free(f.routes);
}
