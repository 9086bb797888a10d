/* SPDX-License-Identifier: MIT */
/* Path patterns of routes: "/page/{id}", "/files/" followed by a star.
 *
 * Threading: pure functions.
 */
#ifndef APP_CONFIG_PATH_H
#define APP_CONFIG_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* Says what was expected in place of a pattern, as in "path is '…', expected REASON"; NULL when it is valid.
 */
const char *path_fault(const char *pattern);

/* Reports whether the pattern has a parameter of this name. */
bool path_has_param(const char *pattern, const char *name, size_t length);

/* Reports whether `earlier` matches every path that `later` matches. Both are valid patterns. */
bool path_covers(const char *earlier, const char *later);

/* Reports whether length characters can name a parameter. */
bool param_name_is_valid(const char *name, size_t length);

#endif
