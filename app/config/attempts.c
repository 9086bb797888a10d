/* SPDX-License-Identifier: MIT */
#include "config/attempts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"
#include "config/value.h"

enum { LABEL_BYTES = 64, TIMES_MAX = 3, NUMBER_BYTES = 8, FLOOR_MS = 2, HOUR_MS = 3600 * 1000 };

static const char expected_after[] =
    "a percentile above p50 and below p100, or a duration from 1ms to 1h, such as p95 or 40ms";
static const char expected_hedge[] = "a percentile above p50 and below p100 or a duration from 1ms to 1h, "
                                     "such as p95 or 40ms; a mapping, or false";

struct draft {
    const struct tree_node *after, *floor, *extra, *on;
    int times;
};

#define KEEP(member) SCHEMA_CUSTOM, .offset = offsetof(struct draft, member), .read = schema_keep_node
static const struct schema_key hedge_keys[] = {
    {"after", KEEP(after)},
    {"floor", KEEP(floor)},
    {"extra", KEEP(extra)},
};
static const struct schema_key retry_keys[] = {
    {"on", KEEP(on)},
    {"times", SCHEMA_INT, offsetof(struct draft, times), .fallback = "1", .min = 1, .max = TIMES_MAX},
    {"extra", KEEP(extra)},
};
#undef KEEP

struct label {
    char text[LABEL_BYTES];
};

static struct label label_of(const char *what, const char *key)
{
    struct label label;

    (void)snprintf(label.text, sizeof label.text, "%s.%s", what, key);
    return label;
}

static bool is_word(const struct tree_node *node, const char *word)
{
    return node->type == TREE_SCALAR && strcmp(node->text, word) == 0;
}

/* Reads "12" or "12.5", followed by the given end. Returns: -1: it is something else. */
static double number_of(const char *text, const char *end)
{
    const size_t digits = strspn(text, "0123456789");
    const size_t point = text[digits] == '.' ? 1 : 0;
    const size_t decimals = point > 0 ? strspn(text + digits + 1, "0123456789") : 0;
    const size_t length = digits + point + decimals;

    if (digits == 0 || decimals < point || length > NUMBER_BYTES || strcmp(text + length, end) != 0)
        return -1;
    return strtod(text, NULL);
}

static double read_extra(struct config_reader *reader, const struct tree_node *node, const char *what,
                         double fallback)
{
    const struct label label = label_of(what, "extra");
    double value;

    if (node == NULL)
        return fallback;
    value = node->type == TREE_SCALAR ? number_of(node->text, "%") : -1;
    if (value <= 0 || value > 100)
        fault_value(reader, node, label.text, "a part above 0% and at most 100%, such as 5% or 2.5%");
    return value;
}

/* --- hedge --- */

static void read_after(struct config_reader *reader, const struct tree_node *node, const char *label,
                       const char *expected, weir_hedge_options *out)
{
    const bool is_percentile = node->type == TREE_SCALAR && node->text[0] == 'p';
    const double percentile = is_percentile ? number_of(node->text + 1, "") : 0;

    if (percentile > 50 && percentile < 100)
        out->percentile = percentile;
    else if (node->type == TREE_SCALAR && weir_duration_parse(node->text, &out->after) == 0 &&
             out->after.ns >= SCHEMA_MS(1) && out->after.ns <= SCHEMA_MS(HOUR_MS))
        return;
    else
        fault_value(reader, node, label, expected);
}

/* A time that is written holds although it is below what the floor is by default. */
static void read_floor(struct config_reader *reader, const struct tree_node *node, const char *what,
                       weir_hedge_options *out)
{
    const struct label label = label_of(what, "floor");

    out->floor = weir_ms(FLOOR_MS);
    if (node == NULL) {
        if (out->after.ns > 0 && out->after.ns < out->floor.ns)
            out->floor = out->after;
        return;
    }
    value_read_duration(reader, node, label.text, (struct value_range){1, SCHEMA_MS(HOUR_MS)}, &out->floor);
    if (out->after.ns > 0 && out->floor.ns > out->after.ns)
        fault_value(reader, node, label.text, "at most what 'after' is");
}

void attempts_read_hedge(struct config_reader *reader, const struct tree_node *node, const char *what,
                         weir_hedge_options *out)
{
    const struct schema schema = {.name = what, SCHEMA_KEYS(hedge_keys)};
    const bool is_short = node->type == TREE_SCALAR;
    struct draft draft = {.after = is_short ? node : NULL};

    *out = (weir_hedge_options){.percentile = 0};
    if (is_word(node, "false") || !node_is_text_or(reader, node, TREE_MAP, what, expected_hedge) ||
        (!is_short && !schema_read(reader, &schema, node, &draft)))
        return;
    if (draft.after == NULL)
        out->percentile = 95;
    else if (is_short)
        read_after(reader, node, what, expected_hedge, out);
    else
        read_after(reader, draft.after, label_of(what, "after").text, expected_after, out);
    read_floor(reader, draft.floor, what, out);
    out->extra_percent = read_extra(reader, draft.extra, what, 5);
}

/* --- retry --- */

static const char *const causes[] = {"connect", "reset", "502", "503", "504", NULL};
static const unsigned cause_flags[] = {WEIR_RETRY_CONNECT, WEIR_RETRY_RESET, WEIR_RETRY_502, WEIR_RETRY_503,
                                       WEIR_RETRY_504};

static void read_cause(struct config_reader *reader, const struct tree_node *node, const char *label,
                       weir_retry_options *out)
{
    int cause = -1;

    value_read_choice(reader, node, label, causes, &cause);
    if (cause >= 0 && (out->on & cause_flags[cause]) != 0)
        config_fault(reader->faults, node->place, "%s has '%s' twice, expected each once", label, node->text);
    else if (cause >= 0)
        out->on |= cause_flags[cause];
}

static void read_on(struct config_reader *reader, const struct tree_node *node, const char *what,
                    weir_retry_options *out)
{
    const struct label label = label_of(what, "on");

    if (node->type == TREE_SCALAR) {
        read_cause(reader, node, label.text, out);
        return;
    }
    if (!node_is_text_or(reader, node, TREE_LIST, label.text, "a failure such as 503, or a list of them"))
        return;
    if (node->first == NULL)
        config_fault(reader->faults, node->place,
                     "%s is empty, expected some of connect, reset, 502, 503 and 504", label.text);
    for (const struct tree_node *item = node->first; item != NULL; item = item->next)
        read_cause(reader, item, label.text, out);
}

void attempts_read_retry(struct config_reader *reader, const struct tree_node *node, const char *what,
                         weir_retry_options *out)
{
    const struct schema schema = {.name = what, SCHEMA_KEYS(retry_keys)};
    struct draft draft = {.on = NULL};

    *out = (weir_retry_options){.on = 0};
    if (!value_is_map_or_false(reader, node, what) || !schema_read(reader, &schema, node, &draft))
        return;
    out->times = draft.times;
    out->extra_percent = read_extra(reader, draft.extra, what, 10);
    if (draft.on != NULL)
        read_on(reader, draft.on, what, out);
    else
        out->on = WEIR_RETRY_CONNECT | WEIR_RETRY_RESET | WEIR_RETRY_502 | WEIR_RETRY_503;
}
