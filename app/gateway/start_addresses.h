/* SPDX-License-Identifier: MIT */
/* The checks of the addresses of a configuration on this machine: names, ports that are taken, paths of Unix
 * sockets, addresses that exclude each other.
 *
 * Threading: any thread, one at a time. The calls block for moments.
 */
#ifndef APP_GATEWAY_START_ADDRESSES_H
#define APP_GATEWAY_START_ADDRESSES_H

#include "config/config.h"

struct start_addresses {
    const struct config *config;
    const char *listen_key, *admin_key; /* the keys of the file, or options, that choose another address */
    struct config_faults *faults;
    size_t first;                   /* names before this one are not looked up */
    size_t count;                   /* those of listen, then admin */
    struct config_address *numeric; /* the addresses with names resolved; host NULL: it has none */
    int waited_ms;                  /* for those that are taken */
    bool yields; /* the gateway that has the addresses drains, and has given up its admin address */
};

/* Looks up the names, by the hosts file. The caller fills in the members above count.
 * Owns:    a is the caller's, until start_addresses_close().
 * Returns: 0, also with faults; -ENOMEM, -EAGAIN no thread: nothing is open. */
WEIR_CHECKED int start_addresses_open(struct start_addresses *a);
void start_addresses_close(struct start_addresses *a);

/* Adds a fault if the address i cannot be listened on. One that is taken is waited for, half a second for all
 * of them together. taken_is_fine: by whatever program. */
void start_addresses_probe(struct start_addresses *a, size_t i, bool taken_is_fine);

/* Adds a fault for each address that excludes an earlier one, which the file alone does not show. */
void start_addresses_compare(struct start_addresses *a);

/* Adds a fault: the address i can't be listened on. */
void start_addresses_fault(struct start_addresses *a, size_t i, int err);

#endif
