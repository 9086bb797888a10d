/* SPDX-License-Identifier: MIT */
/* A transport: what carries the bytes of a stream, or queues incoming connections for a listener.
 *
 * Sockets (socket.h) are the transport of TCP and Unix connections. A transport may also stand on another one
 * (TLS), or on none at all (connections within the process, for tests).
 *
 * Threading: a transport belongs to one loop. Every function is for the thread of that loop; they never wait.
 *
 * Operations complete, as in io/io.h. The caller fills type, done and the operands of a struct weir__io_op
 * and submits it; the field `file` and all below it are the transport's. Kinds:
 *
 *     WEIR__IO_CONNECT                    on a transport that is not connected yet
 *     WEIR__IO_RECV, WEIR__IO_RECV_LENT   on a connection; RECV_LENT takes a buffer when bytes are there
 *     WEIR__IO_SEND                       on a connection; may send fewer bytes than it was given
 *     WEIR__IO_POLL with events 0         on a connection: both directions are over, or it broke
 *     WEIR__IO_POLL with POLLRDHUP        on a connection: the peer has sent its last, or it broke
 *     WEIR__IO_ACCEPT                     on a queue; the result is a descriptor, not yet attached
 *
 * At most one operation that receives (accept, recv) and one that sends (connect, send) are pending at a
 * time.
 *
 * A transport that stands on another owns the lower one. It receives and sends on it with operations of its
 * own, as it needs to: a pending RECV may have it send, and a SEND may have it receive. A handshake is part
 * of the first operations: these are pending until it is over, or fail with its error.
 */
#ifndef WEIR__TRANSPORT_H
#define WEIR__TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <weir/error.h>

#include "io/io.h"

/* The first member of every transport. */
struct weir__transport {
    const struct weir__transport_type *type;
};

/* What a queue of incoming connections can do beside WEIR__IO_ACCEPT. */
struct weir__queue_type {
    /* Takes a connection that has come in already, whether an accept is pending or not.
     * Returns: its descriptor, not yet attached; -EAGAIN none is there; or as accept(2). */
    int (*accept_now)(struct weir__transport *t);

    /* From now on no connection comes in, here and for all that share the queue; those that are in it are
     * lost. Accepting fails with -EINVAL. */
    void (*stop)(struct weir__transport *t);

    /* A descriptor of the same queue, for another loop to attach. From any thread.
     * Returns: it, the caller's; -EMFILE; -EOPNOTSUPP the queue can't be shared. */
    int (*share)(const struct weir__transport *t);
};

/* What a transport can do. All functions are required, but for receive_now(). */
struct weir__transport_type {
    /* Where in its structure the pointer to the transport below lies; 0: it stands on none. While nothing is
     * pending there the pointer may be replaced: see weir__stream_publish(). */
    size_t lower_at;

    /* Starts an operation. Never fails otherwise: a refusal is its result.
     * Owns:    op and its buffers are the transport's until it has ended.
     * Returns: true: it has ended already, op->result is set and done() will not be called. On a transport
     * that is being closed the result is -ECANCELED. */
    bool (*submit)(struct weir__transport *t, struct weir__io_op *op);

    /* Asks a pending operation to end. done() comes from a later turn, never from here: with -ECANCELED, or
     * with the result if the operation had won. Harmless when the operation has ended. */
    void (*cancel)(struct weir__transport *t, struct weir__io_op *op);

    /* Takes back the buffer of a RECV_LENT: the pointer it came as. Also while the transport is being closed.
     */
    void (*give_back)(struct weir__transport *t, char *data);

    /* Sends as much as can be sent at once; no SEND may be pending.
     * Returns: the number of bytes; -EAGAIN none; -EPIPE, -ECONNRESET … */
    ssize_t (*send_now)(struct weir__transport *t, const void *data, size_t bytes);

    /* Receives what is there; no RECV may be pending. NULL: it can't.
     * Returns: the number of bytes; 0 the end; -EAGAIN none; -ECONNRESET … */
    ssize_t (*receive_now)(struct weir__transport *t, void *data, size_t bytes);

    /* Sends the end of our direction; receiving goes on. No SEND may be pending.
     * Returns: 0; -ENOTCONN; -EBADF when nothing is attached. */
    int (*shutdown)(struct weir__transport *t);

    /* From now on closing resets the connection, where the transport knows resets. */
    void (*reset_on_close)(struct weir__transport *t);

    /* Cancels what is pending, calls the done() of all of it, closes, then calls op->done(). Of op the caller
     * fills done alone. Called once; afterwards lent buffers are still given back.
     * Returns: true: closed at once; op->done() will not be called. */
    bool (*close)(struct weir__transport *t, struct weir__io_op *op);

    /* Frees the memory of a transport that has been closed, or that never was connected. All lent buffers are
     * back by then. Nothing is done where the transport lies in the memory of its owner. */
    void (*free)(struct weir__transport *t);

    /* Ends the transport, memory included, and returns its descriptor, open, for another loop to attach.
     * Nothing may be pending.
     * Returns: the descriptor; -EBUSY; -EBADF; -EOPNOTSUPP the transport can't be moved. */
    int (*release)(struct weir__transport *t);

    /* Whether acknowledged() counts bytes. */
    bool (*counts_acknowledged)(const struct weir__transport *t);

    /* What the peer has acknowledged of all that was sent: a number of bytes, which only grows. A transport
     * that does not count gives a number that changes when the peer takes something.
     * Returns: 0; a negative errno when it is unknown: *bytes is 0. */
    int (*acknowledged)(struct weir__transport *t, uint64_t *bytes);

    /* Sets options of the kernel's socket, where there is one. Returns: 0, or as setsockopt(2). */
    int (*tune)(struct weir__transport *t, const struct weir__io_tuning *tuning);

    /* The address it is bound to (peer false) or connected to (peer true).
     * Returns: 0, or as getpeername(2). */
    int (*address)(struct weir__transport *t, bool peer, struct sockaddr_storage *addr, socklen_t *len);

    /* The protocol that was negotiated in a handshake (ALPN, RFC 7301), NUL-terminated. "": none. */
    const char *(*alpn)(const struct weir__transport *t);

    /* Whether there are bytes to be read, or an end, that no operation has reported yet. Bytes of a layer's
     * own count, too. */
    bool (*has_input)(struct weir__transport *t);

    const struct weir__queue_type *queue; /* NULL: it is never a queue */
};

/* The pointer of a transport to the one below. NULL: it stands on none. */
static inline struct weir__transport **weir__transport_lower(struct weir__transport *t)
{
    return t->type->lower_at == 0 ? NULL : (struct weir__transport **)(void *)((char *)t + t->type->lower_at);
}

#endif
