/* SPDX-License-Identifier: MIT */
/* The folder below which a route opens files.
 *
 * Threading: the main thread, before any loop.
 */
#ifndef APP_ROUTES_ROOT_CHECK_H
#define APP_ROUTES_ROOT_CHECK_H

#include "config/fault.h"

/* Checks whether files can be opened below a root. key names it: "thumbnail.root". Adds a warning where that
 * takes more than one call of the kernel. */
void root_check(const char *key, const char *root, struct config_place place, struct config_faults *faults,
                struct config_faults *warnings);

#endif
