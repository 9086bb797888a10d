/* SPDX-License-Identifier: MIT */
/* What a file that is fine can still fail at when it is served: addresses, folders, libraries, the kernel,
 * the limits of this process. 'weir check' and 'weir serve' look at the same things, by this, so that what
 * the one accepts the other serves.
 *
 * Threading: the main thread, before the loops.
 */
#ifndef APP_GATEWAY_START_CHECK_H
#define APP_GATEWAY_START_CHECK_H

#include "config/config.h"

struct start_findings {
    struct config_faults faults;   /* it can't be served */
    struct config_faults warnings; /* it can, but whoever wrote it should know */
};

struct start_options {
    const char *listen_key, *admin_key; /* what chooses another address: the file's keys, or options */
    const char *root;                   /* of what is read of the system, "" but in tests */
    unsigned flags;
};

enum {
    START_PORTS_TAKEN_ARE_FINE = 1 << 0, /* a gateway of this very file may be running */
    START_CONNECT = 1 << 1               /* to backends, too */
};

/* Looks, after raising the number of descriptors this process may have to its hard limit; nothing stays open,
 * and no file is made. It starts the loops and ends them, so that what the kernel refuses them shows.
 * Owns:    found is the caller's; its lists are begun here. file: its name for the faults, lent.
 * Returns: 0; -WEIR_ECONFIG with faults.
 */
WEIR_CHECKED int start_check(const struct config *config, const char *file,
                             const struct start_options *options, struct start_findings *found);

#endif
