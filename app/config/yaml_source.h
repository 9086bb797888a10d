/* SPDX-License-Identifier: MIT */
/* The bytes of a YAML file, and lines and places in them. Lines count from 0, as libyaml's.
 *
 * Threading: pure functions, from any thread.
 */
#ifndef APP_CONFIG_YAML_SOURCE_H
#define APP_CONFIG_YAML_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include <yaml.h>

#include "config/fault.h"

struct yaml_source {
    const char *bytes;
    size_t length;
};

/* Skips a byte order mark.
 * Returns: false, after the fault, when the bytes are no UTF-8 text as a whole: another encoding, or line
 * breaks that only some programs see.
 */
bool yaml_source_open(struct yaml_source *source, struct config_faults *faults);

struct config_place yaml_place_of_offset(const struct yaml_source *source, size_t offset);

/* The offset of a mark, and the byte there: libyaml counts characters. '\0' at the end of the text. */
size_t yaml_byte_at(const struct yaml_source *source, yaml_mark_t mark);
char yaml_char_at(const struct yaml_source *source, yaml_mark_t mark);

/* The offset at which a line begins; the end of the text when it has fewer lines. */
size_t yaml_line_at(const struct yaml_source *source, size_t line);

/* The length of the line that begins at this offset, without its line break. */
size_t yaml_line_length(const struct yaml_source *source, size_t at);

/* The number of spaces that a line begins with. */
size_t yaml_indentation(const struct yaml_source *source, size_t line);

/* Reports whether a line has a key: "KEY:" at its end, or "KEY: ". */
bool yaml_line_has_key(const struct yaml_source *source, size_t line);

/* The last line before this one that is not blank or a comment; this line, when there is none. */
size_t yaml_line_before(const struct yaml_source *source, size_t line);

#endif
