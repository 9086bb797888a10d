/* SPDX-License-Identifier: MIT */
/* headers: {request: {set: {}, remove: []}, response: {set: {}, remove: []}}: rules for the headers of what
 * is passed on to backends, and of answers. http/header_rules.h applies them.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_HEADER_RULES_H
#define APP_CONFIG_HEADER_RULES_H

#include "config/reader.h"
#include "config/template.h"

/* Of one direction. An answer holds 64 KiB of headers, those of its kind of route included. */
enum { CONFIG_HEADER_RULES_MAX = 64, CONFIG_HEADER_RULES_BYTES_MAX = 16 << 10 };

struct config_header_rule {
    const char *name;
    bool set; /* replaced by value; else removed */
    struct config_template value;
};

/* Each name occurs once, in any case. */
struct config_header_rules {
    const struct config_header_rule *rule;
    size_t count;
};

struct config_header_ruling {
    struct config_header_rules request, response;
};

/* Reads "headers" of a route with this path; pattern NULL: those at the top of the file. outer: rules that
 * hold for names which are not mentioned here; may be NULL.
 */
void header_rules_read(struct config_reader *reader, const struct tree_node *node, const char *pattern,
                       const struct config_header_ruling *outer, struct config_header_ruling *out);

#endif
