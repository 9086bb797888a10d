/* SPDX-License-Identifier: MIT */
/* Byte streams over TCP and Unix sockets: listening, accepting, connecting, reading, writing, pumping.
 *
 * Threading: a listener or stream belongs to the loop of the task that made it, and only tasks of that loop
 * may use it. At most one task reads and one writes at a time; a second one gets -WEIR_EBUSY. Any task of the
 * loop may close it, also while others wait in it: their waits return -WEIR_ECLOSED.
 *
 * Mistakes end the program with a message that names the task and the remedy: use from another loop or
 * thread, use after the close, a second close. A closed listener or stream is recognised for the next 64
 * closes on its loop; its memory is freed after that. What is still open when weir_run() returns is closed
 * and reported in one line of the log, with the places that opened it.
 *
 * Addresses are text: "127.0.0.1:8080", "[::1]:8080", "orders.internal:8080", "unix:/run/x.sock". How a name
 * becomes addresses is said in <weir/resolver.h>.
 *
 * All waits return -WEIR_ECANCELED or -WEIR_EDEADLINE when the scope is cancelled or its deadline passes;
 * this is not repeated at each function.
 */
#ifndef WEIR_STREAM_H
#define WEIR_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <weir/error.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_listener weir_listener;
typedef struct weir_stream weir_stream;
struct weir_tls;

enum { WEIR_ADDRESS_BYTES = 128 }; /* room for any address as text, with its NUL */

/* Options of a stream. A zero field means its default, given in brackets. */
typedef struct weir_stream_options {
    weir_duration idle_timeout; /* a read or write without a byte of progress fails with -WEIR_EIDLE after
                                   this time, and before twice this time [no limit] */
    weir_duration keepalive; /* TCP: after this time without a byte from the peer the kernel begins to probe
                                the peer; if that does not answer, waits fail with -ETIMEDOUT before twice
                                this time. Whole seconds, rounded up [no probes] */
    size_t send_buffer_bytes, receive_buffer_bytes; /* buffers of the kernel [it chooses, and adapts them] */
    bool delay; /* TCP: small writes wait for an acknowledgement (Nagle's algorithm) [TCP_NODELAY is set, and
                   they are sent at once] */
    unsigned char reserved[32]; /* for later versions; zero */
} weir_stream_options;

/* Options of a listener: an address or an inherited descriptor, and more. A zero field means its default,
 * given in brackets. */
typedef struct weir_listener_options {
    const char *address;        /* lent until the function returns; required, unless there is a descriptor */
    int fd;                     /* a listening socket, from systemd or a parent process; 0: none. Closing the
                                   listener closes it. Its backlog and address stay as they are */
    int backlog;                /* connections that wait to be accepted [4096]; the kernel's limit is
                                   net.core.somaxconn */
    bool reuse_port;            /* several listeners on one port share its connections (SO_REUSEPORT); ignored
                                   for Unix sockets. The loops of a server don't need it */
    weir_stream_options stream; /* of the accepted streams; an HTTP server has an idle timeout of its own and
                                   uses the rest */
    struct weir_tls *tls; /* accepted streams speak TLS, by this context for the server's side, which the
                             listener holds: see <weir/tls.h> [they don't] */
    bool proxy_protocol;  /* each connection begins with a header of the PROXY protocol, version 1 or 2, that
                             tells the address of the client: weir_stream_peer() returns that. A connection
                             without a valid header can only be closed: its reads and writes fail with
                             -WEIR_EPROTOCOL. Only behind a proxy that sends it: anybody else could name any
                             address */
    bool fd_shared;       /* other processes accept connections from fd as well, or will: closing the listener
                             closes the descriptor and leaves the queue as it is, with the connections in it.
                             A server takes as many as it has room for; when it begins to drain, those that
                             are there, and then no more */
    unsigned char reserved[15]; /* for later versions; zero */
} weir_listener_options;

/* Begins to listen. Port 0 takes a free port; weir_listener_address() reports which. A Unix path left
 * behind by a dead listener is taken over; a path with a live listener is -EADDRINUSE. A name is looked up in
 * the hosts file alone, not in DNS. The call reads that file by itself, and holds the loop meanwhile: a
 * program listens as it starts, and an address as a number needs no file. If the name has several addresses,
 * the first IPv4 address that this machine has is used, otherwise the first such IPv6 address.
 * Owns:    options are lent. On success the listener owns options->fd; on failure that stays the caller's.
 *          The caller owns *out and closes it.
 * Returns: 0; -EINVAL the address cannot be parsed, both or neither of address and fd are given, fd does not
 *          listen, or an option is out of range; -WEIR_EDNS an unknown host; -EBADF, -ENOTSOCK; -ENOTSUP a
 *          descriptor under simulation; -EADDRINUSE, -EACCES, -EADDRNOTAVAIL, -EMFILE, -ENFILE, -ENOMEM.
 * Where:   task. Does not wait.
 */
int weir_listener_open(const weir_listener_options *options, weir_listener **out) WEIR_CHECKED;

