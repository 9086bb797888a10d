/* SPDX-License-Identifier: MIT */
/* The reader that is passed to every function for a part of the configuration, with the checks and faults
 * they share.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_READER_H
#define APP_CONFIG_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "config/arena.h"
#include "config/fault.h"
#include <weir/text.h>

#include "config/yaml_tree.h"

struct config;

struct config_reader {
    struct config_faults *faults;
    struct config_memory *memory;
    const struct config *config; /* while routes are read: all of it but the routes; it is copied later */
};

/* The number of faults so far, to compare with later: those that are only counted are included. */
size_t faults_so_far(const struct config_reader *reader);

/* Each checks the type of a node; what names the key, for the fault.
 * Returns: false, after a fault, when the node is something else.
 */
bool node_is_map(struct config_reader *reader, const struct tree_node *node, const char *what);
bool node_is_list(struct config_reader *reader, const struct tree_node *node, const char *what);
bool node_is_text(struct config_reader *reader, const struct tree_node *node, const char *what);

/* Checks the type of a value that is written in one of two forms: text, or a map or list (other). expected
 * names both.
 * Returns: false, after a fault, when the node has neither.
 */
bool node_is_text_or(struct config_reader *reader, const struct tree_node *node, enum tree_type other,
                     const char *what, const char *expected);

/* Takes memory for the entries of a list or a map, and one more, zero.
 * Returns: NULL after a fault, when there are more than most, or without memory.
 */
void *entries_take(struct config_reader *reader, const struct tree_node *node, const char *what, int most,
                   size_t entry_bytes);

/* Adds "WHAT is 'value', expected EXPECTED" at the node, unless the node has a fault already. */
void fault_value(struct config_reader *reader, const struct tree_node *node, const char *what,
                 const char *expected);

/* As fault_value(), at what is wrong in the text of a scalar. */
void fault_in_text(struct config_reader *reader, const struct tree_node *node, const char *what,
                   const weir_text_fault *fault);

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

/* A path of the file: a relative one begins at the file's folder, since the folder in which the program was
 * started is no part of its configuration.
 * Owns:    the result lies in reader->memory, or is path itself.
 * Returns: NULL when there is no memory.
 */
const char *path_beside_file(struct config_reader *reader, const char *path);

#endif
