/* SPDX-License-Identifier: MIT */
/* Parameters in the values of headers: name=value, the value a token or a quoted string (RFC 9110, 5.6).
 *
 * Threading: pure functions.
 */
#ifndef APP_TEXT_PARAMETER_H
#define APP_TEXT_PARAMETER_H

/* Skips the parameter that a text begins with. ends: what may follow a token.
 * Returns: what is behind it; NULL: it is none.
 */
const char *parameter_skip(const char *text, const char *ends);

#endif
