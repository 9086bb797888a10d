/* SPDX-License-Identifier: MIT */
/* The transport of TCP and Unix sockets: connected ones, and listening ones as queues.
 *
 * Threading: as net/transport.h.
 */
#ifndef WEIR__SOCKET_H
#define WEIR__SOCKET_H

#include "net/transport.h"

extern const struct weir__transport_type weir__socket_type;

/* Embedded in its owner, whose address must not change while a descriptor is attached. */
struct weir__socket {
    struct weir__transport transport;
    struct weir__io_file file;
};

/* A socket without a descriptor. */
void weir__socket_init(struct weir__socket *s);

/* Attaches a descriptor on the loop of this thread. foreign: it is polled, and never closed.
 * Owns:    on failure the descriptor stays the caller's.
 * Returns: as weir__io_attach(). */
int weir__socket_attach(struct weir__socket *s, int fd, bool foreign) WEIR_CHECKED;

#endif
