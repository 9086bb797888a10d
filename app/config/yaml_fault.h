/* SPDX-License-Identifier: MIT */
/* Faults of a file that is no YAML: they name the place of the mistake, not the place where the parser
 * noticed.
 *
 * Threading: pure functions, from any thread.
 */
#ifndef APP_CONFIG_YAML_FAULT_H
#define APP_CONFIG_YAML_FAULT_H

#include <stdbool.h>

#include <yaml.h>

#include "config/fault.h"
#include "config/yaml_source.h"

/* The last quoted text that ended in another line than it began. Often a quote is missing in its first line.
 */
struct yaml_quoted {
    bool known;
    yaml_mark_t begin, end;
};

/* Adds the fault that ended the parser. */
void yaml_fault(const struct yaml_source *source, const yaml_parser_t *parser,
                const struct yaml_quoted *quoted, struct config_faults *faults);

#endif
