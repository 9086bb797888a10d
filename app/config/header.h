/* SPDX-License-Identifier: MIT */
/* Header fields in the configuration: names, and maps {name: value}.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_HEADER_H
#define APP_CONFIG_HEADER_H

#include <weir/http_client.h>

#include "config/schema.h"

struct config_headers {
    const weir_header *header;
    size_t count;
};

/* A response holds 64 KiB of headers, the server's own included. */
enum { CONFIG_HEADERS_MAX = 64, CONFIG_HEADERS_BYTES_MAX = 32 << 10 };

/* Reads a map of header fields, which are sent as they are. Each is checked as below. */
void headers_read(struct config_reader *reader, const struct tree_node *node, const char *what,
                  struct config_headers *out);

/* Say what was expected in place of a header's name or value; NULL when it may be set or passed on. Headers
 * that frame a message or end at each hop (Content-Length, Connection, …) may not. */
const char *header_name_fault(const char *name);
const char *header_value_fault(const char *value);

/* Checks the name of a header, as header_name_fault().
 * Returns: false after a fault.
 */
bool header_name_check(struct config_reader *reader, struct config_place place, const char *what,
                       const char *name);

/* Checks the value of a header, as header_value_fault().
 * Returns: false after a fault. */
bool header_value_check(struct config_reader *reader, const struct tree_node *node, const char *what);

/* Checks a value that is sent as Content-Type.
 * Returns: false after a fault. */
bool media_type_check(struct config_reader *reader, const struct tree_node *node, const char *what);

#endif
