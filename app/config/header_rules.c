/* SPDX-License-Identifier: MIT */
#include "config/header_rules.h"

#include <string.h>
#include <strings.h>

#include <weir/http_text.h>

#include "config/header.h"
#include "config/schema.h"

/* The rules of one direction, as they are written. */
struct direction_draft {
    const struct tree_node *set, *remove;
};

struct draft {
    struct direction_draft request, response;
};

#define AT(member) .offset = offsetof(struct direction_draft, member)
static const struct schema_key direction_keys[] = {
    {"set", SCHEMA_CUSTOM, AT(set), .read = schema_keep_node},
    {"remove", SCHEMA_CUSTOM, AT(remove), .read = schema_keep_node},
};
#undef AT
static const struct schema request_schema = {.name = "headers.request", SCHEMA_KEYS(direction_keys)};
static const struct schema response_schema = {.name = "headers.response", SCHEMA_KEYS(direction_keys)};

#define AT(member) .offset = offsetof(struct draft, member)
static const struct schema_key keys[] = {
    {"request", SCHEMA_MAP, AT(request), .map = &request_schema},
    {"response", SCHEMA_MAP, AT(response), .map = &response_schema},
};
#undef AT
static const struct schema schema = {.name = "headers", SCHEMA_KEYS(keys)};

/* The rules being read, of one direction. */
struct reading {
    struct config_reader *reader;
    const char *pattern;
    bool response;
    struct config_header_rule *rules;
    size_t count;
};

static const struct config_header_rule *find(const struct config_header_rule *rules, size_t count,
                                             const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(rules[i].name, name) == 0)
            return &rules[i];
    return NULL;
}

/* Says what is wrong with a name beyond its being none of a header; NULL: nothing. */
static const char *set_elsewhere(const char *name, bool response, bool set)
{
    static const char *const framing[] = {"content-length", "transfer-encoding", "connection", "keep-alive",
                                          "date"};

    for (size_t i = 0; i < sizeof framing / sizeof *framing; i++)
        if (strcasecmp(name, framing[i]) == 0 && (response || i + 1 < sizeof framing / sizeof *framing))
            return response ? "set by the server" : "set by the client that asks the backend";
    if (weir_header_is_hop_by_hop(weir_bytes_of(name), (weir_bytes){"", 0}))
        return "a header of one connection";
    if (!response && strcasecmp(name, "host") == 0)
        return "set by the kind of route or its backend, as 'host'";
    if (!response && strcasecmp(name, "expect") == 0)
        return "set with the body";
    if (response && !set && strcasecmp(name, "content-type") == 0)
        return "part of every answer that has a body; it can be set";
    return NULL;
}

static bool name_is_fine(struct reading *r, struct config_place place, const char *name, bool set)
{
    const char *what = r->response ? "headers.response" : "headers.request";
    const char *elsewhere = set_elsewhere(name, r->response, set);

    if (!weir_token_is_valid(weir_bytes_of(name)))
        config_fault(r->reader->faults, place, "%s names '%s', expected the name of a header", what, name);
    else if (elsewhere != NULL)
        config_fault(r->reader->faults, place, "%s names '%s', which is %s; expected another header", what,
                     name, elsewhere);
    else if (find(r->rules, r->count, name) != NULL)
        config_fault(r->reader->faults, place, "%s names '%s' twice, expected each header once", what, name);
    else
        return true;
    return false;
}

/* A type with parameters of the request is known only then. */
static bool content_type_is_fine(struct reading *r, const struct tree_node *node, const char *what,
                                 const struct config_template *value)
{
    bool is_text = strcasecmp(node->key, "content-type") == 0;

    for (size_t i = 0; i < value->count; i++)
        is_text = is_text && value->parts[i].type == TEMPLATE_TEXT;
    return !is_text || media_type_check(r->reader, node, what);
}

static void read_set(struct reading *r, const struct tree_node *node)
{
    const char *what = r->response ? "headers.response.set" : "headers.request.set";

    if (!node_is_map(r->reader, node, what))
        return;
    for (const struct tree_node *child = node->first; child != NULL; child = child->next) {
        struct config_header_rule *rule = &r->rules[r->count];
        bool fine = name_is_fine(r, child->key_place, child->key, true);

        if (!header_value_check(r->reader, child, what) || !fine ||
            !template_read(r->reader, child, what, r->pattern, &rule->value) ||
            !content_type_is_fine(r, child, what, &rule->value))
            continue;
        rule->name = child->key;
        rule->set = true;
        r->count++;
    }
}

static void read_remove(struct reading *r, const struct tree_node *node)
{
    const char *what = r->response ? "headers.response.remove" : "headers.request.remove";

    if (!node_is_list(r->reader, node, what))
        return;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next)
        if (node_is_text(r->reader, item, what) && name_is_fine(r, item->place, item->text, false))
            r->rules[r->count++] = (struct config_header_rule){.name = item->text};
}

static size_t bytes_of(const struct config_header_rule *rule)
{
    size_t bytes = strlen(rule->name);

    for (size_t i = 0; i < rule->value.count; i++)
        bytes += rule->value.parts[i].length;
    return bytes;
}

static size_t count_of(const struct tree_node *node)
{
    return node != NULL && node->type != TREE_SCALAR ? node->count : 0;
}

static void read_direction(struct config_reader *reader, const struct tree_node *node,
                           const struct direction_draft *draft, const char *pattern, bool response,
                           const struct config_header_rules *outer, struct config_header_rules *out)
{
    struct reading r = {.reader = reader, .pattern = pattern, .response = response};
    const size_t own = count_of(draft->set) + count_of(draft->remove);
    size_t bytes = 0;

    r.rules = config_take(reader->memory, (own + outer->count + 1) * sizeof *r.rules);
    if (r.rules == NULL)
        return;
    if (draft->set != NULL)
        read_set(&r, draft->set);
    if (draft->remove != NULL)
        read_remove(&r, draft->remove);
    for (size_t i = 0; i < outer->count; i++)
        if (find(r.rules, r.count, outer->rule[i].name) == NULL)
            r.rules[r.count++] = outer->rule[i];
    for (size_t i = 0; i < r.count; i++)
        bytes += bytes_of(&r.rules[i]);
    if (r.count > CONFIG_HEADER_RULES_MAX || bytes > CONFIG_HEADER_RULES_BYTES_MAX)
        config_fault(reader->faults, node->place,
                     "headers has %zu rules of %zu bytes in one direction, expected at most %d of %d bytes",
                     r.count, bytes, CONFIG_HEADER_RULES_MAX, CONFIG_HEADER_RULES_BYTES_MAX);
    *out = (struct config_header_rules){r.rules, r.count};
}

void header_rules_read(struct config_reader *reader, const struct tree_node *node, const char *pattern,
                       const struct config_header_ruling *outer, struct config_header_ruling *out)
{
    static const struct config_header_ruling none;
    struct draft draft = {0};

    if (!schema_read(reader, &schema, node, &draft))
        return;
    if (outer == NULL)
        outer = &none;
    read_direction(reader, node, &draft.request, pattern, false, &outer->request, &out->request);
    read_direction(reader, node, &draft.response, pattern, true, &outer->response, &out->response);
}
