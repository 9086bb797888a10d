/* SPDX-License-Identifier: MIT */
/* The key "outliers" of a configuration: how many of the slowest requests are kept, and where.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_OUTLIERS_H
#define APP_CONFIG_OUTLIERS_H

#include <stdint.h>

#include "config/fault.h"
#include "config/reader.h"

struct config_outliers {
    int keep;         /* in memory, of each process; 0: none, and nothing is recorded */
    const char *path; /* of the folder into which each is written; NULL: none */
    uint64_t disk_bytes;
    struct config_place path_place;
};

/* Reads the value of the key, false or a map; node NULL: all defaults. */
void outliers_read(struct config_reader *reader, const struct tree_node *node, struct config_outliers *out);

#endif
