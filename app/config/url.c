/* SPDX-License-Identifier: MIT */
#include "config/url.h"

#include <errno.h>
#include <string.h>

#include <weir/http_text.h>
#include <weir/url.h>

static const char expected_params[] = "parameters written as {name}";

/* Moves the offset of a fault in a part to its offset in the whole. Returns: -EINVAL, as given. */
static int fault_in(weir_text_fault *fault, size_t part, int err)
{
    fault->at += part;
    return err;
}

static int fault_at(weir_text_fault *fault, size_t at, const char *expected)
{
    *fault = (weir_text_fault){at, expected};
    return -EINVAL;
}

/* The length of the parameter that begins with the '{' at text[at], with its braces; 0: it is none. */
static size_t param_length(const char *text, size_t at)
{
    size_t length = strcspn(text + at, "}");

    if (text[at + length] == '\0' || !weir_pattern_name_is_valid((weir_bytes){text + at + 1, length - 1}))
        return 0;
    return length + 1;
}

/* Checks a target: text that a URL may hold, and parameters. */
static int check_target(const char *url, size_t at, weir_text_fault *fault)
{
    while (url[at]) {
        size_t length = strcspn(url + at, "{}");
        int err = weir_url_check_target((weir_bytes){url + at, length}, fault);
        if (err < 0)
            return fault_in(fault, at, err);
        at += length;
        if (!url[at])
            break;
        length = url[at] == '{' ? param_length(url, at) : 0;
        if (length == 0)
            return fault_at(fault, at, expected_params);
        at += length;
    }
    return 0;
}

/* Checks a template. *origin: the length of "http://HOST[:PORT]" or "https://HOST[:PORT]". */
static int check_template(const char *text, size_t *origin, weir_text_fault *fault)
{
    const char *authority = strstr(text, "://");
    weir_url url;
    int err;

    *origin = strlen(text);
    if (authority != NULL)
        *origin = (size_t)(authority + 3 - text) + strcspn(authority + 3, "/?#");
    err = weir_url_parse((weir_bytes){text, *origin}, &url, fault);
    if (err < 0)
        return err;
    return check_target(text, *origin, fault);
}

static size_t count_parts(const char *target)
{
    size_t n = target[0] == '/' ? 1 : 2;

    for (const char *p = target; *p; p++)
        n += *p == '{' || *p == '}';
    return n;
}

static bool param_is_known(struct config_reader *reader, const struct tree_node *node, const char *what,
                           const char *pattern, const struct url_part *param)
{
    if (pattern == NULL ||
        weir_pattern_has_param(weir_bytes_of(pattern), (weir_bytes){param->text, param->length}))
        return true;
    config_fault(reader->faults, tree_place_in(node, (size_t)(param->text - node->text)),
                 "%s has the parameter '{%.*s}', expected one that the path '%s' has", what,
                 (int)param->length, param->text, pattern);
    return false;
}

/* Splits a target, whose braces are balanced, into text and parameters. */
static size_t split(struct url_part *parts, const char *target)
{
    size_t n = 0;
    bool in_query = false;

    if (target[0] != '/')
        parts[n++] = (struct url_part){.text = "/", .length = 1};
    while (*target) {
        bool is_param = *target == '{';
        const char *text = is_param ? target + 1 : target;
        size_t length = strcspn(text, is_param ? "}" : "{");
        parts[n++] = (struct url_part){text, length, is_param, in_query};
        in_query = in_query || (!is_param && memchr(text, '?', length) != NULL);
        target = text + length + (is_param ? 1 : 0);
    }
    return n;
}

/* Takes apart a template that is right. */
static bool take_apart(struct config_reader *reader, const struct tree_node *node, size_t origin,
                       const char *what, const char *pattern, struct url_template *out)
{
    const char *target = node->text + origin;
    struct url_part *parts = config_take(reader->memory, count_parts(target) * sizeof *parts);
    bool known = true;

    out->text = node->text;
    out->place = node->place;
    out->origin = config_take_text(reader->memory, node->text, origin);
    out->parts = parts;
    if (parts == NULL || out->origin == NULL)
        return false;
    out->part_count = split(parts, target);
    for (size_t i = 0; i < out->part_count; i++)
        if (parts[i].is_param)
            known = param_is_known(reader, node, what, pattern, &parts[i]) && known;
    return known;
}

bool url_read(struct config_reader *reader, const struct tree_node *node, const char *what,
              const char *pattern, struct url_template *out)
{
    weir_text_fault fault;
    size_t origin;

    if (!node_is_text(reader, node, what))
        return false;
    if (check_template(node->text, &origin, &fault) < 0) {
        fault_in_text(reader, node, what, &fault);
        return false;
    }
    return take_apart(reader, node, origin, what, pattern, out);
}

bool url_read_target(struct config_reader *reader, const struct tree_node *node, const char *what,
                     const char *pattern, struct url_template *out)
{
    weir_text_fault fault;
    int err;

    if (!node_is_text(reader, node, what))
        return false;
    err = *node->text == '/' ? check_target(node->text, 0, &fault)
                             : fault_at(&fault, 0, "a path that begins with '/'");
    if (err < 0) {
        fault_in_text(reader, node, what, &fault);
        return false;
    }
    return take_apart(reader, node, 0, what, pattern, out);
}
