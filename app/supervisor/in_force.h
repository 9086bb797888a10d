/* SPDX-License-Identifier: MIT */
/* A configuration as it was read: its text, in memory that gateway processes are given, and what it says. The
 * file may change afterwards without an effect on it.
 *
 * Threading: the main thread.
 */
#ifndef APP_SUPERVISOR_IN_FORCE_H
#define APP_SUPERVISOR_IN_FORCE_H

#include "config/config.h"

struct in_force {
    struct config config;
    int text; /* descriptor of the text; it can be read, and not changed any more */
    int holders;
};

/* Reads and checks a file.
 * Owns:    the caller holds *out once. file is lent for the faults.
 * Returns: 0; -WEIR_ECONFIG with faults; -ENOMEM, -EMFILE, -ENFILE.
 * Where:   blocks for a moment.
 */
WEIR_CHECKED int in_force_read(const char *file, struct config_faults *faults, struct in_force **out);

struct in_force *in_force_hold(struct in_force *f);

/* The last one frees it. NULL does nothing. */
void in_force_release(struct in_force *f);

#endif
