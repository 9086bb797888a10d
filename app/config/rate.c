/* SPDX-License-Identifier: MIT */
#include "config/rate.h"

#include <string.h>

#include <weir/http_text.h>

enum { REQUESTS_MAX = 1000000, A_SECOND_MAX = 1000000 };

static void read_by(struct config_reader *reader, const struct tree_node *node, void *member)
{
    static const char header[] = "header:";
    struct config_rate *rate = member;

    if (!node_is_text(reader, node, "rate.by"))
        return;
    if (strcmp(node->text, "client") == 0) {
        rate->by = CONFIG_RATE_CLIENT;
    } else if (strcmp(node->text, "route") == 0) {
        rate->by = CONFIG_RATE_ROUTE;
    } else if (strncmp(node->text, header, strlen(header)) == 0 &&
               weir_token_is_valid(weir_bytes_of(node->text + strlen(header)))) {
        rate->by = CONFIG_RATE_HEADER;
        rate->header = node->text + strlen(header);
    } else {
        fault_value(reader, node, "rate.by", "client, route or header:NAME, such as header:X-Api-Key");
    }
}

#define AT(member) .offset = offsetof(struct config_rate, member)
static const struct schema_key keys[] = {
    {"requests", SCHEMA_INT, AT(requests), .required = "a number of requests", .min = 1, .max = REQUESTS_MAX},
    {"per", SCHEMA_DURATION, AT(per), .fallback = "1s", .min = SCHEMA_MS(1), .max = SCHEMA_MS(86400000)},
    {"burst", SCHEMA_INT, AT(burst), .min = 1, .max = REQUESTS_MAX},
    {"by", SCHEMA_CUSTOM, .read = read_by},
};
#undef AT
static const struct schema schema = {.name = "rate", SCHEMA_KEYS(keys)};

void rate_read(struct config_reader *reader, const struct tree_node *node, void *member)
{
    struct config_rate *rate = config_take(reader->memory, sizeof *rate);
    const size_t before = faults_so_far(reader);

    if (rate == NULL)
        return;
    *rate = (struct config_rate){.by = CONFIG_RATE_CLIENT};
    *(const struct config_rate **)member = rate;
    if (!schema_read(reader, &schema, node, rate) || faults_so_far(reader) > before)
        return;
    if (rate->burst == 0)
        rate->burst = rate->requests;
    if ((int64_t)rate->requests * 1000000000 / rate->per.ns > A_SECOND_MAX)
        config_fault(reader->faults, node->place,
                     "rate is more than 1000000 requests a second, expected fewer; or none, which is no "
                     "limit");
}
