/* SPDX-License-Identifier: MIT */
#include "commands/top_frame.h"

#include <math.h>
#include <stdlib.h>

#include "commands/top_backends.h"
#include "commands/top_layout.h"
#include "commands/top_pieces.h"
#include "commands/top_rows.h"
#include "commands/top_summary.h"

static const double failing_first = 1e9; /* above every rate */

enum { NAME_LEAST = 26, NAME_MOST = 48, NUMBERS_MOST = 6 };

/* --- order --- */

static double order_value(const json_t *route, const struct top_frame *f)
{
    const enum top_sort sort = f->view->sort;
    const double value = sort == TOP_BY_RATE  ? top_in_window(f, route, "rate")
                         : sort == TOP_BY_P99 ? top_in_window(f, route, "p99")
                                              : top_error_share(f, route);

    return isnan(value) ? -1 : value;
}

/* Orders failing origins first, by their share of errors; then the others by their rate. */
static double origin_value(const json_t *origin, const struct top_frame *f)
{
    const double errors = top_error_share(f, origin), per_second = top_in_window(f, origin, "rate");

    if (json_is_true(json_object_get(origin, "failing")) || errors >= TOP_MANY_ERRORS)
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

/* The member of /stats that a section shows. */
static const char *const members[] = {"loops", "routes", "pools", "backends", "origins"};

static const json_t *listed(const struct top_frame *f, enum top_section section)
{
    return section == TOP_STALLS     ? f->view->stalls
           : section == TOP_BACKENDS ? f->backends
                                     : json_object_get(f->view->stats, members[section]);
}

/* How many things a section is about; not all of its rows are one. */
static size_t count_of(const struct top_frame *f, enum top_section section)
{
    return json_array_size(section == TOP_STALLS ? f->view->stalls
                                                 : json_object_get(f->view->stats, members[section]));
}

/* Sorts the items of a section. Without memory they stay as they are listed. */
static void sort(struct top_frame *f, enum top_section section,
                 int (*compare)(const void *, const void *, void *))
{
    const json_t *list = listed(f, section);
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

/* Bits of the figures that there is no room for. */
static unsigned hidden_figures(const struct top_frame *f, const struct top_rows *rows)
{
    const int width = f->out->width, room = (width - f->name_columns) / TOP_NUMBER_COLUMNS;
    unsigned hidden = 0;

    for (int i = 0; width > 0 && i < rows->figures - room && i < rows->figures; i++)
        hidden |= 1u << rows->least[i];
    return hidden;
}

static void more_line(const struct top_frame *f, const struct top_slice *slice)
{
    if (slice->before > 0)
        terminal_text_printf(f->out, LINE_QUIET, "%zu above, ", slice->before);
    terminal_text_printf(f->out, LINE_QUIET, "and %zu more", slice->after);
    terminal_text_end(f->out);
}

static void write_section(const struct top_frame *f, enum top_section section,
                          const struct top_layout *layout)
{
    const json_t *list = listed(f, section);
    const size_t rows = layout->rows[section];
    const struct top_slice slice = top_slice_of(json_array_size(list), rows, &f->view->offset[section]);

    if (rows == 0)
        return;
    if (layout->spaced)
        terminal_text_end(f->out);
    *f->figures = (struct top_figures){.hidden = hidden_figures(f, &top_rows[section])};
    top_rows[section].heads(f);
    for (size_t i = slice.from; i < slice.from + slice.count; i++) {
        f->figures->next = 0;
        top_rows[section].row(f, f->items[section] != NULL ? f->items[section][i] : json_array_get(list, i));
        terminal_text_end(f->out);
    }
    if (slice.count < rows)
        more_line(f, &slice);
}

static void left_out_line(const struct top_frame *f, const struct top_layout *layout)
{
    const char *before = "no room for ";

    if (layout->left_out == 0)
        return;
    for (size_t i = 0; i < TOP_SECTIONS; i++) {
        const size_t items = count_of(f, (enum top_section)i);
        if (layout->rows[i] > 0 || items == 0)
            continue;
        terminal_text_printf(f->out, LINE_QUIET, "%s%zu %s", before, items, top_rows[i].name);
        before = ", ";
    }
    terminal_text_end(f->out);
}

static void keys_line(const struct top_frame *f, bool spaced)
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
    const int left = width - NUMBERS_MOST * TOP_NUMBER_COLUMNS;

    return width == 0 || left > NAME_MOST ? NAME_MOST : left < NAME_LEAST ? NAME_LEAST : left;
}

static struct top_layout find_layout(const struct top_frame *f, size_t taken)
{
    const struct top_view *view = f->view;
    struct top_room room = {.has_focus = view->has_keys, .focus = view->focus};

    if (view->height > 0)
        room.lines = (size_t)view->height > taken ? (size_t)view->height - taken : 1;
    for (size_t i = 0; i < TOP_SECTIONS; i++)
        room.items[i] = json_array_size(listed(f, (enum top_section)i));
    return top_layout_find(&room);
}

void top_frame_write(struct top_view *view, struct terminal_text *out)
{
    struct top_figures figures = {0};
    struct top_frame f = {
        .view = view, .out = out, .name_columns = name_columns(out->width), .figures = &figures};
    size_t taken = view->has_keys ? 2 : 0; /* lines that are no section's */
    json_t *backends = top_backends_list(&f);
    struct top_layout layout;

    f.backends = backends;
    if (view->sort != TOP_AS_LISTED)
        sort(&f, TOP_ROUTES, compare_routes);
    sort(&f, TOP_ORIGINS, compare_origins);
    taken += top_summary_write(&f);
    layout = find_layout(&f, taken);
    for (size_t i = 0; i < TOP_SECTIONS; i++)
        write_section(&f, (enum top_section)i, &layout);
    left_out_line(&f, &layout);
    if (view->has_keys)
        keys_line(&f, true);
    for (size_t i = 0; i < TOP_SECTIONS; i++)
        free(f.items[i]);
    json_decref(backends);
}
