/* SPDX-License-Identifier: MIT */
#include "jobs/json_pick.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/json.h>

/* A template becomes two trees. The tree of nodes is what is written. The tree of steps is what is searched:
 * pointers with a common beginning share its steps, so one walk through the document finds all values and
 * enters nothing else. "each" has a tree of steps of its own, which begins at an element. */

const char *const json_missing_names[JSON_MISSINGS + 1] = {"null", "omit", "fault"};

enum { POLL_EVERY = 256 }; /* elements of an "each" */

enum node_type { NODE_VALUE, NODE_OBJECT, NODE_LIST, NODE_EACH };

struct step {
    weir_bytes key; /* decoded */
    int64_t index;  /* the key as an index; -1: it is no index */
    struct step *children, *next;
    weir_bytes *found; /* takes the value at this step; NULL: no pointer ends here */
};

struct node {
    enum node_type type;
    const char *name;    /* in the object around it */
    const char *pointer; /* VALUE and EACH */
    weir_bytes *found;   /* VALUE and EACH: the value found; data NULL: none */
    struct node *children, *next;
    struct step *steps; /* EACH: the root of the steps of an element */
};

struct json_pick {
    enum json_missing missing;
    struct node *root;
    struct step *steps;
    struct piece *memory;
    int nodes;
    /* lent during a call */
    char *fault;
    json_pick_poll *poll;
    void *poll_arg;
    unsigned polled;
};

const char *json_pointer_fault(const char *pointer)
{
    size_t length = strlen(pointer), steps = 0;

    if (pointer[0] && pointer[0] != '/')
        return "a JSON pointer, \"\" or one that begins with /";
    if (length > JSON_POINTER_BYTES_MAX)
        return "a JSON pointer of at most 1024 bytes";
    for (const char *c = pointer; *c; c++) {
        steps += *c == '/';
        if (*c == '~' && c[1] != '0' && c[1] != '1')
            return "a JSON pointer in which ~ is written ~0";
    }
    return steps > JSON_POINTER_STEPS_MAX ? "a JSON pointer of at most 64 steps" : NULL;
}

/* --- memory: the pieces of a pick are freed together --- */

struct piece {
    struct piece *next;
    max_align_t data[];
};

static void *take(struct json_pick *pick, size_t bytes)
{
    struct piece *piece = calloc(1, sizeof *piece + bytes);

    if (piece == NULL)
        return NULL;
    piece->next = pick->memory;
    pick->memory = piece;
    return piece->data;
}

void json_pick_close(struct json_pick *pick)
{
    if (pick == NULL)
        return;
    for (struct piece *piece = pick->memory; piece != NULL;) {
        struct piece *next = piece->next;
        free(piece);
        piece = next;
    }
    free(pick);
}

/* --- from pointers to steps --- */

/* Reads an index (RFC 6901: digits without a leading zero), or returns -1. */
static int64_t index_of(weir_bytes key)
{
    int64_t value = 0;

    if (key.len == 0 || key.len > 15 || (key.len > 1 && key.data[0] == '0'))
        return -1;
    for (size_t i = 0; i < key.len; i++) {
        if (key.data[i] < '0' || key.data[i] > '9')
            return -1;
        value = value * 10 + (key.data[i] - '0');
    }
    return value;
}

/* Decodes a reference token. */
static bool make_key(struct json_pick *pick, const char *from, size_t length, weir_bytes *key)
{
    char *text = take(pick, length + 1);
    size_t n = 0;

    if (text == NULL)
        return false;
    for (size_t i = 0; i < length; i++) {
        text[n] = from[i];
        if (from[i] == '~' && i + 1 < length)
            text[n] = from[++i] == '1' ? '/' : '~';
        n++;
    }
    *key = (weir_bytes){text, n};
    return true;
}

static struct step *child_of(struct json_pick *pick, struct step *parent, const char *token, size_t length)
{
    struct step **link = &parent->children;
    weir_bytes key;
    struct step *step;

