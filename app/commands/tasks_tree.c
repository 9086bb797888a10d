/* SPDX-License-Identifier: MIT */
#include "commands/tasks_tree.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/tasks_groups.h"
#include "text/figures.h"

enum { LENGTH_BYTES = 96, PREFIX_BYTES_MAX = 64 << 10 };

struct drawing {
    const struct tasks_view *view;
    struct terminal_text *out;
    weir_buffer prefix; /* of the lines of the present level */
};

/* --- a line --- */

static const char *length_text(char out[FIGURE_BYTES], double ms)
{
    if (ms < 1000)
        snprintf(out, FIGURE_BYTES, "%.0f ms", ms);
    else if (ms < 100000)
        snprintf(out, FIGURE_BYTES, "%.1f s", ms / 1000);
    else
        return figure_age(out, ms / 1000);
    return out;
}

/* "35 ms", or "12 ms to 1.2 s" of several; "" when none has it. */
static const char *range_of(const struct tasks_member *members, size_t count, const char *name,
                            char out[LENGTH_BYTES])
{
    char low[FIGURE_BYTES], high[FIGURE_BYTES];
    double min = INFINITY, max = -INFINITY;

    for (size_t i = 0; i < count; i++) {
        const double ms = figure_at(members[i].task, name);
        min = ms < min ? ms : min;
        max = ms > max ? ms : max;
    }
    out[0] = '\0';
    if (min > max)
        return out;
    length_text(low, min);
    length_text(high, max);
    if (strcmp(low, high) == 0)
        snprintf(out, LENGTH_BYTES, "%s", low);
    else
        snprintf(out, LENGTH_BYTES, "%s to %s", low, high);
    return out;
}

/* Writes a count with a space between thousands, "1 998". */
static const char *count_text(char out[FIGURE_BYTES], size_t count)
{
    char digits[FIGURE_BYTES];
    const int length = snprintf(digits, sizeof digits, "%zu", count);
    int n = 0;

    for (int i = 0; i < length && n < FIGURE_BYTES - 2; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[n++] = ' ';
        out[n++] = digits[i];
    }
    out[n] = '\0';
    return out;
}

static void write_wait(struct terminal_text *out, const struct tasks_member *members, size_t count)
{
    char wait[TASKS_WAIT_BYTES];
    const json_t *task = members[0].task;
    const char *state = figure_text(task, "state");
    const char *words = count > 1 ? tasks_common_wait(task, wait) : figure_text(task, "waits_for");

    if (*words)
        terminal_text_printf(out, LINE_PLAIN, "  %s", words);
    else
        terminal_text_printf(out, strcmp(state, "running") == 0 ? LINE_WARN : LINE_PLAIN, "  %s", state);
}

static const char *drawn(const struct drawing *d, const char *nice, const char *plain)
{
    return d->out->utf8 ? nice : plain;
}

static void write_members(struct drawing *d, const struct tasks_member *members, size_t count,
                          const char *branch)
{
    char text[LENGTH_BYTES], number[FIGURE_BYTES];
    struct terminal_text *out = d->out;
    const json_t *task = members[0].task;
    const char *name = figure_text(task, "name"), *route = figure_text(task, "route");
    const char *spawned_at = figure_text(task, "spawned_at");

    terminal_text_add(out, LINE_QUIET, d->prefix.data != NULL ? d->prefix.data : "");
    terminal_text_add(out, LINE_QUIET, branch);
    terminal_text_add(out, LINE_STRONG, name);
    if (count > 1)
        terminal_text_printf(out, LINE_ACCENT, " %s %s", drawn(d, "×", "x"), count_text(number, count));
    else
        terminal_text_printf(out, LINE_QUIET, " #%.0f", figure_at(task, "id"));
    write_wait(out, members, count);
    if (*range_of(members, count, "age_ms", text))
        terminal_text_printf(out, LINE_QUIET, "  age %s", text);
    if (*range_of(members, count, "deadline_ms", text))
        terminal_text_printf(out, LINE_QUIET, "  left %s", text);
    if (*route && strcmp(route, name) != 0)
        terminal_text_printf(out, LINE_QUIET, "  for %s", route);
    if (*spawned_at)
        terminal_text_printf(out, LINE_QUIET, "  from %s", spawned_at);
    terminal_text_end(out);
}

/* --- the tree --- */

/* Begins a deeper level.
 * Returns: the length of the prefix before, for the end of the level.
 */
static size_t go_down(struct drawing *d, bool last)
{
    const size_t before = d->prefix.len;

    if (d->out->text.err == 0)
        d->out->text.err = weir_buffer_append_text(&d->prefix, last ? "   " : drawn(d, "│  ", "|  "));
    return before;
}

static void write_stack(struct drawing *d, const json_t *task, bool has_children)
{
    const json_t *stack = json_object_get(task, "stack"), *frame;
    size_t i;

    json_array_foreach(stack, i, frame)
    {
        terminal_text_add(d->out, LINE_QUIET, d->prefix.data != NULL ? d->prefix.data : "");
        terminal_text_add(d->out, LINE_QUIET, has_children ? drawn(d, "│    ", "|    ") : "     ");
        terminal_text_add(d->out, LINE_PLAIN, json_is_string(frame) ? json_string_value(frame) : "?");
        terminal_text_end(d->out);
    }
}

/* Adds the tasks in these scopes to a list.
 * Returns: false when there is no memory.
 */
