/* SPDX-License-Identifier: MIT */
/* Targets without the values of some query parameters, for logs.
 *
 * Threading: pure functions.
 */
#ifndef APP_TEXT_HIDDEN_H
#define APP_TEXT_HIDDEN_H

#include <stddef.h>

enum { HIDDEN_TARGET_BYTES = 4096 };

/* Writes a target with "***" in place of the values of parameters with one of the names, which are in lower
 * case and end with NULL. Names in the target are compared as a server reads them: without regard to case,
 * and with %XX and '+' decoded; "name[…]" is an entry of such a parameter. A parameter begins after '?', '&'
 * or ';'. A hidden value ends at '&', so that of a value with ';' no part is shown, and one in the path
 * (";jsessionid=…") at '?'. What does not fit into out is left out.
 * Returns: target, if names is NULL or it has nothing to hide; otherwise out.
 */
const char *hidden_target(const char *const *names, const char *target, char out[HIDDEN_TARGET_BYTES]);

#endif
