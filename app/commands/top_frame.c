/* SPDX-License-Identifier: MIT */
#include "commands/top_frame.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/figures.h"

static const double many_errors = 0.01;  /* of the requests */
static const double many_unserved = 10;  /* half-sent heads, and those that timed out */
static const double high_busy = 0.9;     /* of a loop */
static const double lacked_share = 0.1;  /* of the time in which the loops wanted a CPU */
static const double lacked_least = 0.02; /* of a loop's time */

enum {
    NAME_LEAST = 26,
    NAME_MOST = 48,
    NUMBER_COLUMNS = 9,
    NUMBERS_MOST = 6,
    BAR_COLUMNS = 18,
    TITLE_BYTES = 48,
    WIDE = 100,
    TOP_LINES = 2
};

static const double failing_first = 1e9; /* above every rate */

struct frame {
    struct top_view *view;
    struct terminal_text *out;
    const json_t **items[TOP_SECTIONS]; /* in the order in which they are shown; NULL: as they are listed */
    int name_columns;
};

/* --- pieces --- */

static double in_window(const struct frame *f, const json_t *item, const char *name)
{
    return figure_at(json_object_get(item, f->view->last_60s ? "last_60s" : "last_10s"), name);
}

/* The reason that most of them have: "connect"; "" when there is none. reasons: {"connect":12,…} */
static const char *main_reason(const json_t *reasons)
{
    const char *name, *most = "";
    double count = 0;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)reasons, name, value)
    {
        if (json_number_value(value) > count) {
            count = json_number_value(value);
            most = name;
        }
    }
    return most;
}

static const json_t *window_of(const struct frame *f, const json_t *item)
{
    return json_object_get(item, f->view->last_60s ? "last_60s" : "last_10s");
}

static double error_share(const struct frame *f, const json_t *route)
{
    const double requests = in_window(f, route, "requests");

    return requests > 0 ? in_window(f, route, "errors") / requests : NAN;
}

static void number(const struct frame *f, enum line_style style, const char *text)
{
    terminal_text_field(f->out, style, -NUMBER_COLUMNS, text);
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

static const char *title(const struct frame *f, enum top_section section, const char *text,
                         char room[TITLE_BYTES])
{
    if (!f->view->has_keys || f->view->focus != section)
        return text;
    snprintf(room, TITLE_BYTES, "> %s", text);
    return room;
}

/* The heads of a table: the first to the left, the others over their figures. */
static void heads(const struct frame *f, enum top_section section, const char *first,
                  const char *const *others)
{
    char room[TITLE_BYTES];

    terminal_text_field(f->out, LINE_QUIET, f->name_columns, title(f, section, first, room));
    for (; *others != NULL; others++)
        number(f, LINE_QUIET, *others);
    terminal_text_end(f->out);
}

static void name(const struct frame *f, const char *text)
{
    terminal_text_field(f->out, LINE_STRONG, f->name_columns - 1, text);
    terminal_text_add(f->out, LINE_PLAIN, " ");
}

/* --- the top --- */

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
    terminal_text_add(f->out, LINE_PLAIN, f->out->column ? "   " : "");
    terminal_text_add(f->out, style, figure);
    terminal_text_printf(f->out, LINE_QUIET, " %s", what);
}

static void top_line(const struct frame *f)
{
    char text[FIGURE_BYTES];

    terminal_text_printf(f->out, LINE_STRONG, "weir %s", figure_text(f->view->stats, "version"));
    terminal_text_printf(f->out, LINE_PLAIN, " at %s   up %s   ", f->view->address,
                         figure_age(text, figure_at(f->view->stats, "uptime_s")));
    if (f->view->problem != NULL)
        terminal_text_printf(f->out, LINE_BAD, "NO ANSWER: %s", f->view->problem);
    else if (json_is_true(json_object_get(f->view->stats, "draining")))
        terminal_text_add(f->out, LINE_WARN, "DRAINING");
    else
        terminal_text_add(f->out, LINE_ACCENT, f->view->paused ? "paused" : "live");
    terminal_text_end(f->out);
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
    terminal_text_end(f->out);
}

