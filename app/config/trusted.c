/* SPDX-License-Identifier: MIT */
#include "config/trusted.h"

#include "text/networks.h"

enum { NETWORKS_MAX = 1000 };

void trusted_proxies_read(struct config_reader *reader, const struct tree_node *node, struct config *config)
{
    struct network *networks;

    if (!node_is_list(reader, node, "trusted_proxies"))
        return;
    networks = entries_take(reader, node, "trusted_proxies", NETWORKS_MAX, sizeof *networks);
    if (networks == NULL)
        return;
    config->trusted_proxies = networks;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next) {
        weir_text_fault fault;

        if (!node_is_text(reader, item, "trusted_proxies"))
            continue;
        if (network_parse((weir_bytes){item->text, item->length}, &networks[config->trusted_proxy_count],
                          &fault) < 0)
            fault_in_text(reader, item, "trusted_proxies", &fault);
        else
            config->trusted_proxy_count++;
    }
}
