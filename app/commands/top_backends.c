/* SPDX-License-Identifier: MIT */
#include "commands/top_backends.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/top_attempts.h"
#include "text/figures.h"

enum { INSTANCES_SHOWN = 5, NARROW = 118 };

static const double faulty_first = 1e9; /* above every rate */

/* --- what is said of one --- */

static bool is_set(const json_t *item, const char *name)
{
    return json_is_true(json_object_get(item, name));
}

static bool is_gone(const json_t *instance)
{
    return strcmp(figure_text(instance, "state"), "gone") == 0;
}

static bool is_up(const json_t *instance)
{
    return strcmp(figure_text(instance, "state"), "up") == 0;
}

/* The instances that the names have now. */
static size_t instances_of(const json_t *backend)
{
    const json_t *instance;
    size_t i, count = 0;

    json_array_foreach(json_object_get(backend, "instances"), i, instance) count += !is_gone(instance);
    return count;
}

static bool is_faulty(const json_t *backend)
{
    return is_set(backend, "open") || is_set(backend, "panics") ||
           figure_at(backend, "up") < (double)instances_of(backend);
}

/* --- order --- */

static double value_or_0(double value)
{
    return isnan(value) ? 0 : value;
}

static double backend_value(const json_t *backend, const struct top_frame *f)
{
    return (is_faulty(backend) ? faulty_first : 0) + value_or_0(top_in_window(f, backend, "rate"));
}

static double instance_value(const json_t *instance, const struct top_frame *f)
{
    return (is_up(instance) || is_gone(instance) ? 0 : 2 * faulty_first) +
           value_or_0(figure_at(instance, "in_use")) * 1e6 + value_or_0(top_in_window(f, instance, "rate"));
}

static int compare_backends(const void *a, const void *b, void *arg)
{
    const double x = backend_value(*(json_t *const *)a, arg), y = backend_value(*(json_t *const *)b, arg);

    return (x < y) - (x > y);
}

static int compare_instances(const void *a, const void *b, void *arg)
{
    const double x = instance_value(*(json_t *const *)a, arg), y = instance_value(*(json_t *const *)b, arg);

    return (x < y) - (x > y);
}

