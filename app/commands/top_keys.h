/* SPDX-License-Identifier: MIT */
/* The keys of weir top, and what each changes in its view.
 *
 * Threading: belongs to the task that reads the keys.
 */
#ifndef APP_COMMANDS_TOP_KEYS_H
#define APP_COMMANDS_TOP_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "commands/top_view.h"

/* Applies keys to the view. An escape sequence comes whole, in one read of the terminal.
 * Returns: whether a key asks to quit.
 */
bool top_keys_heed(struct top_view *view, const char *keys, size_t n);

#endif
