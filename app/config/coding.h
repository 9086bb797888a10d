/* SPDX-License-Identifier: MIT */
/* The key `compress_response` of a route: which answers are compressed, and how.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_CODING_H
#define APP_CONFIG_CODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/schema.h"
#include "jobs/compressor.h"

struct config_coding {
    bool on;
    int order[ENCODINGS]; /* enum encoding, in the order of preference */
    size_t count;
    int level[ENCODINGS]; /* by enum encoding */
    uint64_t min_bytes;   /* smaller bodies are not compressed */
};

/* Reads true, false or a mapping. The member is a struct config_coding. */
void coding_read(struct config_reader *reader, const struct tree_node *node, void *member);

#endif
