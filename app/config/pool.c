/* SPDX-License-Identifier: MIT */
#include "config/pool.h"

#include <stdlib.h>
#include <string.h>

#include <weir/pool.h>

enum { POOLS_MAX = 32, POOL_NAME_MAX = WEIR_POOL_NAME_BYTES - 1 };

/* --- the keys --- */

static const char *const class_names[] = {"compute", "blocking", NULL}; /* as enum weir_pool_class */

#define AT(member) .offset = offsetof(struct config_pool, member)
static const struct schema_key pool_keys[] = {
    {"workers", SCHEMA_INT, AT(workers), .min = 1, .max = 1024},
    {"queue", SCHEMA_INT, AT(queue), .fallback = "64", .max = 1000000},
    {"wait", SCHEMA_DURATION, AT(wait), .fallback = "250ms"},
    {"cpu", SCHEMA_DURATION, AT(cpu), .fallback = "10s"},
    {"class", SCHEMA_CHOICE, AT(work), .choices = class_names},
};
#undef AT
static const struct schema pool_schema = {.name = "pool", SCHEMA_KEYS(pool_keys)};

/* --- pools --- */

static bool pool_name_is_valid(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= POOL_NAME_MAX && strcmp(name, "loop") != 0 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == length;
}

static void read_pool(struct config_reader *reader, const struct tree_node *node, struct config_pool *pools,
                      size_t *count)
{
    int work;
    bool implicit;
    struct config_pool *pool;

    if (!pool_name_is_valid(node->key)) {
        config_fault(reader->faults, node->key_place,
                     "pool '%s' has no valid name, expected letters, digits, '_' and '-', and not 'loop'",
                     node->key);
        return;
    }
    pool = NULL;
    for (size_t i = 0; i < *count; i++)
        if (strcmp(pools[i].name, node->key) == 0)
            pool = &pools[i];
    implicit = pool != NULL;
    if (pool == NULL) {
        pool = &pools[(*count)++];
        pool->name = node->key;
        schema_defaults(reader, &pool_schema, pool);
    }
    pool->place = node->key_place;
    work = pool->work;
    if (!node_is_map(reader, node, "the pool"))
        return;
    schema_override(reader, &pool_schema, node, pool);
    if (implicit && pool->work != work) {
        config_fault(reader->faults, node->place,
                     "pool.class of '%s' is '%s', expected '%s', or another name", pool->name,
                     class_names[pool->work], class_names[work]);
        pool->work = work;
    }
}

void pools_read(struct config_reader *reader, const struct tree_node *node, struct config *config)
{
    const size_t n = 2;
    struct config_pool *pools = config_take(reader->memory, (n + POOLS_MAX) * sizeof *pools);

    if (pools == NULL)
        return;
    for (size_t i = 0; i < n; i++) {
        schema_defaults(reader, &pool_schema, &pools[i]);
        pools[i].name = class_names[i];
        pools[i].work = (int)i;
    }
    config->pools = pools;
    config->pool_count = n;
    if (node == NULL || !node_is_map(reader, node, "pools"))
        return;
    if (node->count > POOLS_MAX) {
        config_fault(reader->faults, node->place, "pools has %zu entries, expected at most %d", node->count,
                     POOLS_MAX);
        return;
    }
    for (const struct tree_node *child = node->first; child != NULL; child = child->next)
        read_pool(reader, child, pools, &config->pool_count);
}

/* --- the pool of a route --- */

bool pool_read_on(struct config_reader *reader, const struct tree_node *node, const struct config *config,
                  struct config_route *route)
{
    const char *names[POOLS_MAX + 4] = {"loop"};

    if (!node_is_text(reader, node, "on"))
        return false;
    route->on = node->text;
    if (strcmp(node->text, "loop") == 0 || config_pool_find(config, node->text) != NULL)
        return true;
    for (size_t i = 0; i < config->pool_count; i++)
        names[i + 1] = config->pools[i].name;
    fault_unknown(reader, node->place, "pool", node->text, "on", names);
    return false;
}

/* Reads a percentage.
 * Returns: 1 … 100, or 0 for anything else. */
static int percent_of(const char *text)
{
    char *end;
    long percent;

    if (*text < '1' || *text > '9')
        return 0;
    percent = strtol(text, &end, 10);
    return strcmp(end, "%") == 0 && percent <= 100 ? (int)percent : 0;
}

static int sum_of_shares(const struct config_pool *pool)
{
    int sum = 0;

    for (size_t i = 0; i < pool->share_count; i++)
        sum += pool->shares[i].percent;
    return sum;
}

void pool_read_share(struct config_reader *reader, const struct tree_node *node, const struct config *config,
                     struct config_route *route)
{
    int left;
    struct config_pool *pool;
    int percent;

    if (!node_is_text(reader, node, "share"))
        return;
    percent = percent_of(node->text);
    if (percent == 0) {
        fault_value(reader, node, "share", "a part of a pool such as 30%, at most 100%");
        return;
    }
    pool = route->on != NULL ? (struct config_pool *)(uintptr_t)config_pool_find(config, route->on) : NULL;
    if (pool == NULL) {
        config_fault(reader->faults, node->key_place,
                     "share stands on a route that uses no pool, expected 'on' with the name of one");
        return;
    }
    left = 100 - sum_of_shares(pool);
    if (percent > left) {
        config_fault(reader->faults, node->place,
                     "share is '%s', expected at most %d%%, which is left of pool '%s'", node->text, left,
                     pool->name);
        return;
    }
    if (pool->share_count == WEIR_POOL_SHARES_MAX) {
        config_fault(reader->faults, node->place, "share is number %d of pool '%s', expected at most %d",
                     WEIR_POOL_SHARES_MAX + 1, pool->name, WEIR_POOL_SHARES_MAX);
        return;
    }
    if (pool->shares == NULL)
        pool->shares = config_take(reader->memory, WEIR_POOL_SHARES_MAX * sizeof *pool->shares);
    if (pool->shares == NULL)
        return;
    pool->shares[pool->share_count++] = (weir_pool_share){.name = route->path, .percent = percent};
    route->share = (int)pool->share_count;
}

void pool_name_share(const struct config *config, const struct config_route *route)
{
    const struct config_pool *pool = route->share > 0 ? config_pool_find(config, route->on) : NULL;

    if (pool != NULL)
        pool->shares[route->share - 1].name = route->name;
}
