/* SPDX-License-Identifier: MIT */
/* The answers that weir top shows, asked of the admin address.
 *
 * Threading: tasks of the command's one loop.
 */
#ifndef APP_COMMANDS_TOP_SOURCE_H
#define APP_COMMANDS_TOP_SOURCE_H

#include <stdbool.h>

#include <jansson.h>

#include "commands/admin_client.h"

enum { TOP_PROBLEM_BYTES = 200 };

struct top_source {
    struct admin_client *admin;
    json_t *stats, *stalls;
    char problem[TOP_PROBLEM_BYTES]; /* "": the last answer came */
};

/* Asks for the first answer.
 * Returns: false after printing why there is none on stderr.
 */
bool top_source_open(struct top_source *source);

/* Asks anew; the last answer stays when there is no newer one.
 * Returns: false, with source->problem.
 */
bool top_source_refresh(struct top_source *source);

/* Frees the answers. */
void top_source_close(struct top_source *source);

#endif