/* Begins to listen on an address, with the default options: weir_listener_open() in short.
 * Owns:    address is lent. The caller owns *out and closes it.
 * Returns: as weir_listener_open().
 * Where:   task. Does not wait.
 */
int weir_listen(const char *address, weir_listener **out) WEIR_CHECKED;

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

/* Stops listening and frees the listener. NULL does nothing. A task that waits in weir_accept() gets
 * -WEIR_ECLOSED.
 * Cancel:  does not shorten the wait, which takes at most one turn of the loop.
 * Where:   task of its loop. Waits.
 */
void weir_listener_close(weir_listener *l);

/* Connects. The addresses of a host are tried in the order and with the delays of RFC 8305 (happy
 * eyeballs), IPv6 first, or IPv4 when its addresses are known 50 ms before: each attempt begins 250 ms after
 * the previous one, or as soon as that has failed. The first connection that is established is used.
 * Owns:    address is lent. The caller owns *out and closes it.
 * Returns: 0; -EINVAL the address cannot be parsed; -WEIR_EDNS: weir_resolve() of the host says why;
 * -WEIR_EBUSY too many look-ups; -EAGAIN no thread, or a Unix socket whose queue has been full for five
 * seconds; the error of the last address tried: -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH, -ENETUNREACH,
 * -ENOENT (Unix), -EMFILE, -ENOMEM …
 * Cancel:  abandons all attempts.
 * Where:   task. Waits.
 */
int weir_connect(const char *address, weir_stream **out) WEIR_CHECKED;

/* Makes a stream of a connected socket: one that was inherited, or half of a socketpair(). It becomes
 * non-blocking, for all processes that share it.
 * Owns:    on success the stream owns fd and closes it; on failure fd stays the caller's. The caller owns
 *          *out and closes it.
 * Returns: 0; -EBADF, -ENOTSOCK; -EINVAL no byte stream, or a listening socket; -ENOTCONN; -EEXIST fd belongs
 *          to a stream of this loop already; -ENOTSUP under simulation; -ENOMEM.
 * Where:   task. Does not wait.
 */
int weir_stream_of_fd(int fd, weir_stream **out) WEIR_CHECKED;

/* Changes options of a stream. A zero field changes nothing; a negative duration removes its limit.
 * Owns:    options are lent.
 * Returns: 0; -EINVAL an option is out of range; or as setsockopt(2).
 * Where:   task of its loop. Does not wait.
 */
int weir_stream_set_options(weir_stream *s, const weir_stream_options *options);

/* Reads the bytes that are available, at least one.
 * Owns:    data is lent, and not touched after the return, whatever the result.
 * Returns: > 0 bytes; 0 the peer has sent its last byte; -ECONNRESET …; -EINVAL bytes is 0; -WEIR_EBUSY;
 *          -WEIR_EIDLE nothing came for the idle timeout, and the stream can be read again; -WEIR_ECLOSED.
 * Cancel:  ends the wait; no byte is lost: bytes that had arrived are returned, and the cancel shows at the
 *          next wait.
 * Where:   task of its loop. Waits.
 */
ssize_t weir_read(weir_stream *s, void *data, size_t bytes) WEIR_CHECKED;

/* Writes all bytes.
 * Owns:    data is lent, and not touched after the return.
 * Returns: 0; -EPIPE, -ECONNRESET …; -WEIR_EBUSY another task is writing, and nothing was sent; -WEIR_EIDLE
 *          the peer took nothing for the idle timeout; -WEIR_ECLOSED. After a failure that has, or may
 *          have, sent a part, every later write returns -WEIR_ECLOSED, because the peer would misread
 *          its bytes. Reading still works.
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

/* Pumps bytes from one stream to another: until the source ends, or bytes_max bytes have been pumped (0: no
 * maximum). Between sockets the kernel moves them (splice), so that they are not copied through the program,
 * unless it has no pipe left for it.
 * The end is not passed on: call weir_stream_shutdown(to) for that. For both directions of a connection, two
 * tasks pump. Each read and write is under the idle timeout of its stream.
 * Owns:    both streams are lent; meanwhile no other task reads from `from` or writes to `to`. *bytes, if
 * bytes is not NULL, gets what `to` has taken, also after a failure; other tasks of the loop may read it
 * meanwhile, to see whether the pump moves.
 * Returns: 0; the errors of weir_read() and weir_write(): then bytes may have been taken from `from` that
 * `to` has not got, and writing to `to` may return -WEIR_ECLOSED; -ENOMEM.
 * Cancel:  ends the wait. While it waits for the source no byte is lost.
 * Where:   task of the loop of both. Waits.
 */
int weir_pump(weir_stream *from, weir_stream *to, uint64_t bytes_max, uint64_t *bytes);

/* Ends sending: the peer reads the end of the stream. Reading continues.
 * Returns: 0; -ENOTCONN, -WEIR_ECLOSED.
 * Where:   task of its loop. Does not wait.
 */
int weir_stream_shutdown(weir_stream *s);

/* Formats the address of the peer; "unix" for a Unix socket. Of a connection with a header of the PROXY
 * protocol it is the client's once something has been read or written, before that the proxy's.
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

#ifdef __cplusplus
}
#endif
#endif
