/* SPDX-License-Identifier: MIT */
#include "commands/outliers_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/figures.h"

enum {
    AGE_COLUMNS = 10,
    TOOK_COLUMNS = 9,
    STATUS_COLUMNS = 4,
    ROUTE_COLUMNS = 24,
    MOSTLY_COLUMNS = 26,
    INDENT = 2,
    NAME_COLUMNS = 24,
    MS_COLUMNS = 12,
    TOP = 3 /* parts that the first line names */
};

static void add_ms(struct terminal_text *out, enum line_style style, const json_t *object, const char *name)
{
    char text[FIGURE_BYTES];

    terminal_text_printf(out, style, "%s ms", figure_ms(text, figure_at(object, name)));
}

static void field_ms(struct terminal_text *out, enum line_style style, int columns, const json_t *object,
                     const char *name)
{
    char figure[FIGURE_BYTES], text[FIGURE_BYTES + 8];

    (void)snprintf(text, sizeof text, "%s ms", figure_ms(figure, figure_at(object, name)));
    terminal_text_field(out, style, columns, text);
}

/* --- the table --- */

static void write_row(struct terminal_text *out, const json_t *outlier, double now_s)
{
    const json_t *mostly = json_object_get(outlier, "mostly");
    const double age_s = now_s - figure_at(outlier, "ended");
    char age[FIGURE_BYTES], status[FIGURE_BYTES], part[FIGURE_BYTES], what[128];

    (void)snprintf(what, sizeof what, "%s %s ms", figure_text(mostly, "what"),
                   figure_ms(part, figure_at(mostly, "ms")));
    (void)snprintf(status, sizeof status, "%.0f", figure_at(outlier, "status"));
    terminal_text_field(out, LINE_QUIET, AGE_COLUMNS, figure_age(age, age_s > 0 ? age_s : 0));
    field_ms(out, LINE_STRONG, -TOOK_COLUMNS, outlier, "took_ms");
    terminal_text_add(out, LINE_PLAIN, "  ");
    terminal_text_field(out, LINE_PLAIN, STATUS_COLUMNS, status);
    terminal_text_field(out, LINE_PLAIN, ROUTE_COLUMNS, figure_text(outlier, "route"));
    terminal_text_add(out, LINE_PLAIN, "  ");
    terminal_text_field(out, LINE_PLAIN, MOSTLY_COLUMNS, json_is_object(mostly) ? what : "");
    terminal_text_add(out, LINE_PLAIN, "  ");
    terminal_text_add(out, LINE_ACCENT, figure_text(outlier, "id"));
    terminal_text_end(out);
}

void outliers_text_table(struct terminal_text *out, const json_t *list, double now_s)
{
    const json_t *outlier;
    size_t i;

    if (json_array_size(list) == 0) {
        terminal_text_add(out, LINE_PLAIN, "no outliers since the gateway was started or reloaded");
        terminal_text_end(out);
        return;
    }
    terminal_text_field(out, LINE_HEAD, AGE_COLUMNS, "ago");
    terminal_text_field(out, LINE_HEAD, -TOOK_COLUMNS, "took");
    terminal_text_add(out, LINE_HEAD, "  ");
    terminal_text_field(out, LINE_HEAD, STATUS_COLUMNS, "");
    terminal_text_field(out, LINE_HEAD, ROUTE_COLUMNS + 2, "route");
    terminal_text_field(out, LINE_HEAD, MOSTLY_COLUMNS + 2, "mostly");
    terminal_text_add(out, LINE_HEAD, "id");
    terminal_text_end(out);
    json_array_foreach(list, i, outlier) write_row(out, outlier, now_s);
}

/* --- one of them: the first lines --- */

static int larger_first(const void *a, const void *b)
{
    const double x = figure_at(*(const json_t *const *)a, "share_ms");
    const double y = figure_at(*(const json_t *const *)b, "share_ms");

    return (x < y) - (x > y);
}

/* The parts of a ledger, the largest first; the caller frees the list. */
static const json_t **sorted(const json_t *ledger, size_t *count)
{
    const json_t **parts = calloc(json_array_size(ledger) + 1, sizeof *parts);

    *count = parts != NULL ? json_array_size(ledger) : 0;
    for (size_t i = 0; i < *count; i++)
        parts[i] = json_array_get(ledger, i);
    if (*count > 0)
        qsort(parts, *count, sizeof *parts, larger_first);
    return parts;
}

