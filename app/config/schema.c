/* SPDX-License-Identifier: MIT */
#include "config/schema.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/text.h>
#include <weir/time.h>

enum { LABEL_BYTES = 96, LIST_BYTES = 200 };

/* One key being read: what its faults call it. */
struct label {
    char text[LABEL_BYTES];
};

static struct label label_of(const struct schema *schema, const char *key)
{
    struct label label;

    if (schema->name != NULL && !schema->bare)
        snprintf(label.text, sizeof label.text, "%s.%s", schema->name, key);
    else
        snprintf(label.text, sizeof label.text, "%s", key);
    return label;
}

static void append(char *out, size_t room, const char *text)
{
    size_t used = strlen(out);

    snprintf(out + used, room - used, "%s", text);
}

const char *text_one_of(char *out, size_t room, const char *const *names)
{
    out[0] = '\0';
    for (size_t i = 0; names[i] != NULL; i++) {
        if (i > 0)
            append(out, room, names[i + 1] != NULL ? ", " : " or ");
        append(out, room, names[i]);
    }
    return out;
}

size_t count_names(const char *const *names)
{
    size_t n = 0;

    while (names[n] != NULL)
        n++;
    return n;
}

void fault_unknown(struct config_reader *reader, struct config_place place, const char *what,
                   const char *name, const char *where, const char *const *names)
{
    const char *in = where != NULL ? " in " : "";
    const char *nearest = weir_text_nearest(name, names, count_names(names));
    char list[LIST_BYTES];

    if (where == NULL)
        where = "";
    if (nearest != NULL)
        config_fault(reader->faults, place, "unknown %s '%s'%s%s, did you mean '%s'?", what, name, in, where,
                     nearest);
    else
        config_fault(reader->faults, place, "unknown %s '%s'%s%s, expected %s", what, name, in, where,
                     text_one_of(list, sizeof list, names));
}

static const char *describe(const struct tree_node *node, char *out, size_t room)
{
    if (node->type == TREE_LIST)
        snprintf(out, room, "a list");
    else if (node->type == TREE_MAP)
        snprintf(out, room, "a mapping");
    else if (node->length == 0)
        snprintf(out, room, "empty");
    else
        snprintf(out, room, "'%.60s%s'", node->text, node->length > 60 ? "…" : "");
    return out;
}

void fault_value(struct config_reader *reader, const struct tree_node *node, const char *what,
                 const char *expected)
{
    char found[80];

    if (!node->faulty)
        config_fault(reader->faults, node->place, "%s is %s, expected %s", what,
                     describe(node, found, sizeof found), expected);
}

static bool has_type(struct config_reader *reader, const struct tree_node *node, enum tree_type type,
                     const char *what, const char *expected)
{
    if (node->type == type && !node->faulty)
        return true;
    fault_value(reader, node, what, expected);
    return false;
}

bool node_is_map(struct config_reader *reader, const struct tree_node *node, const char *what)
{
    return has_type(reader, node, TREE_MAP, what, "a mapping, {key: value}");
}

bool node_is_list(struct config_reader *reader, const struct tree_node *node, const char *what)
{
    return has_type(reader, node, TREE_LIST, what, "a list, [a, b]");
}

bool node_is_text(struct config_reader *reader, const struct tree_node *node, const char *what)
{
    return has_type(reader, node, TREE_SCALAR, what, "text");
}

void schema_keep_node(struct config_reader *reader, const struct tree_node *node, void *member)
{
    (void)reader;
    *(const struct tree_node **)member = node;
}

/* --- one reader per type: true with *member set, or false after a fault --- */

static void read_bool(struct config_reader *reader, const struct tree_node *node, const char *what,
                      bool *member)
{
    if (node->type == TREE_SCALAR && strcmp(node->text, "true") == 0)
        *member = true;
    else if (node->type == TREE_SCALAR && strcmp(node->text, "false") == 0)
        *member = false;
    else
        fault_value(reader, node, what, "true or false");
}

/* 010 is eight to some readers of YAML, and ten to others. */
static bool parse_int(const char *text, int64_t *out)
{
    const char *digits = *text == '-' ? text + 1 : text;

    if (!*digits || (digits[0] == '0' && digits[1]) || strspn(digits, "0123456789") != strlen(digits))
        return false;
    errno = 0;
    *out = strtoll(text, NULL, 10);
    return errno == 0;
}

