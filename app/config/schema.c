/* SPDX-License-Identifier: MIT */
#include "config/schema.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <weir/text.h>

#include "config/value.h"

enum { LABEL_BYTES = 96 };

/* The name of a key in its faults. */
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

void schema_keep_node(struct config_reader *reader, const struct tree_node *node, void *member)
{
    (void)reader;
    *(const struct tree_node **)member = node;
}

static void read_key(struct config_reader *reader, const struct schema *schema, const struct schema_key *key,
                     const struct tree_node *node, void *base)
{
    void *member = (char *)base + key->offset;
    struct label label = label_of(schema, key->name);
    struct value_range range = {key->min, key->max};

    switch (key->type) {
    case SCHEMA_BOOL:
        value_read_bool(reader, node, label.text, member);
        break;
    case SCHEMA_INT:
        value_read_int(reader, node, label.text, range, member);
        break;
    case SCHEMA_SIZE:
        value_read_size(reader, node, label.text, range, member);
        break;
    case SCHEMA_DURATION:
        value_read_duration(reader, node, label.text, range, member);
        break;
    case SCHEMA_PERCENT:
        value_read_percent(reader, node, label.text, range, member);
        break;
    case SCHEMA_STRING:
        value_read_text(reader, node, label.text, false, member);
        break;
    case SCHEMA_TEXT:
        value_read_text(reader, node, label.text, true, member);
        break;
    case SCHEMA_CHOICE:
        value_read_choice(reader, node, label.text, key->choices, member);
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
    before = faults_so_far(reader);
    read_key(reader, schema, key, &written, base);
    assert(faults_so_far(reader) == before); /* else the table refuses its own default */
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

/* Reports whether a required key is there under a misspelt name, which has its fault already. */
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
