/* SPDX-License-Identifier: MIT */
#include "config/template.h"

#include <string.h>

#include <weir/http_text.h>

enum { PARAM_BYTES_MAX = WEIR_PATTERN_BYTES_MAX + 2 }; /* with its braces */

struct splitting {
    struct config_reader *reader;
    const struct tree_node *node;
    const char *what, *pattern;
    bool braced, any;
    struct template_part *parts;
    size_t count;
};

/* The length of "{name}" or "{*}" at the beginning of a text; 0: there is none. */
static size_t param_length(const char *text, size_t left)
{
    const char *end =
        *text == '{' ? memchr(text, '}', left < PARAM_BYTES_MAX ? left : PARAM_BYTES_MAX) : NULL;
    weir_bytes name;

    if (end == NULL)
        return 0;
    name = (weir_bytes){text + 1, (size_t)(end - text) - 1};
    return weir_bytes_equal(name, weir_bytes_of("*")) || weir_pattern_name_is_valid(name)
               ? (size_t)(end + 1 - text)
               : 0;
}

static bool pattern_has(const char *pattern, weir_bytes name)
{
    const size_t length = strlen(pattern);

    if (name.len == 1 && name.data[0] == '*')
        return length > 1 && strcmp(pattern + length - 2, "/*") == 0;
    return weir_pattern_has_param(weir_bytes_of(pattern), name);
}

bool template_pattern_has(const char *pattern, const char *name)
{
    return pattern_has(pattern, weir_bytes_of(name));
}

static enum template_part_type type_of(const struct splitting *s, weir_bytes name)
{
    static const struct {
        const char *name;
        enum template_part_type type;
    } known[] = {{"host", TEMPLATE_HOST},
                 {"path", TEMPLATE_PATH},
                 {"query", TEMPLATE_QUERY},
                 {"client_cert", TEMPLATE_CLIENT_CERT}};

    if (s->pattern != NULL && pattern_has(s->pattern, name))
        return TEMPLATE_PARAM;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (weir_bytes_equal(name, weir_bytes_of(known[i].name)))
            return known[i].type;
    return s->any ? TEMPLATE_PARAM : TEMPLATE_TEXT; /* text: it is not known */
}

static bool add_param(struct splitting *s, const char *text, size_t length)
{
    const weir_bytes name = {text + 1, length - 2};
    struct template_part *part = &s->parts[s->count];
    struct config_place place = tree_place_in(s->node, (size_t)(text - s->node->text));

    part->type = type_of(s, name);
    if (part->type != TEMPLATE_TEXT) {
        part->text = config_take_text(s->reader->memory, name.data, name.len);
        part->length = name.len;
        s->count++;
        return part->text != NULL;
    }
    if (s->pattern != NULL)
        config_fault(s->reader->faults, place,
                     "%s has the parameter '{%.*s}', expected one that the path '%s' has, or {host}, {path}, "
                     "{query} or {client_cert}",
                     s->what, (int)name.len, name.data, s->pattern);
    else
        config_fault(s->reader->faults, place,
                     "%s has the parameter '{%.*s}', expected {host}, {path}, {query} or {client_cert}",
                     s->what, (int)name.len, name.data);
    return false;
}

/* Text up to the next parameter. */
static size_t text_length(const char *text, size_t left)
{
    size_t n = 0;

    while (n < left && param_length(text + n, left - n) == 0)
        n++;
    return n;
}

static bool split(struct splitting *s, const char *text, size_t left)
{
    bool good = true;

    while (left > 0) {
        size_t length = param_length(text, left);

        if (length > 0) {
            good = add_param(s, text, length) && good;
        } else {
            length = text_length(text, left);
            for (size_t i = 0; i < length && s->braced; i++)
                if (text[i] == '{' || text[i] == '}') {
                    const weir_text_fault fault = {(size_t)(text + i - s->node->text),
                                                   "parameters written as {name}"};
                    fault_in_text(s->reader, s->node, s->what, &fault);
                    return false;
                }
            s->parts[s->count++] = (struct template_part){TEMPLATE_TEXT, text, length};
        }
        text += length;
        left -= length;
    }
    return good;
}

static bool read_into(struct splitting *s, size_t from, size_t length, struct config_template *out)
{
    size_t most = 1;
    bool good;

    for (size_t i = from; i < from + length; i++)
        most += s->node->text[i] == '{' ? 2 : 0;
    s->parts = config_take(s->reader->memory, most * sizeof *s->parts);
    if (s->parts == NULL)
        return false;
    good = split(s, s->node->text + from, length);
    *out = (struct config_template){s->parts, s->count};
    return good;
}

bool template_read_part(struct config_reader *reader, const struct tree_node *node, size_t from,
                        size_t length, const char *what, const char *pattern, bool braced,
                        struct config_template *out)
{
    struct splitting s = {.reader = reader, .node = node, .what = what, .pattern = pattern, .braced = braced};

    return read_into(&s, from, length, out);
}

bool template_read_any(struct config_reader *reader, const struct tree_node *node, const char *what,
                       struct config_template *out)
{
    struct splitting s = {.reader = reader, .node = node, .what = what, .any = true};

    return node_is_text(reader, node, what) && read_into(&s, 0, node->length, out);
}

bool template_read(struct config_reader *reader, const struct tree_node *node, const char *what,
                   const char *pattern, struct config_template *out)
{
    return node_is_text(reader, node, what) &&
           template_read_part(reader, node, 0, node->length, what, pattern, false, out);
}
