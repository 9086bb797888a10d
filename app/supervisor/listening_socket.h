/* SPDX-License-Identifier: MIT */
/* A listening socket: opened at an address, or passed by systemd (sd_listen_fds(3)).
 *
 * Threading: the main thread. Nothing here waits.
 */
#ifndef APP_SUPERVISOR_LISTENING_SOCKET_H
#define APP_SUPERVISOR_LISTENING_SOCKET_H

#include <sys/types.h>

#include <weir/stream.h>

#include "config/config.h"

struct listening_socket {
    struct listening_socket *next;
    struct config_address address;  /* host, port and path alone: as it was asked for */
    char host[WEIR_ADDRESS_BYTES];  /* what those lie in */
    char bound[WEIR_ADDRESS_BYTES]; /* "127.0.0.1:41234", "unix:/run/x.sock"; "": it is no listening stream */
    char name[WEIR_ADDRESS_BYTES];  /* of one that was passed */
    int fd;
    bool passed;  /* by systemd */
    dev_t device; /* of the file of a Unix socket */
    ino_t file;   /* 0: it has none of ours */
};

/* Takes over what systemd has passed to this process, and removes LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES
 * from the environment.
 * Owns:    the list is the caller's; each is freed by listening_socket_close().
 * Returns: 0; -ENOMEM: those in the list are to be closed. */
WEIR_CHECKED int listening_sockets_passed(struct listening_socket **list);

/* Listens at an address, whose host is a number. A socket at its path is removed.
 * Returns: 0; as socket(2), bind(2), listen(2); -ENOMEM. */
WEIR_CHECKED int listening_socket_open(const struct config_address *address, struct listening_socket **out);

/* Reports whether an address, whose host is a number, asks for this socket. */
bool listening_socket_is_at(const struct listening_socket *s, const struct config_address *address);

/* Closes it, removes the file of a Unix socket unless another program has put its own there, and frees s. */
void listening_socket_close(struct listening_socket *s);

#endif