/* Returns: the items of an array in order, for the caller to free(); NULL: there is no memory, or none. */
static json_t **sorted(const json_t *list, const struct top_frame *f,
                       int (*compare)(const void *, const void *, void *))
{
    const size_t count = json_array_size(list);
    json_t **items = count > 0 ? calloc(count, sizeof(json_t *)) : NULL;

    if (items == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        items[i] = json_array_get(list, i);
    qsort_r(items, count, sizeof *items, compare, (void *)(uintptr_t)f);
    return items;
}

static void list_instances(json_t *rows, const json_t *backend, const struct top_frame *f)
{
    const json_t *list = json_object_get(backend, "instances");
    const size_t count = json_array_size(list);
    const size_t shown =
        count > INSTANCES_SHOWN + 1 ? INSTANCES_SHOWN : count; /* a row that counts one is none */
    json_t **items = sorted(list, f, compare_instances);

    for (size_t i = 0; items != NULL && i < shown; i++)
        (void)json_array_append(rows, items[i]);
    if (items != NULL && shown < count)
        (void)json_array_append_new(rows, json_pack("{s:I}", "more", (json_int_t)(count - shown)));
    free(items);
}

/* On a small terminal instances that are out must not be crowded out: they come first. */
static void list_parts(json_t *rows, json_t *backend, const struct top_frame *f)
{
    const bool faulty = is_faulty(backend);

    if (faulty)
        list_instances(rows, backend, f);
    if (top_attempts_has_row(backend))
        (void)json_array_append_new(rows, json_pack("{s:O}", "attempts_of", backend));
    if (!faulty)
        list_instances(rows, backend, f);
}

json_t *top_backends_list(const struct top_frame *f)
{
    const json_t *list = json_object_get(f->view->stats, "backends");
    json_t **items = sorted(list, f, compare_backends);
    json_t *rows = json_array();

    for (size_t i = 0; rows != NULL && items != NULL && i < json_array_size(list); i++) {
        (void)json_array_append(rows, items[i]);
        list_parts(rows, items[i], f);
    }
    free(items);
    return rows;
}

/* --- rows --- */

void top_backend_heads(const struct top_frame *f)
{
    static const char *const names[] = {"RATE/s", "ERRORS", "IN USE", "UP", "WAITING", "REFUSED", NULL};

    top_heads(f, TOP_BACKENDS, "BACKEND, its instances", names);
}

static void error_column(const struct top_frame *f, const json_t *item)
{
    const double errors = top_error_share(f, item);
    char text[FIGURE_BYTES];

    top_number(f, errors >= TOP_MANY_ERRORS ? LINE_BAD : LINE_PLAIN,
               errors == 0 ? "0" : figure_percent(text, errors));
}

/* "12", or "12/256" where there is a limit. */
static void in_use_column(const struct top_frame *f, const json_t *item)
{
    const double in_use = figure_at(item, "in_use"), limit = figure_at(item, "limit");
    char first[FIGURE_BYTES], second[FIGURE_BYTES], both[2 * FIGURE_BYTES];

    if (!(limit > 0)) {
        top_count(f, in_use);
        return;
    }
    snprintf(both, sizeof both, "%s/%s", figure_count(first, in_use), figure_count(second, limit));
    top_number(f, in_use >= limit ? LINE_BAD : LINE_PLAIN, both);
}

static void up_column(const struct top_frame *f, const json_t *backend)
{
    const size_t count = instances_of(backend);
    char text[FIGURE_BYTES], both[2 * FIGURE_BYTES];

    snprintf(both, sizeof both, "%s/%zu", figure_count(text, figure_at(backend, "up")), count);
    top_number(f, figure_at(backend, "up") < (double)count ? LINE_BAD : LINE_PLAIN, both);
}

/* Says what is wrong with a backend. Returns: whether something is. */
static bool say_fault(const struct top_frame *f, const json_t *backend)
{
    char text[FIGURE_BYTES];

    if (is_set(backend, "open"))
        terminal_text_printf(f->out, LINE_BAD, "  open for %s",
                             figure_age(text, figure_at(backend, "open_s")));
    else if (is_set(backend, "panics"))
        terminal_text_add(f->out, LINE_BAD, "  all out, all asked");
    else
        return false;
    return true;
}

/* On a narrow terminal a fault takes the place of what waits and is refused. */
static void backend_row(const struct top_frame *f, const json_t *backend)
{
    const bool narrow = f->out->width > 0 && f->out->width < NARROW;
    const double refused = top_in_window(f, backend, "refused");
    const char *reason = top_main_reason(json_object_get(top_window(f, backend), "reasons"));
    char text[FIGURE_BYTES];

    top_name(f, figure_text(backend, "backend"));
    top_rate(f, top_in_window(f, backend, "rate"));
    error_column(f, backend);
    in_use_column(f, backend);
    up_column(f, backend);
    if (narrow && say_fault(f, backend))
        return;
    top_count(f, figure_at(backend, "waiting"));
    top_number(f, refused > 0 ? LINE_BAD : LINE_PLAIN, figure_count(text, refused));
    if (!narrow && !say_fault(f, backend) && refused > 0 && reason[0] != '\0')
        terminal_text_printf(f->out, LINE_BAD, "  %s", reason);
}

/* "down 12 s: connection refused" */
static void say_state(const struct top_frame *f, const json_t *instance)
{
    const char *check = json_string_value(json_object_get(instance, "last_check"));
    const char *error = figure_text(json_object_get(instance, "last_error"), "text");
    const char *state = figure_text(instance, "state");
    const char *why = check != NULL ? check : error;
    char text[FIGURE_BYTES];

    if (state[0] == '\0')
        return;
    terminal_text_printf(f->out, is_up(instance) || is_gone(instance) ? LINE_QUIET : LINE_BAD, "  %s", state);
    terminal_text_printf(f->out, LINE_QUIET, " %s", figure_age(text, figure_at(instance, "since_s")));
    if (!is_up(instance) && !is_gone(instance) && why[0] != '\0')
        terminal_text_printf(f->out, LINE_PLAIN, ": %s", why);
}

static void instance_row(const struct top_frame *f, const json_t *instance)
{
    char name[256];

    snprintf(name, sizeof name, "  %s", figure_text(instance, "address"));
    top_name(f, name);
    top_rate(f, top_in_window(f, instance, "rate"));
    error_column(f, instance);
    in_use_column(f, instance);
    say_state(f, instance);
}

void top_backend_row(const struct top_frame *f, const json_t *item)
{
    if (json_object_get(item, "more") != NULL)
        terminal_text_printf(f->out, LINE_QUIET, "  and %.0f more", figure_at(item, "more"));
    else if (json_object_get(item, "attempts_of") != NULL)
        top_attempts_row(f, json_object_get(item, "attempts_of"));
    else if (json_object_get(item, "backend") != NULL)
        backend_row(f, item);
    else
        instance_row(f, item);
}
