/* SPDX-License-Identifier: MIT */
#include "config/value.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/text.h>

static bool is_word(const struct tree_node *node, const char *word)
{
    return node->type == TREE_SCALAR && strcmp(node->text, word) == 0;
}

static void read_bool(struct config_reader *reader, const struct tree_node *node, const char *what,
                      const char *expected, bool *member)
{
    if (is_word(node, "true") || is_word(node, "false"))
        *member = *node->text == 't';
    else
        fault_value(reader, node, what, expected);
}

void value_read_bool(struct config_reader *reader, const struct tree_node *node, const char *what,
                     bool *member)
{
    read_bool(reader, node, what, "true or false", member);
}

bool value_read_bool_or_map(struct config_reader *reader, const struct tree_node *node, const char *what,
                            bool *member)
{
    if (node->type == TREE_MAP)
        return true;
    read_bool(reader, node, what, "true, false or a mapping", member);
    return false;
}

bool value_is_map_or_false(struct config_reader *reader, const struct tree_node *node, const char *what)
{
    if (node->type != TREE_MAP && !is_word(node, "false"))
        fault_value(reader, node, what, "a mapping, {key: value}, or false");
    return node->type == TREE_MAP;
}

/* Refuses leading zeros: 010 is eight to some readers of YAML, and ten to others. */
static bool parse_int(const char *text, int64_t *out)
{
    const char *digits = *text == '-' ? text + 1 : text;

    if (!*digits || (digits[0] == '0' && digits[1]) || strspn(digits, "0123456789") != strlen(digits))
        return false;
    errno = 0;
    *out = strtoll(text, NULL, 10);
    return errno == 0;
}

void value_read_int(struct config_reader *reader, const struct tree_node *node, const char *what,
                    struct value_range range, int *member)
{
    int64_t max = range.max ? range.max : INT_MAX;
    int64_t value = 0;
    char expected[96];

    if (node->type == TREE_SCALAR && parse_int(node->text, &value) && value >= range.min && value <= max) {
        *member = (int)value;
        return;
    }
    snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)range.min,
             (long long)max);
    fault_value(reader, node, what, expected);
}

static const char *format_size(char *out, size_t room, uint64_t bytes)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;

    while (bytes && bytes % 1024 == 0 && unit < sizeof units / sizeof *units - 1) {
        bytes /= 1024;
        unit++;
    }
    snprintf(out, room, "%llu%s", (unsigned long long)bytes, units[unit]);
    return out;
}

void value_read_size(struct config_reader *reader, const struct tree_node *node, const char *what,
                     struct value_range range, uint64_t *member)
{
    uint64_t max = range.max ? (uint64_t)range.max : INT64_MAX;
    uint64_t value = 0;
    char expected[96], low[32], high[32];

    if (node->type != TREE_SCALAR || weir_size_parse(node->text, &value) != 0) {
        fault_value(reader, node, what, "a size such as 4096, 16KiB or 1MiB");
        return;
    }
    if (value >= (uint64_t)range.min && value <= max) {
        *member = value;
        return;
    }
    format_size(low, sizeof low, (uint64_t)range.min);
    if (range.max)
        snprintf(expected, sizeof expected, "a size from %s to %s", low, format_size(high, sizeof high, max));
    else if (range.min == 1)
        snprintf(expected, sizeof expected, "a size above 0, such as 16KiB");
    else
        snprintf(expected, sizeof expected, "a size of at least %s", low);
    fault_value(reader, node, what, expected);
}

void value_read_duration(struct config_reader *reader, const struct tree_node *node, const char *what,
                         struct value_range range, weir_duration *member)
{
    const int64_t century_ns = INT64_C(100) * 366 * 24 * 3600 * 1000000000;
    int64_t max = range.max ? range.max : century_ns;
    weir_duration value;
    char expected[96], low[WEIR_DURATION_TEXT_MAX], high[WEIR_DURATION_TEXT_MAX];

    if (node->type != TREE_SCALAR || weir_duration_parse(node->text, &value) != 0) {
        fault_value(reader, node, what, "a duration such as 250ms, 10s or 1m");
        return;
    }
    if (value.ns >= range.min && value.ns <= max) {
        *member = value;
        return;
    }
    weir_duration_format(low, sizeof low, (weir_duration){range.min});
    weir_duration_format(high, sizeof high, (weir_duration){max});
    if (range.min == 1) /* of a nanosecond nobody thinks */
        snprintf(expected, sizeof expected, "a duration above 0%s%s, such as 250ms",
                 range.max ? " and at most " : "", range.max ? high : "");
    else if (range.max)
        snprintf(expected, sizeof expected, "a duration from %s to %s", low, high);
    else
        snprintf(expected, sizeof expected, "a duration of at least %s", low);
    fault_value(reader, node, what, expected);
}

/* Returns: 0 … 999, or -1 for anything but digits and '%'. */
static int percent_of(const char *text)
{
    const size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 3 && strcmp(text + digits, "%") == 0 && (digits == 1 || *text != '0')
               ? atoi(text)
               : -1;
}

void value_read_percent(struct config_reader *reader, const struct tree_node *node, const char *what,
                        struct value_range range, int *member)
{
    const int value = node->type == TREE_SCALAR ? percent_of(node->text) : -1;
    char expected[64];

    if (value >= 0 && value >= range.min && value <= range.max) {
        *member = value;
        return;
    }
    snprintf(expected, sizeof expected, "a part from %lld%% to %lld%%", (long long)range.min,
             (long long)range.max);
    fault_value(reader, node, what, expected);
}

void value_read_text(struct config_reader *reader, const struct tree_node *node, const char *what,
                     bool may_be_empty, const char **member)
{
    if (!node_is_text(reader, node, what))
        return;
    if (node->length == 0 && !may_be_empty)
        fault_value(reader, node, what, "text that is not empty");
    else
        *member = node->text;
}

void value_read_choice(struct config_reader *reader, const struct tree_node *node, const char *what,
                       const char *const *choices, int *member)
{
    char list[VALUE_LIST_BYTES], expected[VALUE_LIST_BYTES + 32];
    const char *nearest;

    text_one_of(list, sizeof list, choices);
    if (node->type != TREE_SCALAR || node->faulty) {
        fault_value(reader, node, what, list);
        return;
    }
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(node->text, choices[i]) == 0) {
            *member = i;
            return;
        }
    }
    nearest = weir_text_nearest(node->text, choices, count_names(choices));
    snprintf(expected, sizeof expected, "%s%s%s%s", list, nearest != NULL ? "; did you mean '" : "",
             nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
    fault_value(reader, node, what, expected);
}
