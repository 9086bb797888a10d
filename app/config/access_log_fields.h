/* SPDX-License-Identifier: MIT */
/* The key "fields" of the access log: headers of requests whose values a line shows.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_ACCESS_LOG_FIELDS_H
#define APP_CONFIG_ACCESS_LOG_FIELDS_H

#include <stdbool.h>

#include "config/reader.h"

enum { ACCESS_LOG_FIELDS_MAX = 8 };

/* Reads the list of names. Faults are names of no header, of headers that carry secrets, of keys that a line
 * has anyway, and names that come twice.
 * Returns: the names in lower case, ended by NULL; NULL: none. They lie in reader->memory. */
const char *const *access_log_fields_read(struct config_reader *reader, const struct tree_node *node);

/* Reports whether a line may have such a key of its own. */
bool access_log_has_key(const char *key);

#endif
