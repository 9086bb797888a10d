/* SPDX-License-Identifier: MIT */
/* URL templates of calls: "http://HOST[:PORT]/path/{param}?key={param}", or with https://.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_URL_H
#define APP_CONFIG_URL_H

#include "config/schema.h"

/* A part of the target: text as it is sent, or the name of a path parameter. */
struct url_part {
    const char *text;
    size_t length;
    bool is_param;
    bool in_query; /* '&', '=', '+' and '#' of a value must be encoded here */
};

struct url_template {
    const char *text; /* as written */
    struct config_place place;
    const char *origin;           /* "http://HOST", "https://HOST:PORT" …, as written */
    const struct url_part *parts; /* of the target, which begins with '/' */
    size_t part_count;            /* ≥ 1 */
};

/* Reads the target alone, "/path/{param}?key={param}", of a URL whose host is known otherwise; origin is "".
 * Returns: as url_read().
 */
bool url_read_target(struct config_reader *reader, const struct tree_node *node, const char *what,
                     const char *pattern, struct url_template *out);

/* Reads a template, whose parameters must all occur in the path pattern; pattern NULL: they are not checked.
 * Returns: false after a fault, or without memory.
 */
bool url_read(struct config_reader *reader, const struct tree_node *node, const char *what,
              const char *pattern, struct url_template *out);

#endif