/* What is not there is none. */
static double at_least_0(double value)
{
    return value > 0 ? value : 0;
}

/* --- what stands out, each a line when there is any --- */

/* "41 % refused by the gateway: queueing 312, pool_full 20" */
static bool refused_line(const struct frame *f)
{
    const json_t *refused = json_object_get(f->view->stats, "refused");
    const double requests = in_window(f, refused, "requests"), count = in_window(f, refused, "refused");
    const char *name, *before = ": ";
    char text[FIGURE_BYTES];
    json_t *value;

    if (!(count > 0))
        return false;
    terminal_text_printf(f->out, count >= many_errors * requests ? LINE_BAD : LINE_WARN, "%s refused",
                         figure_percent(text, requests > 0 ? count / requests : 1));
    json_object_foreach(json_object_get(window_of(f, refused), "reasons"), name, value)
    {
        terminal_text_printf(f->out, LINE_PLAIN, "%s%s %s", before, name,
                             figure_count(text, json_number_value(value)));
        before = ", ";
    }
    terminal_text_end(f->out);
    return true;
}

/* "half-sent heads: 2990 now, 120 timed out; 20 connections over their client's limit; most from 127.0.0.1"
 */
static bool unserved_line(const struct frame *f)
{
    const json_t *unserved = json_object_get(f->view->stats, "unserved");
    const json_t *reasons = json_object_get(window_of(f, unserved), "reasons");
    const json_t *client = json_array_get(json_object_get(unserved, "clients"), 0);
    const double half = at_least_0(figure_at(unserved, "half_sent"));
    const double slow = at_least_0(figure_at(reasons, "head_timeout"));
    const double limit = at_least_0(figure_at(reasons, "client_limit"));
    char text[FIGURE_BYTES];

    if (half + slow + limit < many_unserved)
        return false;
    if (half + slow > 0) {
        terminal_text_add(f->out, LINE_BAD, "half-sent heads");
        terminal_text_printf(f->out, LINE_PLAIN, ": %s now", figure_count(text, half));
    }
    if (slow > 0)
        terminal_text_printf(f->out, LINE_PLAIN, ", %s timed out", figure_count(text, slow));
    if (limit > 0) {
        terminal_text_printf(f->out, LINE_BAD, "%s%s connections", half + slow > 0 ? "; " : "",
                             figure_count(text, limit));
        terminal_text_add(f->out, LINE_PLAIN, " over their client's limit");
    }
    if (client != NULL)
        terminal_text_printf(f->out, LINE_PLAIN, "; most from %s", figure_text(client, "address"));
    terminal_text_end(f->out);
    return true;
}

/* "no CPU for 92 % of the time that the loops wanted it: see 'weir advise'" */
static bool host_line(const struct frame *f)
{
    const json_t *loop;
    size_t i;
    double wanted = 0, lacked = 0;
    char text[FIGURE_BYTES];

    json_array_foreach(json_object_get(f->view->stats, "loops"), i, loop)
    {
        wanted += at_least_0(in_window(f, loop, "busy"));
        lacked += at_least_0(in_window(f, loop, "off_cpu"));
    }
    if (lacked < lacked_least || lacked < lacked_share * wanted)
        return false;
    terminal_text_printf(f->out, LINE_BAD, "no CPU for %s", figure_percent(text, lacked / wanted));
    terminal_text_add(f->out, LINE_PLAIN, " of the time that the loops wanted it: see 'weir advise'");
    terminal_text_end(f->out);
    return true;
}

/* --- the rows of each section --- */

static void loop_heads(const struct frame *f)
{
    static const char *const names[] = {"TASKS", "READY", "LAG p50", "p99", "p99.9 ms", NULL};
    char room[TITLE_BYTES];

    terminal_text_field(f->out, LINE_QUIET, f->name_columns - BAR_COLUMNS - 2,
                        title(f, TOP_LOOPS, "LOOP", room));
    terminal_text_field(f->out, LINE_QUIET, BAR_COLUMNS + 2, "BUSY");
    heads(&(struct frame){.view = f->view, .out = f->out}, TOP_SECTIONS, "", names);
}

