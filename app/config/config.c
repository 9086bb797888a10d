/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include <string.h>

#include "config/arena.h"
#include "config/yaml_tree.h"

const char *const config_method_names[CONFIG_METHODS + 1] = {
    [CONFIG_GET] = "GET",       [CONFIG_HEAD] = "HEAD",   [CONFIG_POST] = "POST",       [CONFIG_PUT] = "PUT",
    [CONFIG_DELETE] = "DELETE", [CONFIG_PATCH] = "PATCH", [CONFIG_OPTIONS] = "OPTIONS",
};

const char *const config_scheme_names[] = {"any", "http", "https", NULL};

enum weir_log_level config_log_level(const struct config *config)
{
    return (enum weir_log_level)(WEIR_LOG_DEBUG + config->log_level);
}

int config_loops(const struct config *config)
{
    return config->loops ? config->loops : weir_cpu_count();
}

const struct config_pool *config_pool_find(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->pool_count; i++)
        if (strcmp(config->pools[i].name, name) == 0)
            return &config->pools[i];
    return NULL;
}

struct config_place config_place(const struct config *config, const char *key, const char *inner)
{
    const struct tree_node *outer = config->tree != NULL ? tree_find(config->tree, key) : NULL;
    const struct tree_node *node =
        outer != NULL && inner != NULL && outer->type == TREE_MAP ? tree_find(outer, inner) : NULL;

    if (outer == NULL)
        return config->tree != NULL ? config->tree->place : (struct config_place){0};
    return node != NULL ? node->place : outer->place;
}

void config_free(struct config *config)
{
    config_memory_free(config->memory);
    *config = (struct config){0};
}
