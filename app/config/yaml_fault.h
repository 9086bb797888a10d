/* SPDX-License-Identifier: MIT */
/* Why bytes are no YAML, in words for who wrote them: where the mistake is, not where the reader noticed.
 *
 * Threading: pure functions, from any thread.
 */
#ifndef APP_CONFIG_YAML_FAULT_H
#define APP_CONFIG_YAML_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include <yaml.h>

#include "config/fault.h"

struct yaml_source {
    const char *bytes;
    size_t length;
};

/* The last text in quotes that began in another line than it ended: its quotes are often not where they were
 * meant to be. */
struct yaml_quoted {
    bool known;
    yaml_mark_t begin, end;
};

/* Skips a byte order mark.
 * Returns: false after the fault of bytes that are no UTF-8 text for a whole file: another encoding, line
 * breaks that only some programs see.
 */
bool yaml_source_open(struct yaml_source *source, struct config_faults *faults);

/* Adds the fault at which a parser ended. */
void yaml_fault(const struct yaml_source *source, const yaml_parser_t *parser,
                const struct yaml_quoted *quoted, struct config_faults *faults);

#endif
