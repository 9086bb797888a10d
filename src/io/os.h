/* SPDX-License-Identifier: MIT */
/* What the backends on a real kernel have in common: its sockets, its clock.
 *
 * Threading: the loop's thread. None of it blocks. The shapes are those of struct weir__io_backend, so that
 * these functions are put into its table as they are; io is not used.
 */
#ifndef WEIR__IO_OS_H
#define WEIR__IO_OS_H

#include <time.h>

#include "io/io.h"

int64_t weir__io_os_now_ns(struct weir__io *io);
int weir__io_os_socket(struct weir__io *io, int family);
int weir__io_os_listen(struct weir__io *io, const struct sockaddr *addr, socklen_t len, int backlog,
                       bool reuse_port);
void weir__io_os_close(struct weir__io *io, int fd);
int weir__io_os_accept(struct weir__io *io, struct weir__io_file *file);
void weir__io_os_stop_listening(struct weir__io *io, struct weir__io_file *file);
int weir__io_os_address(struct weir__io *io, struct weir__io_file *file, bool peer,
                        struct sockaddr_storage *addr, socklen_t *len);
int weir__io_os_shutdown(struct weir__io *io, struct weir__io_file *file);
void weir__io_os_reset_on_close(struct weir__io *io, struct weir__io_file *file);
ssize_t weir__io_os_send_now(struct weir__io *io, struct weir__io_file *file, const void *data, size_t len);
int weir__io_os_taken(struct weir__io *io, struct weir__io_file *file, uint64_t *taken);

/* Has the kernel make room for many descriptors at once (128 KiB). Each time its table grows, in a process of
 * several threads, whoever opens one waits for all CPUs to have seen that: 10 ms and more, for a whole loop.
 */
void weir__io_os_make_room(void);

/* A descriptor is about to be attached: looks whether it is one, and makes TCP send small writes at once
 * unless it is foreign.
 * Returns: 1 when it is TCP and ours, 0 when not, or -EBADF.
 */
int weir__io_os_take(int fd, bool foreign);

/* How long it is until an instant.
 * Returns: false when there is none (INT64_MAX); *wait is >= 0.
 */
bool weir__io_os_wait(int64_t until_ns, struct timespec *wait);

#endif
