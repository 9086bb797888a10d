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

#include "config_fault.h"
#include "config_memory.h"
#include "yaml_tree.h"

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
    size_t offset;        /* of the member in the struct being filled */
    const char *fallback; /* the default, as it would be written; NULL: the member stays as it is */
    bool required;
    int64_t min, max; /* INT; SIZE in bytes; DURATION in ns. Both 0: any that fits and is not negative */
    const char *const *choices; /* CHOICE: ended by NULL */
    const struct schema *map;   /* MAP */
    /* CUSTOM: adds its own faults. member is base + offset. Returns nothing: faults and memory tell. */
    void (*read)(struct config_reader *reader, const struct tree_node *node, void *member);
};

struct schema {
    const char *name; /* as in "unknown key 'x' in NAME"; NULL at the top of the file */
    const struct schema_key *keys;
    size_t count;
};

#define SCHEMA_KEYS(table) .keys = (table), .count = sizeof(table) / sizeof *(table)

/* Fills the struct at base from a map. node may be NULL: then only the defaults are set. */
void schema_read(struct config_reader *reader, const struct schema *schema, const struct tree_node *node,
                 void *base);

/* Sets the defaults, and nothing else. */
void schema_defaults(struct config_reader *reader, const struct schema *schema, void *base);

/* Reads what a map writes and leaves every other member as it is: for overriding. */
void schema_override(struct config_reader *reader, const struct schema *schema, const struct tree_node *node,
                     void *base);

/* Each adds a fault and returns false when the node is something else. what names the key, for the fault. */
bool node_is_map(struct config_reader *reader, const struct tree_node *node, const char *what);
bool node_is_list(struct config_reader *reader, const struct tree_node *node, const char *what);
bool node_is_text(struct config_reader *reader, const struct tree_node *node, const char *what);

/* Adds "unknown WHAT 'name', did you mean 'x'? expected one of …". names ends with NULL. */
void fault_unknown(struct config_reader *reader, struct config_place place, const char *what,
                   const char *name, const char *const *names);

#endif