static void loop_row(const struct frame *f, const json_t *loop)
{
    char text[FIGURE_BYTES];
    const double busy = figure_at(loop, "busy");
    const enum line_style style = busy >= high_busy ? LINE_WARN : LINE_ACCENT;
    const int bar = BAR_COLUMNS - 6;

    terminal_text_field(f->out, LINE_STRONG, f->name_columns - BAR_COLUMNS - 2,
                        figure_count(text, figure_at(loop, "loop")));
    terminal_text_bar(f->out, style, bar, busy);
    terminal_text_field(f->out, LINE_PLAIN, -(BAR_COLUMNS - bar), figure_percent(text, busy));
    terminal_text_add(f->out, LINE_PLAIN, "  ");
    count(f, figure_at(loop, "tasks"));
    count(f, figure_at(loop, "ready"));
    latencies(f, loop);
}

static void route_heads(const struct frame *f)
{
    static const char *const first[] = {"ROUTE, by rate", "ROUTE, by p99", "ROUTE, by errors", "ROUTE"};
    static const char *const names[] = {"RATE/s", "ERRORS", "p50", "p99", "p99.9 ms", NULL};

    heads(f, TOP_ROUTES, first[f->view->sort], names);
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
    terminal_text_printf(f->out, LINE_QUIET, "  %s", figure_text(route, "kind"));
}

static void pool_heads(const struct frame *f)
{
    static const char *const names[] = {"BUSY", "QUEUED", "JOBS/s", "WAIT p99", "RUN p99", "REFUSED", NULL};

    heads(f, TOP_POOLS, "POOL", names);
}

static void pool_row(const struct frame *f, const json_t *pool)
{
    char first[FIGURE_BYTES], second[FIGURE_BYTES], both[2 * FIGURE_BYTES];
    const double queued = figure_at(pool, "queued"), most = figure_at(pool, "queue_max");
    double refused;

    name(f, figure_text(pool, "pool"));
    snprintf(both, sizeof both, "%s/%s", figure_count(first, figure_at(pool, "busy")),
             figure_count(second, figure_at(pool, "workers")));
    number(f, LINE_PLAIN, both);
    snprintf(both, sizeof both, "%s/%s", figure_count(first, queued), figure_count(second, most));
    number(f, queued >= most ? LINE_BAD : LINE_PLAIN, both);
    rate(f, in_window(f, pool, "rate"));
    ms(f, in_window(f, pool, "queue.p99"));
    ms(f, in_window(f, pool, "run.p99"));
    refused = in_window(f, pool, "refused");
    count(f, isnan(refused) ? figure_at(pool, "refused") : refused);
}

static void origin_heads(const struct frame *f)
{
    static const char *const names[] = {"RATE/s", "ERRORS", "CONNS", "WAITING", "p50", "p99 ms", NULL};

    heads(f, TOP_ORIGINS, "ORIGIN", names);
}

/* Why it fails takes the place of its latencies where the terminal is narrow. */
static void origin_row(const struct frame *f, const json_t *origin)
{
    char text[FIGURE_BYTES];
    const double errors = error_share(f, origin);
    const bool fails = errors >= many_errors || json_is_true(json_object_get(origin, "failing"));
    const bool narrow = f->out->width > 0 && f->out->width < WIDE;
    const char *reason = main_reason(json_object_get(window_of(f, origin), "reasons"));

    name(f, figure_text(origin, "origin"));
    rate(f, in_window(f, origin, "rate"));
    number(f, fails ? LINE_BAD : LINE_PLAIN, errors == 0 ? "0" : figure_percent(text, errors));
    count(f, figure_at(origin, "connections"));
    count(f, figure_at(origin, "waiting"));
    if (!fails || !narrow) {
        ms(f, in_window(f, origin, "p50"));
        ms(f, in_window(f, origin, "p99"));
    }
    if (fails)
        terminal_text_printf(f->out, LINE_BAD, "  %s", reason[0] ? reason : "failing");
    if (fails && !narrow && json_object_get(origin, "last_error") != NULL)
        terminal_text_printf(f->out, LINE_QUIET, ": %s",
                             figure_text(json_object_get(origin, "last_error"), "text"));
}

