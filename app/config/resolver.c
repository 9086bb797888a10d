/* SPDX-License-Identifier: MIT */
#include "config/resolver.h"

#include <weir/resolver.h>

#include "config/schema.h"

static void read_servers(struct config_reader *reader, const struct tree_node *node, void *member)
{
    weir_resolver_options *options = member;
    const bool one = node->type == TREE_SCALAR;
    const size_t count = one ? 1 : node->count;
    const char **servers;

    if (!node_is_text_or(reader, node, TREE_LIST, "resolver.servers", "an address, or a list of them"))
        return;
    if (count == 0 || count > WEIR_RESOLVER_SERVERS_MAX) {
        config_fault(reader->faults, node->place, "resolver.servers has %zu entries, expected 1 to %d", count,
                     WEIR_RESOLVER_SERVERS_MAX);
        return;
    }
    servers = config_take(reader->memory, count * sizeof *servers);
    if (servers == NULL)
        return;
    options->servers = servers;
    for (const struct tree_node *item = one ? node : node->first; item != NULL;
         item = one ? NULL : item->next) {
        if (!node_is_text(reader, item, "resolver.servers"))
            continue;
        if (weir_resolver_server_check(item->text) < 0)
            fault_value(reader, item, "resolver.servers",
                        "an address such as 10.0.0.2, 10.0.0.2:5300 or [2001:db8::2]:53");
        else
            servers[options->server_count++] = item->text;
    }
}

#define AT(member) .offset = offsetof(weir_resolver_options, member)
static const struct schema_key keys[] = {
    {"servers", SCHEMA_CUSTOM, 0, .read = read_servers},
    {"timeout", SCHEMA_DURATION, AT(timeout), .min = SCHEMA_MS(10), .max = SCHEMA_MS(60 * 1000)},
};
#undef AT
static const struct schema schema = {.name = "resolver", SCHEMA_KEYS(keys)};

void resolver_read(struct config_reader *reader, const struct tree_node *node, struct config *config)
{
    weir_resolver_options *options = config_take(reader->memory, sizeof *options);

    if (options != NULL && schema_read(reader, &schema, node, options))
        config->resolver = options;
}
