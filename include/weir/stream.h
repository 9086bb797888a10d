/* SPDX-License-Identifier: MIT */
/* Byte streams over TCP and Unix sockets, and waiting for a descriptor that is not Weir's.
 *
 * Threading: a listener or stream belongs to the loop of the task that made it; the tasks of that loop alone
 * use it. At most one task reads and one writes at a time; a second gets -WEIR_EBUSY. Any task of the loop
 * may close it, also while others wait in it: they get -WEIR_ECLOSED.
 *
 * Addresses are text: "127.0.0.1:8080", "[::1]:8080", "localhost:8080" (the hosts file), "unix:/run/x.sock".
 *
 * All waits return -WEIR_ECANCELED or -WEIR_EDEADLINE when the scope says so; that is not repeated at each
 * function.
 */
#ifndef WEIR_STREAM_H
#define WEIR_STREAM_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_listener weir_listener;
typedef struct weir_stream weir_stream;

enum { WEIR_ADDRESS_BYTES = 128 }; /* room for any address as text, with its NUL */

enum weir_listen_flags {
    WEIR_REUSE_PORT =
        1, /* several listeners on one port share what comes in: one for each loop (SO_REUSEPORT) */
};

/* Begins to listen. Port 0 takes a free one; weir_listener_address() tells which. A Unix path that a dead
 * listener left behind is taken over; a live one is -EADDRINUSE. Of a name's addresses the first IPv4 one is
 * taken that this machine has, else the first IPv6 one.
 * Owns:    address is lent. The caller owns *out and closes it.
 * Returns: 0; -EINVAL the address can't be understood; -WEIR_EDNS an unknown host; -EADDRINUSE, -EACCES,
 *          -EADDRNOTAVAIL, -EMFILE, -ENFILE, -ENOMEM.
 * Where:   task. Does not wait.
 */
int weir_listen(const char *address, unsigned flags, weir_listener **out) WEIR_CHECKED;

/* The address it listens on, with the port the system chose.
 * Owns:    the text is the listener's.
 * Returns: never NULL.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_listener_address(const weir_listener *l);

/* Waits for a connection.
 * Owns:    the caller owns *out and closes it.
 * Returns: 0; -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM no more now: wait a little and call again; -WEIR_ECLOSED;
 *          -WEIR_EBUSY another task accepts. Connections that were gone before are passed over.
 * Cancel:  ends the wait; no connection is lost by it.
 * Where:   task of its loop. Waits.
 */
int weir_accept(weir_listener *l, weir_stream **out) WEIR_CHECKED;

/* Stops listening and frees it. NULL is nothing.
 * Cancel:  does not cut it short; it takes at most a turn of the loop.
 * Where:   task of its loop. Waits.
 */
void weir_listener_close(weir_listener *l);

/* Connects. A host with several addresses is tried in the order and with the delays of RFC 8305 (happy
 * eyeballs), IPv6 first: the next begins 250 ms after the last, or as soon as that failed; the first to stand
 * wins.
 * Owns:    address is lent. The caller owns *out and closes it.
 * Returns: 0; -EINVAL the address can't be understood; -WEIR_EDNS; the error of the last address tried:
 *          -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH, -ENETUNREACH, -ENOENT (Unix), -EMFILE, -ENOMEM …
 * Cancel:  abandons all attempts.
 * Where:   task. Waits.
 */
int weir_connect(const char *address, weir_stream **out) WEIR_CHECKED;

/* Reads what is there, at least one byte.
 * Owns:    data is lent, and not touched after the return, whatever it is.
 * Returns: > 0 bytes; 0 the peer has sent its last; -ECONNRESET …; -EINVAL no room was given; -WEIR_EBUSY;
 *          -WEIR_ECLOSED.
 * Cancel:  ends the wait; no byte is lost: what had come is returned and the cancel shows at the next wait.
 * Where:   task of its loop. Waits.
 */
ssize_t weir_read(weir_stream *s, void *data, size_t bytes) WEIR_CHECKED;

/* Writes all of it.
 * Owns:    data is lent, and not touched after the return.
 * Returns: 0; -EPIPE, -ECONNRESET …; -WEIR_EBUSY; -WEIR_ECLOSED. After any failure it is unknown how much
 *          went out, and the stream is fit only to be closed.
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the peer does not take more.
 */
int weir_write(weir_stream *s, const void *data, size_t bytes) WEIR_CHECKED;

/* Writes all of several pieces, in order. The array itself is used up: do not read it afterwards.
 * Returns: as weir_write(); -EINVAL more than 64 pieces.
 * Cancel:  as weir_write().
 * Where:   task of its loop. Waits while the peer does not take more.
 */
int weir_write_pieces(weir_stream *s, struct iovec *pieces, size_t count) WEIR_CHECKED;

/* Says that no more is written; reading goes on.
 * Returns: 0; -ENOTCONN, -WEIR_ECLOSED.
 * Where:   task of its loop. Does not wait.
 */
int weir_stream_shutdown(weir_stream *s);

/* The address of the peer; "unix" for a Unix socket.
 * Owns:    text is the caller's, WEIR_ADDRESS_BYTES long.
 * Returns: text.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_stream_peer(const weir_stream *s, char *text);

/* Ends what is pending on it, closes it and frees it. NULL is nothing.
 * Cancel:  does not cut it short; it takes at most a turn of the loop.
 * Where:   task of its loop. Waits.
 */
void weir_stream_close(weir_stream *s);

/* As weir_stream_close(), but the peer sees a reset and can't take what it got for the whole. Unix
 * sockets know no reset: there the peer sees an end.
 * Cancel:  does not cut it short; it takes at most a turn of the loop.
 * Where:   task of its loop. Waits.
 */
void weir_stream_abort(weir_stream *s);

/* Waits until a descriptor of another library can be read or written (POLLIN, POLLOUT). It is never read,
 * written or closed here.
 * Owns:    fd stays the caller's, open until this returns.
 * Returns: > 0 the events that are there, POLLERR and POLLHUP too; -EBADF, -EINVAL, -ENOMEM.
 * Cancel:  ends the wait.
 * Where:   task. Waits.
 */
int weir_wait_fd(int fd, short events) WEIR_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
