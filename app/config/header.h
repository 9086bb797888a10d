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

enum { CONFIG_HEADERS_MAX = 64 };

/* Reads a map of header fields, to be sent as they are. Names that frame a message are refused. */
void headers_read(struct config_reader *reader, const struct tree_node *node, const char *what,
                  struct config_headers *out);

/* Whether the text is a token (RFC 9110 5.6.2), as methods and the names of headers are. */
bool token_is_valid(const char *text);

/* What was expected in place of a header's name or value; NULL when it may be written and passed on. Those
 * that frame a message or end at each hop (Content-Length, Connection, …) may not. */
const char *header_name_fault(const char *name);
const char *header_value_fault(const char *value);

/* Adds a fault and returns false when the text at the node is no header name, or is one that frames a message
 * or ends at each hop (Content-Length, Connection, …), which nobody may write or pass on.
 */
bool header_name_check(struct config_reader *reader, struct config_place place, const char *what,
                       const char *name);

/* Adds a fault and returns false when the text can't be a header's value. */
bool header_value_check(struct config_reader *reader, const struct tree_node *node, const char *what);

#endif
