/* SPDX-License-Identifier: MIT */
/* Sockets and the clock of a real kernel, for the backends on it.
 *
 * Threading: the loop's thread; weir__io_os_address() and weir__io_os_wake() any thread. None of it blocks.
 * The functions have the types of struct weir__io_backend and stand in its table directly. They don't use io.
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
int weir__io_os_try_accept(struct weir__io_file *file, struct sockaddr *addr, socklen_t *len);
void weir__io_os_stop_listening(struct weir__io *io, struct weir__io_file *file);
int weir__io_os_address(struct weir__io *io, struct weir__io_file *file, bool peer,
                        struct sockaddr_storage *addr, socklen_t *len);
int weir__io_os_shutdown(struct weir__io *io, struct weir__io_file *file);
void weir__io_os_reset_on_close(struct weir__io *io, struct weir__io_file *file);
ssize_t weir__io_os_send_now(struct weir__io *io, struct weir__io_file *file, const void *data, size_t len);
ssize_t weir__io_os_receive_now(struct weir__io *io, struct weir__io_file *file, void *data, size_t len);
int weir__io_os_pipe(int bytes, int fds[2]);
ssize_t weir__io_os_splice(int from_fd, int to_fd, size_t most);
ssize_t weir__io_os_splice_out(int pipe_fd, int socket_fd, size_t most);
ssize_t weir__io_os_send_file(int file_fd, off_t *offset, int socket_fd, size_t most);
int weir__io_os_ask(struct weir__io *io, struct weir__io_file *file, short events);
int weir__io_os_tune(struct weir__io *io, struct weir__io_file *file, const struct weir__io_tuning *tuning);
int weir__io_os_taken(struct weir__io *io, struct weir__io_file *file, uint64_t *taken);

/* Makes the kernel grow the table of descriptors once, to a large size (128 KiB). Each time the table grows
 * in a process of several threads, the call that opens a descriptor waits until all CPUs have seen it: 10 ms
 * and more, for a whole loop.
 */
void weir__io_os_make_room(void);

/* Prepares a descriptor for being attached: checks that it is open, and sets TCP_NODELAY unless it is
 * foreign.
 * Returns: 1: it is TCP and not foreign; 0: it is not; -EBADF.
 */
int weir__io_os_take(int fd, bool foreign);

/* Checks a descriptor of the program before it is attached for good: a byte stream, listening or connected.
 * Makes it non-blocking and close-on-exec.
 * Returns: 0; -EBADF, -ENOTSOCK, -ENOTCONN; -EINVAL: no byte stream, or it listens when it should not, or the
 *          reverse.
 */
int weir__io_os_adopt(int fd, bool listening);

/* Wakes the loop that polls an eventfd. Any thread, and signal handlers: errno stays. */
void weir__io_os_wake(int fd);

/* The time until an instant; *wait is not negative. Under TSan at most WEIR__TSAN_SLEEP_NS.
 * Returns: false: there is no instant (INT64_MAX).
 */
bool weir__io_os_wait(int64_t until_ns, struct timespec *wait);

#endif
