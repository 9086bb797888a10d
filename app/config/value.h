/* SPDX-License-Identifier: MIT */
/* Values of a configuration file, by type. what names the key, for the fault.
 *
 * Threading: as config.h.
 *
 * Each function sets *member, or leaves it as it is and adds a fault that says what was expected.
 */
#ifndef APP_CONFIG_VALUE_H
#define APP_CONFIG_VALUE_H

#include <stdint.h>

#include <weir/time.h>

#include "config/reader.h"

enum { VALUE_LIST_BYTES = 200 }; /* room for the names of a choice in a fault */

/* Bounds of a value: of a number, of bytes, or of nanoseconds. max 0: no limit but the type's. */
struct value_range {
    int64_t min, max;
};

void value_read_bool(struct config_reader *reader, const struct tree_node *node, const char *what,
                     bool *member);
/* A bool or a map.
 * Returns: true when it is a map, which the caller reads; otherwise *member is set, or there is a fault.
 */
bool value_read_bool_or_map(struct config_reader *reader, const struct tree_node *node, const char *what,
                            bool *member);

/* A map, or false in place of it.
 * Returns: true when it is a map, which the caller reads; otherwise it is false, or there is a fault.
 */
bool value_is_map_or_false(struct config_reader *reader, const struct tree_node *node, const char *what);

void value_read_int(struct config_reader *reader, const struct tree_node *node, const char *what,
                    struct value_range range, int *member);
void value_read_size(struct config_reader *reader, const struct tree_node *node, const char *what,
                     struct value_range range, uint64_t *member);
void value_read_duration(struct config_reader *reader, const struct tree_node *node, const char *what,
                         struct value_range range, weir_duration *member);

/* A part of a whole, "30%", without a fraction. */
void value_read_percent(struct config_reader *reader, const struct tree_node *node, const char *what,
                        struct value_range range, int *member);

/* Text; the member points into the tree. */
void value_read_text(struct config_reader *reader, const struct tree_node *node, const char *what,
                     bool may_be_empty, const char **member);

/* The index in choices, which ends with NULL. */
void value_read_choice(struct config_reader *reader, const struct tree_node *node, const char *what,
                       const char *const *choices, int *member);

#endif