static void read_int(struct config_reader *reader, const struct schema_key *key, const struct tree_node *node,
                     const char *what, int *member)
{
    int64_t max = key->max ? key->max : INT_MAX;
    int64_t value = 0;
    char expected[96];

    if (node->type == TREE_SCALAR && parse_int(node->text, &value) && value >= key->min && value <= max) {
        *member = (int)value;
        return;
    }
    snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)key->min,
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

static void read_size(struct config_reader *reader, const struct schema_key *key,
                      const struct tree_node *node, const char *what, uint64_t *member)
{
    uint64_t max = key->max ? (uint64_t)key->max : INT64_MAX;
    uint64_t value = 0;

    if (node->type != TREE_SCALAR || weir_parse_size(node->text, &value) != 0) {
        fault_value(reader, node, what, "a size such as 4096, 16KiB or 1MiB");
        return;
    }
    if (value >= (uint64_t)key->min && value <= max) {
        *member = value;
        return;
    }
    char expected[96], low[32], high[32];
    format_size(low, sizeof low, (uint64_t)key->min);
    if (key->max)
        snprintf(expected, sizeof expected, "a size from %s to %s", low, format_size(high, sizeof high, max));
    else
        snprintf(expected, sizeof expected, "a size of at least %s", low);
    fault_value(reader, node, what, expected);
}

static void read_duration(struct config_reader *reader, const struct schema_key *key,
                          const struct tree_node *node, const char *what, weir_duration *member)
{
    const int64_t century_ns = INT64_C(100) * 366 * 24 * 3600 * 1000000000;
    int64_t max = key->max ? key->max : century_ns;
    weir_duration value;

    if (node->type != TREE_SCALAR || weir_parse_duration(node->text, &value) != 0) {
        fault_value(reader, node, what, "a duration such as 250ms, 10s or 1m");
        return;
    }
    if (value.ns >= key->min && value.ns <= max) {
        *member = value;
        return;
    }
    char expected[96], low[WEIR_DURATION_TEXT_MAX], high[WEIR_DURATION_TEXT_MAX];
    weir_format_duration(low, sizeof low, (weir_duration){key->min});
    weir_format_duration(high, sizeof high, (weir_duration){max});
    if (key->max)
        snprintf(expected, sizeof expected, "a duration from %s to %s", low, high);
    else
        snprintf(expected, sizeof expected, "a duration of at least %s", low);
    fault_value(reader, node, what, expected);
}

static void read_text(struct config_reader *reader, const struct tree_node *node, const char *what,
                      bool may_be_empty, const char **member)
{
    if (!node_is_text(reader, node, what))
        return;
    if (node->length == 0 && !may_be_empty)
        fault_value(reader, node, what, "text that is not empty");
    else
        *member = node->text;
}