    if (!make_key(pick, token, length, &key))
        return NULL;
    for (; *link != NULL; link = &(*link)->next)
        if (weir_bytes_equal((*link)->key, key))
            return *link;
    step = take(pick, sizeof *step);
    if (step == NULL)
        return NULL;
    step->key = key;
    step->index = index_of(key);
    return *link = step;
}

/* Adds a pointer to the steps, or finds it there.
 * Returns: the place that takes its value; NULL when there is no memory.
 */
static weir_bytes *add_pointer(struct json_pick *pick, struct step *root, const char *pointer)
{
    struct step *step = root;

    while (*pointer && step != NULL) {
        size_t length = strcspn(++pointer, "/");
        step = child_of(pick, step, pointer, length);
        pointer += length;
    }
    if (step != NULL && step->found == NULL)
        step->found = take(pick, sizeof *step->found);
    return step != NULL ? step->found : NULL;
}

/* --- from a template to nodes --- */

static int bad(struct json_pick *pick, const char *what)
{
    snprintf(pick->fault, JSON_PICK_FAULT_BYTES, "%s", what);
    return -EINVAL;
}

static int make_node(struct json_pick *pick, const json_t *written, struct step *steps, int depth,
                     struct node **out);

static int make_value(struct json_pick *pick, const json_t *written, struct step *steps, struct node *node)
{
    const char *fault = json_pointer_fault(json_string_value(written));

    if (strlen(json_string_value(written)) != json_string_length(written))
        fault = "a JSON pointer without a NUL";
    if (fault != NULL) {
        snprintf(pick->fault, JSON_PICK_FAULT_BYTES, "'%.60s' stands in the template, expected %s",
                 json_string_value(written), fault);
        return -EINVAL;
    }
    node->pointer = json_string_value(written);
    node->found = add_pointer(pick, steps, node->pointer);
    return node->found != NULL ? 0 : -ENOMEM;
}

static int make_each(struct json_pick *pick, const json_t *written, struct step *steps, int depth,
                     struct node *node)
{
    const json_t *each = json_object_get(written, "each");
    int err;

    if (!json_is_string(each))
        return bad(pick, "each is not a string, expected a JSON pointer");
    node->type = NODE_EACH;
    node->steps = take(pick, sizeof *node->steps);
    if (node->steps == NULL)
        return -ENOMEM;
    err = make_value(pick, each, steps, node);
    return err ? err
               : make_node(pick, json_object_get(written, "pick"), node->steps, depth + 1, &node->children);
}

static int make_object(struct json_pick *pick, const json_t *written, struct step *steps, int depth,
                       struct node *node)
{
    struct node **link = &node->children;
    json_t *object;

    node->type = NODE_OBJECT;
    object = (json_t *)(uintptr_t)written; /* jansson's iterators take no const, and change nothing */
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        int err = make_node(pick, json_object_iter_value(at), steps, depth + 1, link);
        if (err < 0)
            return err;
        (*link)->name = json_object_iter_key(at);
        link = &(*link)->next;
    }
    return 0;
}

static int make_list(struct json_pick *pick, const json_t *written, struct step *steps, int depth,
                     struct node *node)
{
    struct node **link = &node->children;

    node->type = NODE_LIST;
    for (size_t i = 0; i < json_array_size(written); i++, link = &(*link)->next) {
        int err = make_node(pick, json_array_get(written, i), steps, depth + 1, link);
        if (err < 0)
            return err;
    }
    return 0;
}

static int make_node(struct json_pick *pick, const json_t *written, struct step *steps, int depth,
                     struct node **out)
{
    bool each;

