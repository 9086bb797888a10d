/* SPDX-License-Identifier: MIT */
/* A YAML file as a small tree, in which every node has its line and column.
 *
 * Threading: a tree is built by one thread; afterwards any thread may read it.
 *
 * Features that a configuration does not need are refused by name: anchors, aliases, tags, several documents,
 * keys that are not plain text, a key written twice. So the same bytes can't mean two things, and no file can
 * expand in memory.
 */
#ifndef APP_CONFIG_YAML_TREE_H
#define APP_CONFIG_YAML_TREE_H

#include <weir/error.h>

#include "config/arena.h"
#include "config/fault.h"

enum {
    YAML_TREE_BYTES_MAX = 1 << 20, /* of the file */
    YAML_TREE_DEPTH_MAX = 16,
    YAML_TREE_NODES_MAX = 100000,
    YAML_TREE_KEYS_MAX = 1000 /* in one mapping */
};

struct environment_splice;

enum tree_type { TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree_node {
    enum tree_type type;
    bool faulty; /* it has a fault already, so its readers add none */
    bool quoted; /* scalar: was in quotes, or a block of text */
    struct config_place place;
    unsigned
        text_column; /* scalar: of its first character, if the file has it just as written, or text; else 0 */
    const char *text;    /* scalar: its characters, ended by NUL; none lies inside */
    size_t length;       /* scalar: without the NUL */
    const char *written; /* scalar: as the file has it, if the environment or "$$" is in it; else NULL */
    const struct environment_splice *splices; /* the differences between text and written */
    size_t splice_count;
    bool filled;             /* scalar: a variable of the environment is in it */
    size_t count;            /* list, map: children */
    struct tree_node *first; /* list, map: children in the order written */
    struct tree_node *next;  /* the next child of the same parent */
    const char *key;         /* child of a map: its name */
    struct config_place key_place;
};

/* Reads bytes into a tree.
 * Owns:    the nodes and their texts lie in memory; the bytes are not needed afterwards.
 * Returns: 0 with *root, which is NULL for an empty file; faults that leave the rest readable (a key written
 * twice, a tag) may have been added. -WEIR_ECONFIG when a fault ended the reading; -ENOMEM.
 * Where:   any thread.
 */
WEIR_CHECKED int yaml_tree_parse(struct config_memory *memory, const void *bytes, size_t length,
                                 struct config_faults *faults, const struct tree_node **root);

/* The place of a character of a scalar: its own if the file has the text as it is, that of the variable if
 * the environment has it, else that of the scalar. */
struct config_place tree_place_in(const struct tree_node *node, size_t at);

/* The child of a map with this key, or NULL. */
const struct tree_node *tree_find(const struct tree_node *map, const char *key);

#endif