static void stall_heads(const struct frame *f)
{
    char room[TITLE_BYTES];

    terminal_text_add(f->out, LINE_QUIET, title(f, TOP_STALLS, "STALLS, computing and blocked first", room));
    terminal_text_end(f->out);
}

static void stall_row(const struct frame *f, const json_t *stall)
{
    char text[FIGURE_BYTES];
    const double seconds = f->view->now_s - figure_instant(stall, "last");
    const char *place = json_string_value(json_array_get(json_object_get(stall, "stack"), 0));

    terminal_text_field(f->out, LINE_WARN, 11, figure_text(stall, "kind"));
    terminal_text_add(f->out, LINE_STRONG, figure_text(stall, "task"));
    terminal_text_printf(f->out, LINE_PLAIN, " held loop %.0f for ", figure_at(stall, "loop"));
    terminal_text_printf(f->out, LINE_STRONG, "%s ms", figure_ms(text, figure_at(stall, "held_ms")));
    terminal_text_printf(f->out, LINE_PLAIN, ", %s×", figure_count(text, figure_at(stall, "count")));
    if (!isnan(seconds))
        terminal_text_printf(f->out, LINE_QUIET, ", %s ago", figure_age(text, seconds));
    if (place != NULL)
        terminal_text_printf(f->out, LINE_QUIET, "  in %s", place);
}

/* --- order --- */

static double order_value(const json_t *route, const struct frame *f)
{
    const enum top_sort sort = f->view->sort;
    const double value = sort == TOP_BY_RATE  ? in_window(f, route, "rate")
                         : sort == TOP_BY_P99 ? in_window(f, route, "p99")
                                              : error_share(f, route);

    return isnan(value) ? -1 : value;
}

/* What fails comes first, by how much of it does; then the busiest. */
static double origin_value(const json_t *origin, const struct frame *f)
{
    const double errors = error_share(f, origin), per_second = in_window(f, origin, "rate");

    if (json_is_true(json_object_get(origin, "failing")) || errors >= many_errors)
        return failing_first * (1 + (isnan(errors) ? 0 : errors));
    return isnan(per_second) ? -1 : per_second;
}

static int compare_routes(const void *a, const void *b, void *arg)
{
    const double x = order_value(*(const json_t *const *)a, arg);
    const double y = order_value(*(const json_t *const *)b, arg);

    return (x < y) - (x > y);
}

static int compare_origins(const void *a, const void *b, void *arg)
{
    const double x = origin_value(*(const json_t *const *)a, arg);
    const double y = origin_value(*(const json_t *const *)b, arg);

    return (x < y) - (x > y);
}

static const json_t *listed(const struct top_view *view, enum top_section section)
{
    static const char *const members[] = {"loops", "routes", "pools", "origins"};

    return section == TOP_STALLS ? view->stalls : json_object_get(view->stats, members[section]);
}

/* Without memory they stay as they are listed. */
static void sort(struct frame *f, enum top_section section,
                 int (*compare)(const void *, const void *, void *))
{
    const json_t *list = listed(f->view, section);
    const size_t length = json_array_size(list);
    const json_t **sorted = length > 0 ? calloc(length, sizeof(const json_t *)) : NULL;

    if (sorted == NULL)
        return;
    for (size_t i = 0; i < length; i++)
        sorted[i] = json_array_get(list, i);
    qsort_r(sorted, length, sizeof *sorted, compare, f);
    f->items[section] = sorted;
}

/* --- the whole --- */