static void write_headline(struct terminal_text *out, const json_t *outlier, const json_t *const *parts,
                           size_t count)
{
    terminal_text_printf(out, LINE_STRONG, "%s %s", figure_text(outlier, "method"),
                         figure_text(outlier, "target"));
    terminal_text_add(out, LINE_PLAIN, " took ");
    add_ms(out, LINE_STRONG, outlier, "took_ms");
    for (size_t i = 0; i < count && i < TOP; i++) {
        terminal_text_printf(out, LINE_PLAIN, "%s%s ", i > 0 ? ", " : ": ", figure_text(parts[i], "what"));
        add_ms(out, LINE_PLAIN, parts[i], "share_ms");
    }
    terminal_text_end(out);
}

static void write_facts(struct terminal_text *out, const json_t *outlier)
{
    char text[FIGURE_BYTES];
    const bool slow = strcmp(figure_text(outlier, "reason"), "slow") == 0;
    const double status = figure_at(outlier, "status");

    terminal_text_printf(out, LINE_QUIET, "ended %s, ", figure_clock(text, outlier, "ended"));
    if (status > 0)
        terminal_text_printf(out, LINE_PLAIN, "status %.0f", status);
    else
        terminal_text_add(out, LINE_PLAIN, "the client left");
    terminal_text_printf(out, LINE_PLAIN, ", route %s, ", figure_text(outlier, "route"));
    terminal_text_add(out, LINE_PLAIN, slow ? "slower than its slow: " : "slower than 99.9 % of it: ");
    add_ms(out, LINE_PLAIN, outlier, "limit_ms");
    terminal_text_end(out);
}

/* --- its parts --- */

static void write_section(struct terminal_text *out, const char *title)
{
    terminal_text_end(out);
    terminal_text_add(out, LINE_HEAD, title);
    terminal_text_end(out);
}

static void write_part(struct terminal_text *out, const json_t *part)
{
    char text[FIGURE_BYTES];
    const double waits = figure_at(part, "waits");

    terminal_text_field(out, LINE_PLAIN, INDENT, "");
    terminal_text_field(out, LINE_PLAIN, NAME_COLUMNS, figure_text(part, "what"));
    field_ms(out, LINE_STRONG, -MS_COLUMNS, part, "share_ms");
    if (waits > 1) {
        terminal_text_printf(out, LINE_QUIET, "  %s waits of ", figure_count(text, waits));
        add_ms(out, LINE_QUIET, part, "took_ms");
        terminal_text_add(out, LINE_QUIET, " together");
    }
    if (*figure_text(part, "held_by") != '\0') {
        terminal_text_add(out, LINE_WARN, "  held ");
        add_ms(out, LINE_WARN, part, "held_ms");
        terminal_text_printf(out, LINE_WARN, " by %s", figure_text(part, "held_by"));
    }
    terminal_text_end(out);
}

static void write_attempts(struct terminal_text *out, const json_t *attempts)
{
    static const char *const ordinals[] = {"first", "second", "third", "fourth"};
    const double made = figure_at(attempts, "made"), taken = figure_at(attempts, "taken");

    if (!(made > 1))
        return;
    terminal_text_printf(out, LINE_ACCENT, "  %s after ",
                         strcmp(figure_text(attempts, "last"), "hedge") == 0 ? "hedged" : "retried");
    add_ms(out, LINE_ACCENT, attempts, "after_ms");
    if (taken >= 1 && taken <= 4)
        terminal_text_printf(out, LINE_ACCENT, ", the %s won", ordinals[(int)taken - 1]);
}

