/* burn: computes for a given time of CPU, then answers; for trying pools and the watch. */
#include "routes/burn.h"

#include "routes/route_kind.h"

/* ---- settings ---- */

static const struct schema_key keys[] = {
    {"cpu", SCHEMA_DURATION, offsetof(struct burn_settings, cpu), .required = "a duration such as 60ms",
     .max = SCHEMA_MS(60 * 1000)},
};
static const struct schema schema = {.name = "burn", SCHEMA_KEYS(keys)};

static const void *configure(struct config_reader *reader, const struct tree_node *node,
                             const struct config_route *route)
{
    (void)route;
    struct burn_settings *settings = config_take(reader->memory, sizeof *settings);
    return settings && schema_read(reader, &schema, node, settings) ? settings : NULL;
}

const struct route_kind route_burn = {.name = "burn", .configure = configure};