static const struct section {
    const char *name;
    void (*heads)(const struct frame *f);
    void (*row)(const struct frame *f, const json_t *item);
} sections[TOP_SECTIONS] = {
    [TOP_LOOPS] = {"loops", loop_heads, loop_row},     [TOP_ROUTES] = {"routes", route_heads, route_row},
    [TOP_POOLS] = {"pools", pool_heads, pool_row},     [TOP_ORIGINS] = {"origins", origin_heads, origin_row},
    [TOP_STALLS] = {"stalls", stall_heads, stall_row},
};

static void more_line(const struct frame *f, const struct top_slice *slice)
{
    if (slice->before > 0)
        terminal_text_printf(f->out, LINE_QUIET, "%zu above, ", slice->before);
    terminal_text_printf(f->out, LINE_QUIET, "and %zu more", slice->after);
    terminal_text_end(f->out);
}

static void write_section(const struct frame *f, enum top_section section, const struct top_layout *layout)
{
    const json_t *list = listed(f->view, section);
    const size_t rows = layout->rows[section];
    const struct top_slice slice = top_slice_of(json_array_size(list), rows, &f->view->offset[section]);

    if (rows == 0)
        return;
    if (layout->spaced)
        terminal_text_end(f->out);
    sections[section].heads(f);
    for (size_t i = slice.from; i < slice.from + slice.count; i++) {
        sections[section].row(f, f->items[section] != NULL ? f->items[section][i] : json_array_get(list, i));
        terminal_text_end(f->out);
    }
    if (slice.count < rows)
        more_line(f, &slice);
}

static void left_out_line(const struct frame *f, const struct top_layout *layout)
{
    const char *before = "no room for ";

    if (layout->left_out == 0)
        return;
    for (size_t i = 0; i < TOP_SECTIONS; i++) {
        const size_t items = json_array_size(listed(f->view, (enum top_section)i));
        if (layout->rows[i] > 0 || items == 0)
            continue;
        terminal_text_printf(f->out, LINE_QUIET, "%s%zu %s", before, items, sections[i].name);
        before = ", ";
    }
    terminal_text_end(f->out);
}

static void keys_line(const struct frame *f, bool spaced)
{
    if (spaced)
        terminal_text_end(f->out);
    terminal_text_printf(f->out, LINE_QUIET,
                         "q quit  r rate 9 p99 e errors l listed  w last %s  p %s  Tab/arrows scroll",
                         f->view->last_60s ? "60 s" : "10 s", f->view->paused ? "go on" : "pause");
    terminal_text_end(f->out);
}

static int name_columns(int width)
{
    const int left = width - NUMBERS_MOST * NUMBER_COLUMNS;

    return width == 0 || left > NAME_MOST ? NAME_MOST : left < NAME_LEAST ? NAME_LEAST : left;
}

static struct top_layout find_layout(const struct top_view *view, size_t taken)
{
    struct top_room room = {.has_focus = view->has_keys, .focus = view->focus};

    if (view->height > 0)
        room.lines = (size_t)view->height > taken ? (size_t)view->height - taken : 1;
    for (size_t i = 0; i < TOP_SECTIONS; i++)
        room.items[i] = json_array_size(listed(view, (enum top_section)i));
    return top_layout_find(&room);
}

void top_frame_write(struct top_view *view, struct terminal_text *out)
{
    struct frame f = {.view = view, .out = out, .name_columns = name_columns(out->width)};
    size_t taken = TOP_LINES + (view->has_keys ? 2 : 0);
    struct top_layout layout;

    if (view->sort != TOP_AS_LISTED)
        sort(&f, TOP_ROUTES, compare_routes);
    sort(&f, TOP_ORIGINS, compare_origins);
    top_line(&f);
    sum_line(&f);
    taken += refused_line(&f);
    taken += unserved_line(&f);
    taken += host_line(&f);
    layout = find_layout(view, taken);
    for (size_t i = 0; i < TOP_SECTIONS; i++)
        write_section(&f, (enum top_section)i, &layout);
    left_out_line(&f, &layout);
    if (view->has_keys)
        keys_line(&f, true);
    for (size_t i = 0; i < TOP_SECTIONS; i++)
        free(f.items[i]);
}