static void write_call(struct terminal_text *out, const json_t *call)
{
    const double status = figure_at(call, "status");
    const char *error = figure_text(call, "error");

    terminal_text_field(out, LINE_PLAIN, INDENT, "");
    terminal_text_field(out, LINE_PLAIN, NAME_COLUMNS,
                        *figure_text(call, "name") != '\0' ? figure_text(call, "name")
                                                           : figure_text(call, "backend"));
    field_ms(out, LINE_STRONG, -MS_COLUMNS, call, "took_ms");
    terminal_text_add(out, LINE_PLAIN, "  ");
    if (*error != '\0')
        terminal_text_add(out, LINE_BAD, error);
    else if (!(status > 0))
        terminal_text_add(out, LINE_PLAIN, "no answer");
    else
        terminal_text_printf(out, status >= 500 ? LINE_BAD : LINE_PLAIN, "%.0f", status);
    if (*figure_text(call, "instance") != '\0')
        terminal_text_printf(out, LINE_QUIET, "  from %s", figure_text(call, "instance"));
    if (figure_at(call, "began_ms") > 0) {
        terminal_text_add(out, LINE_QUIET, "  begun after ");
        add_ms(out, LINE_QUIET, call, "began_ms");
    }
    write_attempts(out, json_object_get(call, "attempts"));
    terminal_text_end(out);
}

static void write_stall(struct terminal_text *out, const json_t *stall)
{
    const json_t *stack = json_object_get(stall, "stack"), *frame;
    size_t i;

    terminal_text_field(out, LINE_PLAIN, INDENT, "");
    terminal_text_add(out, LINE_WARN, figure_text(stall, "task"));
    terminal_text_printf(out, LINE_PLAIN, " (%s) for ", figure_text(stall, "kind"));
    add_ms(out, LINE_STRONG, stall, "held_ms");
    terminal_text_end(out);
    json_array_foreach(stack, i, frame)
    {
        terminal_text_field(out, LINE_PLAIN, 2 * INDENT, "");
        terminal_text_add(out, LINE_QUIET, json_is_string(frame) ? json_string_value(frame) : "?");
        terminal_text_end(out);
    }
}

static void write_pool(struct terminal_text *out, const json_t *pool)
{
    terminal_text_field(out, LINE_PLAIN, INDENT, "");
    terminal_text_field(out, LINE_PLAIN, NAME_COLUMNS, figure_text(pool, "name"));
    terminal_text_printf(out, LINE_PLAIN, "%.0f of %.0f queued, %.0f of %.0f workers busy",
                         figure_at(pool, "queued"), figure_at(pool, "queue_max"), figure_at(pool, "running"),
                         figure_at(pool, "workers_max"));
    terminal_text_end(out);
}

static void write_list(struct terminal_text *out, const json_t *outlier, const char *name, const char *title,
                       void (*write)(struct terminal_text *out, const json_t *item))
{
    const json_t *list = json_object_get(outlier, name), *item;
    size_t i;

    if (json_array_size(list) == 0)
        return;
    write_section(out, title);
    json_array_foreach(list, i, item) write(out, item);
}

static void write_fact(struct terminal_text *out, const char *name, const char *text)
{
    if (*text == '\0')
        return;
    terminal_text_field(out, LINE_QUIET, NAME_COLUMNS + INDENT, name);
    terminal_text_add(out, LINE_PLAIN, text);
    terminal_text_end(out);
}

static void write_where(struct terminal_text *out, const json_t *outlier)
{
    char text[FIGURE_BYTES + 32];

    terminal_text_end(out);
    (void)snprintf(text, sizeof text, "%.0f, loop %.0f", figure_at(outlier, "pid"),
                   figure_at(outlier, "loop"));
    write_fact(out, "trace", figure_text(outlier, "trace"));
    write_fact(out, "process", text);
    write_fact(out, "weir", figure_text(outlier, "weir"));
    write_fact(out, "configuration", figure_text(outlier, "config"));
}

void outliers_text_one(struct terminal_text *out, const json_t *outlier)
{
    size_t count;
    const json_t **parts = sorted(json_object_get(outlier, "ledger"), &count);

    write_headline(out, outlier, parts, count);
    write_facts(out, outlier);
    if (count > 0)
        write_section(out, "time, by what it was spent on");
    for (size_t i = 0; i < count; i++)
        write_part(out, parts[i]);
    free(parts);
    write_list(out, outlier, "calls", "calls", write_call);
    write_list(out, outlier, "stalls", "the loop was held meanwhile by", write_stall);
    write_list(out, outlier, "pools", "pools, at its end", write_pool);
    write_where(out, outlier);
}
