/* SPDX-License-Identifier: MIT */
#include "config/methods.h"

#include <stdio.h>
#include <string.h>

#include "config/route_kind.h"
#include "config/value.h"

/* Returns: the index in config_method_names, or -1. */
static int method_of(const struct tree_node *node)
{
    for (int i = 0; node->type == TREE_SCALAR && i < CONFIG_METHODS; i++)
        if (strcmp(config_method_names[i], node->text) == 0)
            return i;
    return -1;
}

/* Returns: the index in config_method_names, or -1 after a fault. */
static int read_method(struct config_reader *reader, const struct tree_node *node)
{
    const int method = method_of(node);

    if (method >= 0 || !node_is_text(reader, node, "methods"))
        return method;
    fault_unknown(reader, node->place, "method", node->text, "methods", config_method_names);
    return -1;
}

static const char *join_methods(struct config_reader *reader, unsigned mask)
{
    char text[64] = "";
    size_t used = 0;

    for (int i = 0; i < CONFIG_METHODS; i++)
        if (mask & 1u << i)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "",
                                     config_method_names[i]);
    return config_take_text(reader->memory, text, used);
}

void methods_read(struct config_reader *reader, const struct tree_node *node, struct config_route *route)
{
    bool one = node->type == TREE_SCALAR;

    if (!node_is_text_or(reader, node, TREE_LIST, "methods", "a method, or a list of them"))
        return;
    if (!one && node->count == 0) {
        config_fault(reader->faults, node->place, "methods is an empty list, expected at least one method");
        return;
    }
    for (const struct tree_node *item = one ? node : node->first; item != NULL;
         item = one ? NULL : item->next) {
        int method = read_method(reader, item);
        if (method < 0)
            continue;
        if (route->method_mask & 1u << method) {
            config_fault(reader->faults, item->place, "methods has '%s' twice, expected each method once",
                         item->text);
            continue;
        }
        route->method_mask |= 1u << method;
    }
    route->methods = join_methods(reader, route->method_mask);
}

static const char *one_of(unsigned mask, char *out, size_t room)
{
    const char *names[CONFIG_METHODS + 1] = {NULL};
    size_t count = 0;

    for (int i = 0; i < CONFIG_METHODS; i++)
        if (mask & 1u << i)
            names[count++] = config_method_names[i];
    return text_one_of(out, room, names);
}

void methods_check(struct config_reader *reader, const struct tree_node *node,
                   const struct config_route *route, unsigned answerable)
{
    const bool one = node->type == TREE_SCALAR;
    char list[VALUE_LIST_BYTES];

    for (const struct tree_node *item = one ? node : node->first; item != NULL;
         item = one ? NULL : item->next) {
        const int method = method_of(item);

        if (method >= 0 && (answerable & 1u << method) == 0)
            config_fault(reader->faults, item->place,
                         "methods has '%s', which this route of the kind '%s' never answers, expected %s",
                         item->text, route->kind->name, one_of(answerable, list, sizeof list));
    }
}

void methods_set(struct config_reader *reader, struct config_route *route, unsigned mask)
{
    route->method_mask = mask;
    route->methods = mask ? join_methods(reader, mask) : NULL;
}

unsigned methods_answered(const struct config_route *route)
{
    unsigned mask = route->method_mask ? route->method_mask : (1u << (CONFIG_METHODS + 1)) - 1;

    return mask & 1u << CONFIG_GET ? mask | 1u << CONFIG_HEAD : mask;
}
