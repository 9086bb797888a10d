/* SPDX-License-Identifier: MIT */
/* What a file that is fine can still fail at when it is served: addresses, folders, libraries, the kernel,
 * the limits of this process. 'weir check' and 'weir serve' look at the same things, by this, so that what
 * the one accepts the other serves.
 *
 * Threading: the main thread, before the loops.
 */
#ifndef APP_START_CHECK_H
#define APP_START_CHECK_H

#include "config.h"

struct start_findings {
    struct config_faults faults;   /* it can't be served */
    struct config_faults warnings; /* it can, but whoever wrote it should know */
};

/* What the faults call an address to choose: the file's keys, or options of a command. */
struct start_keys {
    const char *listen, *admin;
};

enum {
    START_PORTS_TAKEN_ARE_FINE = 1 << 0 /* a gateway of this very file may be running */
};

/* Looks; nothing stays open, and no file is made. It starts the loops and ends them, so that what the kernel
 * refuses them shows.
 * Owns:    found is the caller's; its lists are begun here. file: its name for the faults, lent.
 * Returns: 0; -WEIR_ECONFIG with faults.
 */
WEIR_CHECKED int start_check(const struct config *config, const char *file, const struct start_keys *keys,
                             unsigned flags, struct start_findings *found);

#endif
