/* SPDX-License-Identifier: MIT */
/* Byte streams over TCP and Unix sockets, and waiting for a descriptor of another library.
 *
 * Threading: a listener or stream belongs to the loop of the task that made it; only tasks of that loop use
 * it. At most one task reads and one writes at a time; a second one gets -WEIR_EBUSY. Any task of the loop
 * may close it, also while others wait in it: they get -WEIR_ECLOSED.
 *
 * Addresses are text: "127.0.0.1:8080", "[::1]:8080", "localhost:8080" (the hosts file),
 * "unix:/run/x.sock".
 *
 * All waits return -WEIR_ECANCELED or -WEIR_EDEADLINE when the scope is cancelled or its deadline passes;
 * this is not repeated at each function.
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
        1, /* several listeners on one port, one for each loop, share its connections (SO_REUSEPORT) */
};

/* Begins to listen. Port 0 takes a free port; weir_listener_address() reports which. A Unix path left
 * behind by a dead listener is taken over; a path with a live listener is -EADDRINUSE. If a name has
 * several addresses, the first IPv4 address that this machine has is used, otherwise the first such IPv6
 * address.
 * Owns:    address is lent. The caller owns *out and closes it.
 * Returns: 0; -EINVAL the address cannot be parsed; -WEIR_EDNS an unknown host; -EADDRINUSE, -EACCES,
 *          -EADDRNOTAVAIL, -EMFILE, -ENFILE, -ENOMEM.
 * Where:   task. Does not wait.
 */
int weir_listen(const char *address, unsigned flags, weir_listener **out) WEIR_CHECKED;

/* Returns the address that it listens on, with the port that the system chose.
 * Owns:    the text is the listener's.
 * Returns: never NULL.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_listener_address(const weir_listener *l);

/* Waits for a connection. Connections that have ended before they could be accepted are skipped.
 * Owns:    the caller owns *out and closes it.
 * Returns: 0; -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM no resources now: wait a little and call again;
 *          -WEIR_ECLOSED; -WEIR_EBUSY another task is accepting.
 * Cancel:  ends the wait; no connection is lost by it.
 * Where:   task of its loop. Waits.
 */
int weir_accept(weir_listener *l, weir_stream **out) WEIR_CHECKED;

/* Stops listening and frees the listener. NULL does nothing.
 * Cancel:  does not shorten the wait, which takes at most one turn of the loop.
 * Where:   task of its loop. Waits.
 */
void weir_listener_close(weir_listener *l);

/* Connects. The addresses of a host are tried in the order and with the delays of RFC 8305 (happy
 * eyeballs), IPv6 first: each attempt begins 250 ms after the previous one, or as soon as that has failed.
 * The first connection that is established is used.
 * Owns:    address is lent. The caller owns *out and closes it.
 * Returns: 0; -EINVAL the address cannot be parsed; -WEIR_EDNS; the error of the last address tried:
 *          -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH, -ENETUNREACH, -ENOENT (Unix), -EMFILE, -ENOMEM …
 * Cancel:  abandons all attempts.
 * Where:   task. Waits.
 */
int weir_connect(const char *address, weir_stream **out) WEIR_CHECKED;

/* Reads the bytes that are available, at least one.
 * Owns:    data is lent, and not touched after the return, whatever the result.
 * Returns: > 0 bytes; 0 the peer has sent its last byte; -ECONNRESET …; -EINVAL bytes is 0; -WEIR_EBUSY;
 *          -WEIR_ECLOSED.
 * Cancel:  ends the wait; no byte is lost: bytes that had arrived are returned, and the cancel shows at the
 *          next wait.
 * Where:   task of its loop. Waits.
 */
ssize_t weir_read(weir_stream *s, void *data, size_t bytes) WEIR_CHECKED;

/* Writes all bytes.
 * Owns:    data is lent, and not touched after the return.
 * Returns: 0; -EPIPE, -ECONNRESET …; -WEIR_EBUSY; -WEIR_ECLOSED. After a failure it is unknown how much was
 *          sent, and the stream can only be closed.
 * Cancel:  ends the wait.
 * Where:   task of its loop. Waits while the peer does not take more.
 */
int weir_write(weir_stream *s, const void *data, size_t bytes) WEIR_CHECKED;

/* Writes several pieces completely, in order. The function modifies the array: do not read it afterwards.
 * Returns: as weir_write(); -EINVAL more than 64 pieces.
 * Cancel:  as weir_write().
 * Where:   task of its loop. Waits while the peer does not take more.
 */
int weir_write_pieces(weir_stream *s, struct iovec *pieces, size_t count) WEIR_CHECKED;

/* Ends sending: the peer reads the end of the stream. Reading continues.
 * Returns: 0; -ENOTCONN, -WEIR_ECLOSED.
 * Where:   task of its loop. Does not wait.
 */
int weir_stream_shutdown(weir_stream *s);

/* Formats the address of the peer; "unix" for a Unix socket.
 * Owns:    text is the caller's, WEIR_ADDRESS_BYTES long.
 * Returns: text.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_stream_peer(const weir_stream *s, char *text);

/* Ends pending reads and writes, closes the stream and frees it. NULL does nothing.
 * Cancel:  does not shorten the wait, which takes at most one turn of the loop.
 * Where:   task of its loop. Waits.
 */
void weir_stream_close(weir_stream *s);

/* Closes a stream with a reset, so that the peer cannot take what it received for the whole. Unix sockets
 * have no reset: there the peer sees an end.
 * Cancel:  does not shorten the wait, which takes at most one turn of the loop.
 * Where:   task of its loop. Waits.
 */
void weir_stream_abort(weir_stream *s);

/* Waits until a descriptor of another library is readable or writable (POLLIN, POLLOUT). The descriptor is
 * never read, written or closed here.
 * Owns:    fd stays the caller's, and open until the function returns.
 * Returns: > 0 the events that occurred, including POLLERR and POLLHUP; -EBADF, -EINVAL, -ENOMEM.
 * Cancel:  ends the wait.
 * Where:   task. Waits.
 */
int weir_wait_fd(int fd, short events) WEIR_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
