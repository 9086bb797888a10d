/* SPDX-License-Identifier: MIT */
#include "config/yaml_tree.h"

#include <errno.h>
#include <string.h>

#include <yaml.h>

#include "config/environment.h"
#include "config/yaml_fault.h"

/* A list or map that has begun and not ended. */
struct level {
    struct tree_node *node;
    struct tree_node **tail;
    const char *key; /* map: the key whose value comes next */
    struct config_place key_place;
};

struct builder {
    struct config_memory *memory;
    struct config_faults *faults;
    const struct yaml_source *source;
    struct environment_reader environment;
    struct tree_node *root;
    struct level levels[YAML_TREE_DEPTH_MAX];
    size_t depth;
    size_t nodes;
    unsigned documents;
    struct yaml_quoted quoted;
};

static struct config_place place_of(yaml_mark_t mark)
{
    return (struct config_place){(unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static size_t count_characters(const char *text, size_t length)
{
    size_t n = 0;

    for (size_t i = 0; i < length; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

struct config_place tree_place_in(const struct tree_node *node, size_t at)
{
    struct config_place place = node->place;
    const char *written = node->written != NULL ? node->written : node->text;
    size_t offset;

    if (at == 0 || at > node->length || node->text_column == 0)
        return place;
    offset = environment_written_offset(node->splices, node->splice_count, at);
    place.column = node->text_column + (unsigned)count_characters(written, offset);
    return place;
}

const struct tree_node *tree_find(const struct tree_node *map, const char *key)
{
    for (const struct tree_node *child = map->first; child != NULL; child = child->next)
        if (strcmp(child->key, key) == 0)
            return child;
    return NULL;
}

static struct level *innermost(struct builder *b)
{
    return b->depth ? &b->levels[b->depth - 1] : NULL;
}

static bool wants_key(struct builder *b)
{
    const struct level *level = innermost(b);

    return level != NULL && level->node->type == TREE_MAP && level->key == NULL;
}

static int give_up(struct builder *b, yaml_mark_t mark, const char *text)
{
    config_fault(b->faults, place_of(mark), "%s", text);
    return -WEIR_ECONFIG;
}

/* Adds a node to its parent. A value under a key that is written twice stays out of the tree, but its parts
 * are still read. */
static void attach(struct builder *b, struct level *parent, struct tree_node *node)
{
    if (parent->node->type == TREE_MAP) {
        const struct tree_node *first;

        node->key = parent->key;
        node->key_place = parent->key_place;
        parent->key = NULL;
        first = tree_find(parent->node, node->key);
        if (first != NULL) {
            config_fault(b->faults, node->key_place,
                         "key '%s' is written twice, expected once; the first is in line %u", node->key,
                         first->key_place.line);
            return;
        }
    }
    *parent->tail = node;
    parent->tail = &node->next;
    parent->node->count++;
}

static int add_node(struct builder *b, enum tree_type type, yaml_mark_t mark, struct tree_node **out)
{
    struct tree_node *node;
    struct level *parent;

    if (++b->nodes > YAML_TREE_NODES_MAX)
        return give_up(b, mark, "the file has too many values, expected at most 100000");
    parent = innermost(b);
    if (parent != NULL && parent->node->type == TREE_MAP && parent->node->count >= YAML_TREE_KEYS_MAX)
        return give_up(b, mark, "the mapping has too many keys, expected at most 1000");
    node = config_take(b->memory, sizeof *node);
    if (node == NULL)
        return -ENOMEM;
    node->type = type;
    node->place = place_of(mark);
    if (parent != NULL)
        attach(b, parent, node);
    else
        b->root = node;
    *out = node;
    return 0;
}

/* Refuses anchors and tags, which change the meaning of other text. */
static bool refuse_decoration(struct builder *b, yaml_mark_t mark, const yaml_char_t *anchor,
                              const yaml_char_t *tag)
{
    if (anchor != NULL)
        config_fault(b->faults, place_of(mark), "anchor '&%s' is not supported, expected the value alone",
                     (const char *)anchor);
    if (tag != NULL)
        config_fault(b->faults, place_of(mark), "tag '%s' is not supported, expected the value alone",
                     (const char *)tag);
    return anchor != NULL || tag != NULL;
}

static int add_key(struct builder *b, const yaml_event_t *event)
{
    struct level *level = innermost(b);
    const char *text;

    level->key_place = place_of(event->start_mark);
    text = (const char *)event->data.scalar.value;
    if (strstr(text, "${") != NULL)
        config_fault(b->faults, level->key_place,
                     "key '%s' has a variable of the environment, expected one only in a value", text);
    level->key = config_take_text(b->memory, text, event->data.scalar.length);
    return level->key != NULL ? 0 : -ENOMEM;
}

/* A scalar stands in the file as it is if it is as long there: on one line, and without escapes. */
static unsigned text_column(const yaml_event_t *event, const char *text, size_t length)
{
    const yaml_mark_t from = event->start_mark, to = event->end_mark;
    const size_t quotes = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? 0 : 1;

    if (from.line != to.line || to.column - from.column != count_characters(text, length) + 2 * quotes)
        return 0;
    return (unsigned)(from.column + quotes + 1);
}

/* --- variables of the environment --- */

/* A scalar whose variables are being replaced. */
struct scalar {
    const struct yaml_source *source;
    const yaml_event_t *event;
    const struct tree_node *node;
};

static size_t count_variables(const char *text, size_t length)
{
    size_t n = 0;

    for (const char *at = text; (at = memmem(at, length - (size_t)(at - text), "${", 2)) != NULL; at += 2)
        n++;
    return n;
}

/* The place of the variable at an offset of a scalar that has several lines, or escapes: it is the n-th of
 * the scalar, and so the n-th of its lines. */
static struct config_place variable_place(const struct scalar *s, size_t at)
{
    const char *bytes = s->source->bytes;
    const size_t from = yaml_byte_at(s->source, s->event->start_mark);
    const size_t end = yaml_byte_at(s->source, s->event->end_mark);
    const char *found = bytes + from;
    size_t n = count_variables(s->node->written, at);

    for (;;) {
        found = memmem(found, end - (size_t)(found - bytes), "${", 2);
        if (found == NULL)
            return s->node->place;
        if (n-- == 0)
            return yaml_place_of_offset(s->source, (size_t)(found - bytes));
        found += 2;
    }
}

static struct config_place place_in_scalar(const void *arg, size_t at)
{
    const struct scalar *s = arg;
    struct config_place place = s->node->place;

    if (s->node->text_column == 0)
        return variable_place(s, at);
    place.column = s->node->text_column + (unsigned)count_characters(s->node->written, at);
    return place;
}

/* Replaces the variables in a scalar. A fault of one is a fault of the scalar. */
static int fill_scalar(struct builder *b, const yaml_event_t *event, struct tree_node *node)
{
    const struct scalar scalar = {b->source, event, node};
    struct environment_text filled;
    int err;

    node->written = node->text;
    b->environment.memory = b->memory;
    b->environment.faults = b->faults;
    b->environment.place = place_in_scalar;
    b->environment.arg = &scalar;
    err = environment_fill(&b->environment, node->text, node->length, &filled);
    if (err == -WEIR_ECONFIG) {
        node->faulty = true;
        return 0;
    }
    if (err < 0)
        return err;
    node->text = filled.text;
    node->length = filled.length;
    node->splices = filled.splices;
    node->splice_count = filled.splice_count;
    node->filled = filled.filled;
    return 0;
}

/* --- events --- */

static int on_scalar(struct builder *b, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    struct tree_node *node;
    int err;
    /* A tag that quotes imply has no name here; only a written tag has. */
    bool faulty = refuse_decoration(b, event->start_mark, event->data.scalar.anchor, event->data.scalar.tag);

    if (memchr(text, '\0', length) != NULL) {
        config_fault(b->faults, place_of(event->start_mark), "the text holds a NUL, expected none");
        faulty = true;
    }
    if (wants_key(b))
        return add_key(b, event);
    node = NULL;
    err = add_node(b, TREE_SCALAR, event->start_mark, &node);
    if (err)
        return err;
    node->faulty = faulty;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = config_take_text(b->memory, text, length);
    node->length = length;
    node->text_column = text_column(event, text, length);
    if (node->text == NULL)
        return -ENOMEM;
    return !faulty && environment_has(text, length) ? fill_scalar(b, event, node) : 0;
}

static int on_alias(struct builder *b, const yaml_event_t *event)
{
    struct tree_node *node;
    int err;

    config_fault(b->faults, place_of(event->start_mark),
                 "alias '*%s' is not supported, expected the value itself",
                 (const char *)event->data.alias.anchor);
    if (wants_key(b))
        return -WEIR_ECONFIG;
    node = NULL;
    err = add_node(b, TREE_SCALAR, event->start_mark, &node);
    if (err)
        return err;
    node->faulty = true;
    node->text = "";
    return 0;
}

static int on_start(struct builder *b, const yaml_event_t *event, enum tree_type type,
                    const yaml_char_t *anchor, const yaml_char_t *tag)
{
    bool faulty;
    struct tree_node *node;
    int err;

    if (wants_key(b))
        return give_up(b, event->start_mark, "a key is a list or a mapping, expected plain text");
    if (b->depth == YAML_TREE_DEPTH_MAX)
        return give_up(b, event->start_mark, "the file is nested too deeply, expected at most 16 levels");
    faulty = refuse_decoration(b, event->start_mark, anchor, tag);
    node = NULL;
    err = add_node(b, type, event->start_mark, &node);
    if (err)
        return err;
    node->faulty = faulty;
    b->levels[b->depth++] = (struct level){.node = node, .tail = &node->first};
    return 0;
}

static int on_event(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++b->documents > 1)
            return give_up(b, event->start_mark, "a second document begins, expected one per file");
        return 0;
    case YAML_ALIAS_EVENT:
        return on_alias(b, event);
    case YAML_SCALAR_EVENT:
        return on_scalar(b, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(b, event, TREE_LIST, event->data.sequence_start.anchor,
                        event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return on_start(b, event, TREE_MAP, event->data.mapping_start.anchor, event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        return 0;
    default:
        return 0;
    }
}

static void note_quoted(struct builder *b, const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT && event->start_mark.line != event->end_mark.line &&
        (event->data.scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
         event->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE))
        b->quoted = (struct yaml_quoted){true, event->start_mark, event->end_mark};
}

static int on_syntax(struct builder *b, const yaml_parser_t *parser, const struct yaml_source *source)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    yaml_fault(source, parser, &b->quoted, b->faults);
    return -WEIR_ECONFIG;
}

static int read_events(struct builder *b, yaml_parser_t *parser, const struct yaml_source *source)
{
    for (bool more = true; more;) {
        yaml_event_t event;
        int err;

        if (!yaml_parser_parse(parser, &event))
            return on_syntax(b, parser, source);
        note_quoted(b, &event);
        err = on_event(b, &event);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (err)
            return err;
    }
    return 0;
}

/* The root, or NULL for an empty document, which libyaml reads as an empty plain scalar. */
static const struct tree_node *root_of(const struct builder *b)
{
    const struct tree_node *root = b->root;
    bool empty =
        root != NULL && root->type == TREE_SCALAR && !root->quoted && root->length == 0 && !root->faulty;

    return empty ? NULL : root;
}

int yaml_tree_parse(struct config_memory *memory, const void *bytes, size_t length,
                    struct config_faults *faults, const struct tree_node **root)
{
    struct yaml_source source = {bytes, length};
    struct builder b = {.memory = memory,
                        .faults = faults,
                        .source = &source,
                        .environment = {.left = ENVIRONMENT_BYTES_MAX}};
    int err;
    yaml_parser_t parser;

    *root = NULL;
    if (length > YAML_TREE_BYTES_MAX) {
        config_fault(faults, (struct config_place){1, 1}, "the file is too large, expected at most 1 MiB");
        return -WEIR_ECONFIG;
    }
    if (!yaml_source_open(&source, faults))
        return -WEIR_ECONFIG;
    if (!yaml_parser_initialize(&parser))
        return -ENOMEM;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const yaml_char_t *)source.bytes, source.length);
    err = read_events(&b, &parser, &source);
    yaml_parser_delete(&parser);
    if (!err)
        *root = root_of(&b);
    return err;
}
