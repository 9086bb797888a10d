/* SPDX-License-Identifier: MIT */
/* The listening sockets of a supervisor. They are opened once for each address, or taken from systemd, and
 * never closed while a configuration in force has the address: nothing that waits in their queues is lost.
 *
 * Threading: the main thread, but for listeners_resolve(). The calls block for moments.
 */
#ifndef APP_SUPERVISOR_LISTENERS_H
#define APP_SUPERVISOR_LISTENERS_H

#include <stddef.h>

#include "config/config.h"
#include "gateway/start_addresses.h"

struct listeners;

/* Takes over the sockets that systemd has passed (sd_listen_fds(3)), and removes its variables from the
 * environment. Returns: NULL without memory. */
struct listeners *listeners_new(void);

/* Looks up the names among the addresses of a configuration, beside adding faults for those that have none.
 * Owns:    config and faults are lent until start_addresses_close(out).
 * Returns: as start_addresses_open().
 * Where:   any thread; it blocks for as long as reading the hosts file takes. */
WEIR_CHECKED int listeners_resolve(const struct config *config, struct config_faults *faults,
                                   struct start_addresses *out);

/* Opens what a configuration wants and is not open yet. out gets a descriptor for each address of it, in
 * order, which stays the listeners'. Faults are added to those of the addresses, with their places: a taken
 * port, a name that systemd did not pass. After a fault nothing has been opened.
 * Returns: 0; -WEIR_ECONFIG; -ENOMEM. */
WEIR_CHECKED int listeners_open(struct listeners *l, struct start_addresses *addresses, int *out);

/* Closes what no address of the configuration needs; NULL: all. Files of Unix sockets are removed with them.
 */
void listeners_keep(struct listeners *l, const struct config *config);

/* The address of a descriptor as it is bound: "127.0.0.1:41234", "unix:/run/x.sock". */
const char *listeners_address(const struct listeners *l, int fd);

void listeners_free(struct listeners *l);

#endif
