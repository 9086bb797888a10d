/* SPDX-License-Identifier: MIT */
/* Texts with parameters of the request: "{id}" of the route's path, "{*}" for what a last star took, "{host}"
 * as the client named it, "{path}" and "{query}", "{client_cert}" for the subject of the client's
 * certificate. A parameter of the path comes first where it has one of these names.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_TEMPLATE_H
#define APP_CONFIG_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/reader.h"

enum template_part_type {
    TEMPLATE_TEXT,
    TEMPLATE_PARAM, /* of the path */
    TEMPLATE_HOST,
    TEMPLATE_PATH,
    TEMPLATE_QUERY,
    TEMPLATE_CLIENT_CERT,
    TEMPLATE_USER, /* the name of the client, once it is known; no text of a file has it */
};

struct template_part {
    enum template_part_type type;
    const char *text; /* that is sent, or the name of a parameter, ended by NUL */
    size_t length;
};

struct config_template {
    const struct template_part *parts;
    size_t count;
};

/* Reads a template of a route with this path; pattern NULL: of no certain route, so that it has no parameters
 * of a path. Braces around anything but a name are text, as JSON in a header has them.
 * Owns:    the result lies in reader->memory, and points into the node's text.
 * Returns: false after a fault, or without memory.
 */
bool template_read(struct config_reader *reader, const struct tree_node *node, const char *what,
                   const char *pattern, struct config_template *out);

/* As template_read(), with any parameters: those of a path are known later. See template_pattern_has(). */
bool template_read_any(struct config_reader *reader, const struct tree_node *node, const char *what,
                       struct config_template *out);

/* As template_read(), of a part of the node's text. braced: every brace must belong to a parameter. */
bool template_read_part(struct config_reader *reader, const struct tree_node *node, size_t from,
                        size_t length, const char *what, const char *pattern, bool braced,
                        struct config_template *out);

/* Reports whether a path has a parameter; "*": whether it ends with a star. */
bool template_pattern_has(const char *pattern, const char *name);

#endif
