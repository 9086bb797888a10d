/* SPDX-License-Identifier: MIT */
/* Outliers as text for people: a table of them, and an account of one.
 *
 * Threading: the task of the command.
 */
#ifndef APP_COMMANDS_OUTLIERS_TEXT_H
#define APP_COMMANDS_OUTLIERS_TEXT_H

#include <jansson.h>

#include "text/terminal_text.h"

/* Writes the list of /outliers. now_s: since 1970, for their ages. */
void outliers_text_table(struct terminal_text *out, const json_t *list, double now_s);

/* Writes one, as /outliers/ID has it, or a file of the folder. */
void outliers_text_one(struct terminal_text *out, const json_t *outlier);

#endif