static void read_choice(struct config_reader *reader, const struct schema_key *key,
                        const struct tree_node *node, const char *what, int *member)
{
    char list[LIST_BYTES], expected[LIST_BYTES + 32];
    const char *nearest;

    text_one_of(list, sizeof list, key->choices);
    if (node->type != TREE_SCALAR || node->faulty) {
        fault_value(reader, node, what, list);
        return;
    }
    for (int i = 0; key->choices[i] != NULL; i++) {
        if (strcmp(node->text, key->choices[i]) == 0) {
            *member = i;
            return;
        }
    }
    nearest = weir_text_nearest(node->text, key->choices, count_names(key->choices));
    snprintf(expected, sizeof expected, "%s%s%s%s", list, nearest != NULL ? "; did you mean '" : "",
             nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
    fault_value(reader, node, what, expected);
}

static void read_key(struct config_reader *reader, const struct schema *schema, const struct schema_key *key,
                     const struct tree_node *node, void *base)
{
    void *member = (char *)base + key->offset;
    struct label label = label_of(schema, key->name);

    switch (key->type) {
    case SCHEMA_BOOL:
        read_bool(reader, node, label.text, member);
        break;
    case SCHEMA_INT:
        read_int(reader, key, node, label.text, member);
        break;
    case SCHEMA_SIZE:
        read_size(reader, key, node, label.text, member);
        break;
    case SCHEMA_DURATION:
        read_duration(reader, key, node, label.text, member);
        break;
    case SCHEMA_STRING:
        read_text(reader, node, label.text, false, member);
        break;
    case SCHEMA_TEXT:
        read_text(reader, node, label.text, true, member);
        break;
    case SCHEMA_CHOICE:
        read_choice(reader, key, node, label.text, member);
        break;
    case SCHEMA_MAP:
        if (node_is_map(reader, node, label.text))
            schema_override(reader, key->map, node, member);
        break;
    case SCHEMA_CUSTOM:
        key->read(reader, node, member);
        break;
    }
}

static void set_default(struct config_reader *reader, const struct schema *schema,
                        const struct schema_key *key, void *base)
{
    struct tree_node written;
    size_t before;

    if (key->type == SCHEMA_MAP) {
        schema_defaults(reader, key->map, (char *)base + key->offset);
        return;
    }
    if (key->fallback == NULL)
        return;
    written = (struct tree_node){.type = TREE_SCALAR, .text = key->fallback, .length = strlen(key->fallback)};
    before = reader->faults->count + reader->faults->dropped;
    read_key(reader, schema, key, &written, base);
    assert(reader->faults->count + reader->faults->dropped == before); /* a default its own table refuses */
    (void)before;
}

void schema_defaults(struct config_reader *reader, const struct schema *schema, void *base)
{
    for (size_t i = 0; i < schema->count; i++)
        set_default(reader, schema, &schema->keys[i], base);
}

static const struct schema_key *find_key(const struct schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->count; i++)
        if (strcmp(schema->keys[i].name, name) == 0)
            return &schema->keys[i];
    return NULL;
}

static void fault_unknown_key(struct config_reader *reader, const struct schema *schema,
                              const struct tree_node *child)
{
    const char *names[SCHEMA_KEYS_MAX + 1];

    assert(schema->count <= SCHEMA_KEYS_MAX);
    for (size_t i = 0; i < schema->count; i++)
        names[i] = schema->keys[i].name;
    names[schema->count] = NULL;
    fault_unknown(reader, child->key_place, "key", child->key, schema->name, names);
}

void schema_override(struct config_reader *reader, const struct schema *schema, const struct tree_node *node,
                     void *base)
{
    for (const struct tree_node *child = node->first; child != NULL; child = child->next) {
        const struct schema_key *key = find_key(schema, child->key);
        if (key != NULL)
            read_key(reader, schema, key, child, base);
        else
            fault_unknown_key(reader, schema, child);
    }
}

/* A required key that was only misspelt has been told already. */
static bool was_misspelt(const struct schema *schema, const struct tree_node *node, const char *name)
{
    for (const struct tree_node *child = node->first; child != NULL; child = child->next)
        if (find_key(schema, child->key) == NULL && weir_text_nearest(child->key, &name, 1) != NULL)
            return true;
    return false;
}

bool schema_read(struct config_reader *reader, const struct schema *schema, const struct tree_node *node,
                 void *base)
{
    const char *what;

    schema_defaults(reader, schema, base);
    what = schema->name != NULL ? schema->name : "the file";
    if (!node_is_map(reader, node, what))
        return false;
    schema_override(reader, schema, node, base);
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_key *key = &schema->keys[i];
        if (key->required != NULL && tree_find(node, key->name) == NULL &&
            !was_misspelt(schema, node, key->name))
            config_fault(reader->faults, node->place, "%s has no '%s', expected %s", what, key->name,
                         key->required);
    }
    return true;
}

const char *schema_path(struct config_reader *reader, const char *path)
{
    const char *file = reader->faults->file, *slash = file != NULL ? strrchr(file, '/') : NULL;

    if (*path == '/' || slash == NULL)
        return path;
    size_t folder = (size_t)(slash + 1 - file), length = strlen(path);
    char *joined = config_take(reader->memory, folder + length + 1);
    if (joined == NULL)
        return NULL;
    memcpy(joined, file, folder);
    memcpy(joined + folder, path, length);
    return joined;
}