    if (depth > JSON_PICK_DEPTH_MAX)
        return bad(pick, "the template is nested too deep, expected at most 32 levels");
    if (++pick->nodes > JSON_PICK_NODES_MAX)
        return bad(pick, "the template is too large, expected at most 1000 values");
    *out = take(pick, sizeof **out);
    if (*out == NULL)
        return -ENOMEM;
    if (json_is_string(written))
        return make_value(pick, written, steps, *out);
    if (json_is_array(written))
        return make_list(pick, written, steps, depth, *out);
    if (!json_is_object(written))
        return bad(pick, "the template has a value of another type, expected pointers, objects and lists");
    each = json_object_size(written) == 2 && json_object_get(written, "each") != NULL &&
           json_object_get(written, "pick") != NULL;
    return each ? make_each(pick, written, steps, depth, *out)
                : make_object(pick, written, steps, depth, *out);
}

int json_pick_open(struct json_pick **out, const json_t *template_, enum json_missing missing,
                   char fault[JSON_PICK_FAULT_BYTES])
{
    struct json_pick *pick = calloc(1, sizeof *pick);
    int err;

    fault[0] = '\0';
    *out = NULL;
    if (pick == NULL)
        return -ENOMEM;
    pick->missing = missing;
    pick->fault = fault;
    pick->steps = take(pick, sizeof *pick->steps);
    err = pick->steps != NULL ? make_node(pick, template_, pick->steps, 0, &pick->root) : -ENOMEM;
    if (err == 0)
        *out = pick;
    else
        json_pick_close(pick);
    return err;
}

/* --- finding --- */

static void forget(struct step *step)
{
    if (step->found != NULL)
        *step->found = (weir_bytes){0};
    for (struct step *child = step->children; child != NULL; child = child->next)
        forget(child);
}

static void find(struct step *step, weir_json_reader *reader);

static void find_in_array(struct step *step, weir_json_reader *reader)
{
    for (int64_t i = 0; weir_json_next_element(reader) > 0; i++) {
        struct step *child = step->children;
        while (child != NULL && child->index != i)
            child = child->next;
        if (child != NULL)
            find(child, reader);
    }
}

static void find_in_object(struct step *step, weir_json_reader *reader)
{
    weir_bytes key;

    while (weir_json_next_member(reader, &key) > 0) {
        struct step *child = step->children;
        while (child != NULL && !weir_json_string_equal(key, child->key))
            child = child->next;
        if (child == NULL)
            continue;
        forget(child); /* an earlier member of this name no longer counts */
        find(child, reader);
    }
}

/* Reads a value, once, as deep as the longest pointer; what is not searched is only checked. The reader keeps
 * an error. */
static void find(struct step *step, weir_json_reader *reader)
{
    weir_json_value value;
    weir_bytes found;
    size_t from;

    if (step->children == NULL) {
        if (weir_json_skip(reader, &found) == 0 && step->found != NULL)
            *step->found = found;
        return;
    }
    if (weir_json_read(reader, &value) < 0)
        return;
    from = weir_json_offset(reader) - value.text.len;
    if (value.type == WEIR_JSON_OBJECT)
        find_in_object(step, reader);
    else if (value.type == WEIR_JSON_ARRAY)
        find_in_array(step, reader);
    if (step->found != NULL)
        *step->found = (weir_bytes){value.text.data, weir_json_offset(reader) - from};
}

/* --- writing --- */

enum { LEFT_OUT = 1 };

static int write_node(struct json_pick *pick, const struct node *node, weir_buffer *out);

static int write_missing(struct json_pick *pick, const struct node *node, weir_buffer *out)
{
    switch (pick->missing) {
    case JSON_MISSING_NULL:
        return weir_buffer_append_text(out, "null");
    case JSON_MISSING_OMIT:
        return LEFT_OUT;
    default:
        snprintf(pick->fault, JSON_PICK_FAULT_BYTES, "the document has no%s %.100s",
                 node->type == NODE_EACH ? " array at" : "", node->pointer[0] ? node->pointer : "\"\"");
        return -ENOENT;
    }
}

static int write_name(const struct node *node, weir_buffer *out)
{
    int err = node->name != NULL ? weir_json_append_string(out, node->name, strlen(node->name)) : 0;

    return node->name != NULL && err == 0 ? weir_buffer_append_byte(out, ':') : err;
}

