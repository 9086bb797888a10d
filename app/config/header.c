/* SPDX-License-Identifier: MIT */
#include "config/header.h"

#include <string.h>
#include <strings.h>

#include <weir/http_text.h>

#include "text/media_type.h"

const char *header_name_fault(const char *name)
{
    const weir_bytes text = weir_bytes_of(name), none = {"", 0};

    if (!weir_token_is_valid(text))
        return "the name of a header";
    if (weir_header_is_hop_by_hop(text, none) || strcasecmp(name, "content-length") == 0 ||
        strcasecmp(name, "host") == 0)
        return "no header that belongs to the connection";
    return NULL;
}

const char *header_value_fault(const char *value)
{
    return weir_header_value_is_valid(weir_bytes_of(value)) ? NULL
                                                            : "the value of a header: one line of text";
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

bool media_type_check(struct config_reader *reader, const struct tree_node *node, const char *what)
{
    if (!header_value_check(reader, node, what))
        return false;
    if (!media_type_is_valid(node->text)) {
        fault_value(reader, node, what,
                    "a media type such as text/plain or \"text/html; charset=utf-8\": TYPE/SUBTYPE, then "
                    "perhaps ;NAME=VALUE");
        return false;
    }
    return true;
}

void headers_read(struct config_reader *reader, const struct tree_node *node, const char *what,
                  struct config_headers *out)
{
    weir_header *list;
    size_t bytes = 0;

    if (!node_is_map(reader, node, what))
        return;
    list = entries_take(reader, node, what, CONFIG_HEADERS_MAX, sizeof *list);
    if (list == NULL)
        return;
    out->header = list;
    for (const struct tree_node *child = node->first; child != NULL; child = child->next) {
        bool good = header_name_check(reader, child->key_place, what, child->key);
        if (!header_value_check(reader, child, what) || !good)
            continue;
        list[out->count++] = (weir_header){child->key, child->text};
        bytes += strlen(child->key) + child->length;
    }
    if (bytes > CONFIG_HEADERS_BYTES_MAX)
        config_fault(reader->faults, node->place, "%s has %zu bytes, expected at most %d", what, bytes,
                     CONFIG_HEADERS_BYTES_MAX);
}
