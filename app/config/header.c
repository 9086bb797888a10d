/* SPDX-License-Identifier: MIT */
#include "config/header.h"

#include <string.h>
#include <strings.h>

/* The fields of RFC 9110 7.6.1, and those that frame a message or name its host. */
static const char *const per_hop[] = {
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    NULL,
};

bool token_is_valid(const char *text)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    for (const char *p = text; *p; p++) {
        bool alnum = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        if (!alnum && strchr(marks, *p) == NULL)
            return false;
    }
    return *text != '\0';
}

const char *header_name_fault(const char *name)
{
    if (!token_is_valid(name) || strlen(name) > 128)
        return "the name of a header";
    for (size_t i = 0; per_hop[i] != NULL; i++)
        if (strcasecmp(per_hop[i], name) == 0)
            return "no header that belongs to the connection";
    return NULL;
}

const char *header_value_fault(const char *value)
{
    const size_t length = strlen(value);
    bool valid = length <= 4096;

    for (const char *p = valid ? value : ""; *p; p++)
        valid = valid && (*p == '\t' || (unsigned char)*p >= ' ') && *p != 0x7f;
    if (valid && length > 0 && (strchr(" \t", value[0]) != NULL || strchr(" \t", value[length - 1]) != NULL))
        valid = false;
    return valid ? NULL : "the value of a header: one line of text";
}

bool header_name_check(struct config_reader *reader, struct config_place place, const char *what,
                       const char *name)
{
    const char *expected = header_name_fault(name);

    if (expected != NULL)
        config_fault(reader->faults, place, "%s names '%s', expected %s", what, name, expected);
    return expected == NULL;
}

bool header_value_check(struct config_reader *reader, const struct tree_node *node, const char *what)
{
    const char *expected = header_value_fault(node->type == TREE_SCALAR ? node->text : "\n");

    if (expected != NULL)
        fault_value(reader, node, what, expected);
    return expected == NULL && !node->faulty;
}

void headers_read(struct config_reader *reader, const struct tree_node *node, const char *what,
                  struct config_headers *out)
{
    weir_header *list;

    if (!node_is_map(reader, node, what))
        return;
    if (node->count > CONFIG_HEADERS_MAX) {
        config_fault(reader->faults, node->place, "%s has %zu entries, expected at most %d", what,
                     node->count, CONFIG_HEADERS_MAX);
        return;
    }
    list = config_take(reader->memory, (node->count + 1) * sizeof *list);
    if (list == NULL)
        return;
    out->header = list;
    for (const struct tree_node *child = node->first; child != NULL; child = child->next) {
        bool good = header_name_check(reader, child->key_place, what, child->key);
        if (header_value_check(reader, child, what) && good)
            list[out->count++] = (weir_header){child->key, child->text};
    }
}