/* Writes a child, with its comma and name; all three are left out together. */
static int write_one(struct json_pick *pick, const struct node *node, bool first, weir_buffer *out)
{
    size_t before = out->len;
    int err = first ? 0 : weir_buffer_append_byte(out, ',');

    if (err == 0)
        err = write_name(node, out);
    if (err == 0)
        err = write_node(pick, node, out);
    if (err == LEFT_OUT)
        weir_buffer_truncate(out, before);
    return err;
}

static int write_children(struct json_pick *pick, const struct node *node, const char *brackets,
                          weir_buffer *out)
{
    int err = weir_buffer_append_byte(out, brackets[0]);
    bool first = true;

    for (const struct node *child = node->children; child != NULL && err >= 0; child = child->next) {
        err = write_one(pick, child, first, out);
        first = first && err == LEFT_OUT;
    }
    return err < 0 ? err : weir_buffer_append_byte(out, brackets[1]);
}

static int write_each(struct json_pick *pick, const struct node *node, weir_buffer *out)
{
    weir_bytes array = *node->found;
    weir_json_reader reader;
    weir_json_value entered;
    int err;

    if (array.len == 0 || array.data[0] != '[')
        return write_missing(pick, node, out);
    weir_json_reader_init(&reader, array, WEIR_JSON_DEPTH_MAX);
    err = weir_json_read(&reader, &entered);
    if (err == 0)
        err = weir_buffer_append_byte(out, '[');
    for (bool first = true; err >= 0 && weir_json_next_element(&reader) > 0;) {
        forget(node->steps);
        find(node->steps, &reader);
        err = write_one(pick, node->children, first, out);
        first = first && err == LEFT_OUT;
        if (err >= 0 && pick->poll != NULL && ++pick->polled % POLL_EVERY == 0)
            err = pick->poll(pick->poll_arg);
    }
    return err < 0 ? err : weir_buffer_append_byte(out, ']');
}

/* Returns: 0; LEFT_OUT, with a part written; a negative code. */
static int write_node(struct json_pick *pick, const struct node *node, weir_buffer *out)
{
    switch (node->type) {
    case NODE_OBJECT:
        return write_children(pick, node, "{}", out);
    case NODE_LIST:
        return write_children(pick, node, "[]", out);
    case NODE_EACH:
        return write_each(pick, node, out);
    default:
        return node->found->data != NULL ? weir_buffer_append(out, node->found->data, node->found->len)
                                         : write_missing(pick, node, out);
    }
}

static int say_fault(const struct json_pick *pick, const weir_json_reader *reader, size_t depth, int err)
{
    const size_t at = weir_json_offset(reader);

    if (err == -WEIR_ETOOLARGE)
        snprintf(pick->fault, JSON_PICK_FAULT_BYTES,
                 "the document is nested deeper than %zu levels at byte %zu", depth, at);
    else
        snprintf(pick->fault, JSON_PICK_FAULT_BYTES, "the document is not valid JSON at byte %zu", at);
    return err == -WEIR_ETOOLARGE ? -E2BIG : -EBADMSG;
}

int json_pick_run(struct json_pick *pick, weir_bytes document, size_t depth, weir_buffer *out,
                  char fault[JSON_PICK_FAULT_BYTES], json_pick_poll *poll, void *arg)
{
    weir_json_reader reader;
    int err;

    pick->fault = fault;
    pick->poll = poll;
    pick->poll_arg = arg;
    fault[0] = '\0';
    forget(pick->steps);
    weir_json_reader_init(&reader, document, depth);
    find(pick->steps, &reader);
    err = weir_json_end(&reader);
    if (err < 0)
        return say_fault(pick, &reader, depth, err);
    err = poll != NULL ? poll(arg) : 0;
    if (err == 0)
        err = write_node(pick, pick->root, out);
    return err == LEFT_OUT ? weir_buffer_append_text(out, "null") : err;
}
