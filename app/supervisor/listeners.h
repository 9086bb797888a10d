/* SPDX-License-Identifier: MIT */
/* The listening sockets of a supervisor. They are opened once for each address, or taken from systemd, and
 * never closed while a configuration in force has the address: nothing that waits in their queues is lost.
 *
 * Threading: the main thread. The calls block for moments.
 */
#ifndef APP_SUPERVISOR_LISTENERS_H
#define APP_SUPERVISOR_LISTENERS_H

#include <stddef.h>

#include "config/config.h"

struct listeners;

/* Takes over the sockets that systemd has passed (sd_listen_fds(3)), and removes its variables from the
 * environment. Returns: NULL without memory. */
struct listeners *listeners_new(void);

/* Opens what an configuration wants and is not open yet. out gets a descriptor for each address of it, in
 * order, which stays the listeners'. Faults are added with their places: a taken port, a name that systemd
 * did not pass. After a fault nothing has been opened.
 * Returns: 0; -WEIR_ECONFIG; -ENOMEM. */
WEIR_CHECKED int listeners_open(struct listeners *l, const struct config *config,
                                struct config_faults *faults, int *out);

/* Closes what no address of the configuration needs; NULL: all. Files of Unix sockets are removed with them.
 */
void listeners_keep(struct listeners *l, const struct config *config);

/* The address of a descriptor as it is bound: "127.0.0.1:41234", "unix:/run/x.sock". */
const char *listeners_address(const struct listeners *l, int fd);

void listeners_free(struct listeners *l);

#endif