static bool gather(const json_t *scopes, struct tasks_member **list, size_t *count, size_t *room)
{
    const json_t *scope, *task;
    size_t i, k;

    json_array_foreach(scopes, i, scope)
    {
        json_array_foreach(json_object_get(scope, "tasks"), k, task)
        {
            if (*count == *room) {
                const size_t more = *room ? 2 * *room : 64;
                struct tasks_member *larger = realloc(*list, more * sizeof *larger);
                if (larger == NULL)
                    return false;
                *list = larger;
                *room = more;
            }
            (*list)[(*count)++].task = task;
        }
    }
    return true;
}

static size_t count_used(const json_t *scopes)
{
    const json_t *scope;
    size_t i, n = 0;

    json_array_foreach(scopes, i, scope) n += json_array_size(json_object_get(scope, "tasks")) > 0;
    return n;
}

static void write_level(struct drawing *d, struct tasks_member *members, size_t count);

static void out_of_memory(struct drawing *d)
{
    if (d->out->text.err == 0)
        d->out->text.err = -ENOMEM;
}

static void write_merged(struct drawing *d, const struct tasks_member *members, size_t count)
{
    struct tasks_member *below = NULL;
    size_t n = 0, room = 0;
    bool good = true;

    for (size_t i = 0; i < count && good; i++)
        good = gather(json_object_get(members[i].task, "scopes"), &below, &n, &room);
    if (!good)
        out_of_memory(d);
    else if (n > 0)
        write_level(d, below, n);
    free(below);
}

/* Writes a task that has tasks in several scopes: each scope has a line of its own. */
static void write_scopes(struct drawing *d, const json_t *scopes)
{
    const json_t *scope;
    char text[FIGURE_BYTES];
    size_t i, left = count_used(scopes);

    json_array_foreach(scopes, i, scope)
    {
        const json_t *tasks = json_object_get(scope, "tasks");
        const double left_ms = figure_at(scope, "deadline_ms");
        struct tasks_member *below = NULL;
        size_t before, n = 0, room = 0;
        json_t *one;
        bool last;
        if (json_array_size(tasks) == 0)
            continue;
        last = --left == 0;
        terminal_text_add(d->out, LINE_QUIET, d->prefix.data != NULL ? d->prefix.data : "");
        terminal_text_add(d->out, LINE_QUIET, last ? drawn(d, "└─ ", "`- ") : drawn(d, "├─ ", "|- "));
        terminal_text_add(d->out, LINE_PLAIN, "scope");
        if (!isnan(left_ms))
            terminal_text_printf(d->out, LINE_QUIET, "  left %s", length_text(text, left_ms));
        terminal_text_end(d->out);
        before = go_down(d, last);
        one = json_pack("[O]", scope);
        if (one != NULL && gather(one, &below, &n, &room))
            write_level(d, below, n);
        else
            out_of_memory(d);
        free(below);
        json_decref(one);
        weir_buffer_truncate(&d->prefix, before);
    }
}

static void write_level(struct drawing *d, struct tasks_member *members, size_t count)
{
    struct tasks_group *groups;
    const size_t n = tasks_group(members, count, d->view->flat, &groups);

    if (n == 0 && count > 0)
        out_of_memory(d);
    for (size_t i = 0; i < n && d->out->text.err == 0; i++) {
        const bool last = i + 1 == n;
        const struct tasks_member *first = &members[groups[i].first];
        const json_t *scopes = json_object_get(first->task, "scopes");
        size_t before;
        write_members(d, first, groups[i].count, last ? drawn(d, "└─ ", "`- ") : drawn(d, "├─ ", "|- "));
        before = go_down(d, last);
        if (d->view->stacks)
            write_stack(d, first->task, count_used(scopes) > 0);
        if (groups[i].count == 1 && count_used(scopes) > 1)
            write_scopes(d, scopes);
        else
            write_merged(d, first, groups[i].count);
        weir_buffer_truncate(&d->prefix, before);
    }
    free(groups);
}

static void write_loop(struct drawing *d, const json_t *loop)
{
    const json_t *tree = json_object_get(loop, "tree"), *task;
    char name[FIGURE_BYTES];
    const double tasks = figure_at(loop, "tasks");
    char number[FIGURE_BYTES];
    struct tasks_member *members = malloc((json_array_size(tree) + 1) * sizeof *members);
    size_t i;

    if (members == NULL) {
        out_of_memory(d);
        return;
    }
    terminal_text_printf(d->out, LINE_STRONG, "loop %s", figure_loop(name, loop));
    terminal_text_printf(d->out, LINE_QUIET, "  %s %s", count_text(number, tasks > 0 ? (size_t)tasks : 0),
                         tasks == 1 ? "task" : "tasks");
    terminal_text_end(d->out);
    json_array_foreach(tree, i, task) members[i].task = task;
    write_level(d, members, json_array_size(tree));
    free(members);
}

void tasks_tree_write(const json_t *tasks, const struct tasks_view *view, struct terminal_text *out)
{
    struct drawing d = {.view = view, .out = out};
    const json_t *loop;
    size_t i;

    weir_buffer_init(&d.prefix, PREFIX_BYTES_MAX);
    json_array_foreach(json_object_get(tasks, "loops"), i, loop) write_loop(&d, loop);
    if (json_is_true(json_object_get(tasks, "truncated"))) {
        terminal_text_add(out, LINE_WARN, "There are more: --filter shows those you look for.");
        terminal_text_end(out);
    }
    weir_buffer_free(&d.prefix);
}
