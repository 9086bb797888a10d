/* SPDX-License-Identifier: MIT */
/* The lines that a gateway process says on its control socket (gateway/handed.h), cut out of the bytes that
 * come. What it says is not trusted: a line is bounded, and unprintable bytes of it become '?'.
 *
 * Threading: pure.
 */
#ifndef APP_SUPERVISOR_CONTROL_H
#define APP_SUPERVISOR_CONTROL_H

#include <stddef.h>

enum { CONTROL_LINE_BYTES = 8192 }; /* of a line; the rest of a longer one is dropped */

struct control {
    char line[CONTROL_LINE_BYTES + 1];
    size_t used;
};

enum control_word { CONTROL_READY, CONTROL_FAULT, CONTROL_CUT, CONTROL_UNKNOWN };

/* Calls fn with each line that is complete, split into its first word and the rest. */
void control_take(struct control *c, const char *bytes, size_t length,
                  void (*fn)(void *arg, enum control_word word, const char *text), void *arg);

#endif
