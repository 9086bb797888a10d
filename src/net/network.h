/* SPDX-License-Identifier: MIT */
/* A network: what makes the transports of a loop's listeners and streams.
 *
 * It makes sockets, unless the loop was given another network (struct weir__loop, network): tests have one
 * within the process.
 *
 * Threading: a network is called by the threads of the loops that were given it.
 */
#ifndef WEIR__NETWORK_H
#define WEIR__NETWORK_H

#include "net/socket.h"

/* Each function that makes a transport makes it in `room`, which is the caller's and stays where it is, or in
 * memory of its own. Of a transport that could not be made nothing is left. */
struct weir__network {
    /* Makes a transport that is not connected, of an address family. Returns: 0, or as socket(2). */
    int (*open)(const struct weir__network *n, struct weir__socket *room, int family,
                struct weir__transport **out);

    /* Makes a queue of the connections that come in at an address.
     * Returns: 0, or as socket(2), bind(2), listen(2). */
    int (*listen)(const struct weir__network *n, struct weir__socket *room, const struct sockaddr *addr,
                  socklen_t len, int backlog, bool reuse_port, struct weir__transport **out);

    /* Makes a transport of a descriptor: of an accept, released by another loop, or of a shared queue.
     * Owns:    the descriptor; on failure it stays the caller's.
     * Returns: 0; -ENOMEM or as weir__io_attach(). */
    int (*attach)(const struct weir__network *n, struct weir__socket *room, int fd,
                  struct weir__transport **out);

    /* Closes a descriptor that is attached nowhere. */
    void (*close_fd)(const struct weir__network *n, int fd);

    bool makes_paths; /* a Unix address is a file, which its listener leaves behind */
};

/* The network of the loop of this thread. */
const struct weir__network *weir__network_here(void);

#endif
