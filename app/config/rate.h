/* SPDX-License-Identifier: MIT */
/* The key `rate` of a route: how many requests it takes.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_RATE_H
#define APP_CONFIG_RATE_H

#include <weir/time.h>

#include "config/schema.h"

/* What the requests are counted by. */
enum config_rate_by { CONFIG_RATE_CLIENT, CONFIG_RATE_ROUTE, CONFIG_RATE_HEADER };

struct config_rate {
    int by; /* enum config_rate_by */
    int requests;
    weir_duration per;
    int burst;
    const char *header; /* CONFIG_RATE_HEADER: its name */
};

/* Reads the mapping. The member is a const struct config_rate *. */
void rate_read(struct config_reader *reader, const struct tree_node *node, void *member);

#endif
