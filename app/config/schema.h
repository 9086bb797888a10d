/* SPDX-License-Identifier: MIT */
/* Reading a map of a configuration by a table of its keys.
 *
 * Threading: as config.h.
 *
 * A line of the table is a key: name, type, where the value goes, default, range. Unknown keys, wrong types
 * and values out of range become faults that name the nearest key or the range. A default is written as a
 * user would write it, and is read in the same way.
 */
#ifndef APP_CONFIG_SCHEMA_H
#define APP_CONFIG_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "config/reader.h"

enum schema_type {
    SCHEMA_BOOL,     /* bool: true, false */
    SCHEMA_INT,      /* int */
    SCHEMA_SIZE,     /* uint64_t bytes */
    SCHEMA_DURATION, /* weir_duration */
    SCHEMA_PERCENT,  /* int: 30 of "30%" */
    SCHEMA_STRING,   /* const char *: not empty */
    SCHEMA_TEXT,     /* const char *: may be empty */
    SCHEMA_CHOICE,   /* int: the index in choices */
    SCHEMA_MAP,      /* a struct at offset, read by the nested schema */
    SCHEMA_CUSTOM,   /* read() does it */
};

struct schema;

struct schema_key {
    const char *name;
    enum schema_type type;
    size_t offset;              /* of the member in the struct being filled */
    const char *fallback;       /* the default, as it would be written; NULL: the member stays as it is */
    const char *required;       /* not NULL: the key must be there; what the fault says was expected */
    int64_t min, max;           /* INT; SIZE in bytes; DURATION in ns. max 0: no limit but the type's */
    const char *const *choices; /* CHOICE: ended by NULL */
    const struct schema *map;   /* MAP */

    /* CUSTOM: sets the member (at base + offset), or adds a fault. */
    void (*read)(struct config_reader *reader, const struct tree_node *node, void *member);
};

enum { SCHEMA_KEYS_MAX = 32 };

struct schema {
    const char *name; /* of the map, for the faults: "limits"; NULL at the top of the file */
    bool bare;        /* faults name its keys alone: "path" rather than "the route.path" */
    const struct schema_key *keys;
    size_t count; /* ≤ SCHEMA_KEYS_MAX */
};

#define SCHEMA_KEYS(table) .keys = (table), .count = sizeof(table) / sizeof *(table)
#define SCHEMA_MS(ms) ((int64_t)(ms)*1000000) /* for min and max of a duration */

/* Fills the struct at base: defaults, what the map writes, and a fault for each required key that is missing.
 * Returns: false, after a fault, when node is no map. Other faults show in the reader's list alone.
 */
bool schema_read(struct config_reader *reader, const struct schema *schema, const struct tree_node *node,
                 void *base);

/* Sets the defaults. Members without a default stay as they are. */
void schema_defaults(struct config_reader *reader, const struct schema *schema, void *base);

/* Reads the keys that a map has. Every other member stays as it is. */
void schema_override(struct config_reader *reader, const struct schema *schema, const struct tree_node *node,
                     void *base);

/* A read() that only keeps the node, for a value that can be read when other keys are known. The member is a
 * const struct tree_node *.
 */
void schema_keep_node(struct config_reader *reader, const struct tree_node *node, void *member);

#endif
