/* SPDX-License-Identifier: MIT */
/* Path patterns of routes: "/page/{id}", "/files/" followed by a star.
 *
 * Threading: pure functions.
 */
#ifndef APP_CONFIG_PATH_H
#define APP_CONFIG_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* What is wrong with a pattern, ready for "path is '…', expected REASON"; NULL when it is fine. */
const char *path_fault(const char *pattern);

/* Whether the pattern has a parameter of this name. */
bool path_has_param(const char *pattern, const char *name, size_t length);

/* Whether every path that later matches is matched by earlier too. Both are fine patterns. */
bool path_covers(const char *earlier, const char *later);

/* Whether length characters can name a parameter. */
bool param_name_is_valid(const char *name, size_t length);

#endif
