/* SPDX-License-Identifier: MIT */
/* The checks of a valid configuration on this machine: addresses, folders, libraries, the kernel, the limits
 * of this process. 'weir check' and 'weir serve' both run them, so that 'weir serve' serves what 'weir check'
 * accepts.
 *
 * Threading: the main thread, before the loops.
 */
#ifndef APP_GATEWAY_START_CHECK_H
#define APP_GATEWAY_START_CHECK_H

#include "config/config.h"

struct start_findings {
    struct config_faults faults;   /* it can't be served */
    struct config_faults warnings; /* it can be served, but is unwise */
};

struct start_options {
    const char *listen_key, *admin_key; /* the keys of the file, or options, that choose another address */
    const char *root;                   /* prefix of the paths in /proc and /sys; "" except in tests */
    unsigned flags;
};

enum {
    START_PORTS_TAKEN_ARE_FINE = 1 << 0, /* a gateway with this file may be running */
    START_CONNECT = 1 << 1,              /* connects to the backends, too */
    START_INHERITS = 1 << 2 /* a supervisor has opened the listeners, and answers at the admin address */
};

/* Runs the checks, after raising the limit of descriptors to its hard limit. It starts the loops and ends
 * them, to find what the kernel refuses them. Nothing stays open, and no file is made.
 * Owns:    found is the caller's; its lists are opened here. file: the name for the faults, lent.
 * Returns: 0; -WEIR_ECONFIG with faults.
 */
WEIR_CHECKED int start_check(const struct config *config, const char *file,
                             const struct start_options *options, struct start_findings *found);

#endif
