/* SPDX-License-Identifier: MIT */
/* Reading a map of a configuration by a table of its keys.
 *
 * Threading: as config.h.
 *
 * A key is one line of a table: name, type, where the value goes, default, range. Unknown keys, wrong types
 * and values out of range become faults that name the nearest key or the range; the default is written as a
 * user would write it and goes through the same reader.
 */
#ifndef APP_CONFIG_SCHEMA_H
#define APP_CONFIG_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "config/fault.h"
#include "config/arena.h"
#include "config/yaml_tree.h"

/* What every reading function is given. */
struct config_reader {
    struct config_faults *faults;
    struct config_memory *memory;
};

enum schema_type {
    SCHEMA_BOOL,     /* bool: true, false */
    SCHEMA_INT,      /* int */
    SCHEMA_SIZE,     /* uint64_t bytes */
    SCHEMA_DURATION, /* weir_duration */
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
    const char *required;       /* not NULL: the key must be there, and this is what is expected of it */
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

/* A path that the file names, which begins at its folder when it is relative: where a program is started from
 * is no part of its configuration.
 * Owns:    what it returns lies in reader->memory, or is path itself.
 * Returns: NULL when memory is short.
 */
const char *schema_path(struct config_reader *reader, const char *path);

/* Sets the defaults and nothing else; members without one stay as they are. */
void schema_defaults(struct config_reader *reader, const struct schema *schema, void *base);

/* Reads what a map writes and leaves every other member as it is. */
void schema_override(struct config_reader *reader, const struct schema *schema, const struct tree_node *node,
                     void *base);

/* A read() that only keeps the node, for what can be read once other keys are known. The member is a
 * const struct tree_node *.
 */
void schema_keep_node(struct config_reader *reader, const struct tree_node *node, void *member);

/* Each is false, after a fault, when the node is something else; what names the key, for the fault. */
bool node_is_map(struct config_reader *reader, const struct tree_node *node, const char *what);
bool node_is_list(struct config_reader *reader, const struct tree_node *node, const char *what);
bool node_is_text(struct config_reader *reader, const struct tree_node *node, const char *what);

/* Adds "WHAT is 'value', expected EXPECTED" at the node, unless the node's fault was told already. */
void fault_value(struct config_reader *reader, const struct tree_node *node, const char *what,
                 const char *expected);

/* Adds "unknown WHAT 'name' in WHERE, did you mean 'x'?", or the list of all names when none is near.
 * where may be NULL; names ends with NULL.
 */
void fault_unknown(struct config_reader *reader, struct config_place place, const char *what,
                   const char *name, const char *where, const char *const *names);

/* Writes "a, b or c" into out.
 * Returns: out.
 */
const char *text_one_of(char *out, size_t room, const char *const *names);

/* The number of entries before the NULL. */
size_t count_names(const char *const *names);

#endif
