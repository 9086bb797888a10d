/* SPDX-License-Identifier: MIT */
#include "config/url.h"

#include <stdio.h>
#include <string.h>

#include "config/address.h"
#include "config/path.h"

static const char scheme[] = "http://";
static const char hex_digits[] = "0123456789abcdefABCDEF";

static bool authority_is_valid(const char *text, size_t length)
{
    const char *end = text + length;
    const char *host_end = NULL;
    bool valid = false;

    if (length > 0 && text[0] == '[') {
        const char *close = memchr(text, ']', length);
        valid = close != NULL && host_is_ipv6(text + 1, (size_t)(close - text - 1));
        host_end = close != NULL ? close + 1 : end;
    } else {
        const char *colon = memchr(text, ':', length);
        host_end = colon != NULL ? colon : end;
        valid = host_is_valid(text, (size_t)(host_end - text));
    }
    if (!valid || host_end == end)
        return valid;
    return *host_end == ':' && port_parse(host_end + 1, (size_t)(end - host_end - 1)) > 0;
}

/* Checks the target of a URL, without the names of parameters. */
static const char *target_fault(const char *target)
{
    bool open = false;

    for (const char *p = target; *p; p++) {
        if (*p == '#')
            return "no fragment, '#'";
        if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`|", *p) != NULL)
            return "other characters written as '%XX'";
        if (*p == '%' && strspn(p + 1, hex_digits) < 2)
            return "two hexadecimal digits behind '%'";
        if ((*p == '{' && open) || (*p == '}' && !open))
            return "parameters written as {name}";
        open = *p == '{' || (open && *p != '}');
    }
    return open ? "parameters written as {name}" : NULL;
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
    if (!param_name_is_valid(param->text, param->length)) {
        fault_value(reader, node, what, "parameters written as {name}");
        return false;
    }
    if (pattern == NULL || path_has_param(pattern, param->text, param->length))
        return true;
    config_fault(reader->faults, node->place,
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

const char *url_fault(const char *url)
{
    const char *authority;
    size_t length;

    if (strncmp(url, scheme, strlen(scheme)) != 0)
        return strncmp(url, "https:", 6) == 0 ? "http://, there is no TLS in this build"
                                              : "http://HOST[:PORT]/PATH";
    authority = url + strlen(scheme);
    length = strcspn(authority, "/?#");
    if (!authority_is_valid(authority, length))
        return "a host and perhaps a port from 1 to 65535 behind http://";
    return target_fault(authority + length);
}

bool url_read(struct config_reader *reader, const struct tree_node *node, const char *what,
              const char *pattern, struct url_template *out)
{
    const char *fault = url_fault(node->type == TREE_SCALAR ? node->text : "");
    bool known;
    size_t origin;
    const char *target;
    struct url_part *parts;

    if (fault != NULL) {
        fault_value(reader, node, what, fault);
        return false;
    }
    origin = strlen(scheme) + strcspn(node->text + strlen(scheme), "/?#");
    target = node->text + origin;
    parts = config_take(reader->memory, count_parts(target) * sizeof *parts);
    out->text = node->text;
    out->place = node->place;
    out->origin = config_take_text(reader->memory, node->text, origin);
    out->parts = parts;
    if (parts == NULL || out->origin == NULL)
        return false;
    out->part_count = split(parts, target);
    known = true;
    for (size_t i = 0; i < out->part_count; i++)
        if (parts[i].is_param)
            known = param_is_known(reader, node, what, pattern, &parts[i]) && known;
    return known;
}
