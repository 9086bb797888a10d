/* SPDX-License-Identifier: MIT */
/* The inside of a stream, and what protocols need beside <weir/stream.h>: waiting and sending without a task,
 * reads into lent buffers, a record of the protocol's own in the same allocation.
 *
 * Threading: as <weir/stream.h>: the loop's thread alone. Callbacks run on the loop's own stack, not in a
 * task: they must not wait. They may spawn tasks, await, send and close detached.
 *
 *     stream.c           making, closing, what is known of the connection
 *     stream_io.c        reads and writes of tasks
 *     stream_detached.c  waiting, sending and closing without a task
 *     stream_watch.c     watching for the peer's end: see stream_watch.h
 *     public_stream.c    the functions of <weir/stream.h>, which are for streams that programs opened
 *                        (stream_record.h); protocols call those of this header
 */
#ifndef WEIR__STREAM_H
#define WEIR__STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/stream.h>

#include "net/socket.h"
#include "net/stream_record.h"
#include "net/transport_wait.h"

struct weir__look;
struct weir__loop;

enum { WEIR__STREAM_LENT_BYTES_MAX = WEIR__IO_BUFFERS_BYTES }; /* of one lent buffer */

struct weir_stream {
    struct weir__transport *transport; /* what carries the bytes: the socket, or one that stands on it */
    struct weir__socket socket;
    struct weir__io_op op; /* of await, and of a detached close */
    union {
        void (*ready)(weir_stream *s, char *data, int32_t result); /* while awaiting */
        struct weir__transport_wait *reader;                       /* while a task reads */
        void (*closed)(weir_stream *s);                            /* while closing; NULL: nothing to call */
    };
    uint16_t
        users; /* tasks inside a function of the stream, lent buffers, and the close: the last frees it */
    uint8_t watches; /* under way: see stream_watch.h */
    bool reading;
    bool writing;
    bool awaiting;
    bool closing : 1;
    bool close_after_await : 1; /* a detached close waits for op to come back */
    bool broken : 1;            /* a write of a task failed: nothing may be written after it */
    bool is_public : 1;         /* it begins its record with a struct weir__public_stream */
    _Alignas(16) char extra[];
};

_Static_assert(sizeof(struct weir_stream) <= 160, "an idle connection holds one of these");

/* --- making, and a record behind it --- */

/* Makes a stream that is not connected, with extra_bytes, zeroed, behind it. Closing frees it. NULL: no
 * memory. */
weir_stream *weir__stream_new(size_t extra_bytes) __attribute__((warn_unused_result));

/* The protocol's own record. It lives as long as the stream. */
static inline void *weir__stream_extra(weir_stream *s)
{
    return s->extra;
}

static inline weir_stream *weir__stream_of_extra(void *extra)
{
    return (weir_stream *)(void *)((char *)extra - offsetof(struct weir_stream, extra));
}

/* The record of a stream that a program opened. */
static inline struct weir__public_stream *weir__public_stream(const weir_stream *s)
{
    return (struct weir__public_stream *)(uintptr_t)s->extra;
}

/* Makes a stream of a connected descriptor: of an accept, or released by another loop.
 * Owns:    fd in any case; on failure it is closed.
 * Returns: 0; -ENOMEM or as weir__io_attach(). */
int weir__stream_adopt(int fd, size_t extra_bytes, weir_stream **out) WEIR_CHECKED;

/* Frees the stream and returns its descriptor, open, to be adopted by another loop. Nothing may be pending:
 * an await must have been ended by weir__stream_await_cancel(). Negative: as release() of net/transport.h. */
int weir__stream_release(weir_stream *s);

/* As weir_connect(), with room for a record. Waits. */
int weir__connect(const char *address, size_t extra_bytes, weir_stream **out) WEIR_CHECKED;

/* Makes a stream of the program's (weir_stream *) from a stream of a protocol: for an upgrade. Nothing may be
 * pending on it, as for weir__stream_release(). ahead: bytes that the protocol has read already; the first
 * reads return them, and they are copied.
 * Owns:    on success s and its record are freed, and the caller owns *out; on failure s stays as it is, or
 * is broken.
 * Returns: 0; -ENOMEM; -EBUSY an operation is pending. */
int weir__stream_publish(weir_stream *s, const void *ahead, size_t bytes, weir_stream **out) WEIR_CHECKED;

/* Puts bytes before the next ones of a stream that a program opened: the next weir_read() returns them. They
 * are copied; there must be none already. Returns: 0; -ENOMEM. */
int weir__stream_unread(weir_stream *s, const void *data, size_t bytes) WEIR_CHECKED;

/* --- an idle stream: no task, no buffer --- */

/* Waits without a task for the peer's next bytes. ready is called once, from a later turn: with a lent buffer
 * and the number of bytes in it (> 0), to be given back by weir__stream_return(); or with data NULL and 0 at
 * the peer's end or a negative errno. No task may be reading. A stream that is closed meanwhile does not call
 * ready.
 * Returns: true: the await has ended at once, data and result are set, and ready will not be called. */
bool weir__stream_await(weir_stream *s, void (*ready)(weir_stream *s, char *data, int32_t result),
                        char **data, int32_t *result) __attribute__((warn_unused_result));

/* Asks an await to end. ready still comes from a later turn, with data NULL and -ECANCELED, or with the bytes
 * if they had won. Harmless when the stream does not await. */
void weir__stream_await_cancel(weir_stream *s);

/* Waits in the same way, after the peer's last byte, until the peer is gone altogether: it has closed its
 * other direction, too, or the connection broke. ready is called with data NULL and a result without a
 * meaning. A peer that has closed both directions is not told apart from one that only sends no more, until
 * something is sent to it. */
bool weir__stream_await_end(weir_stream *s, void (*ready)(weir_stream *s, char *data, int32_t result))
    __attribute__((warn_unused_result));

/* Ends the read of a task: the task gets -WEIR_ECLOSED, or its bytes if they had won. The stream stays open.
 * Harmless when no task reads. */
void weir__stream_stop_reading(weir_stream *s);

/* Gives a lent buffer back. Until then the stream stays in memory, also when it is closed meanwhile. NULL is
 * nothing. */
void weir__stream_return(weir_stream *s, char *data);

/* Closes without a task: ends what is pending, closes the transport, calls closed(s) unless it is NULL, then
 * frees s and its record. closed may be called from inside this call. Tasks in the stream get -WEIR_ECLOSED.
 */
void weir__stream_close_detached(weir_stream *s, void (*closed)(weir_stream *s));

/* As weir__stream_close_detached(), with a reset instead of an orderly end. */
void weir__stream_abort_detached(weir_stream *s, void (*closed)(weir_stream *s));

/* --- sending without a task --- */

/* One send. The caller fills data, bytes and sent, and keeps it and the data until sent() is called. */
struct weir__stream_send {
    const void *data;
    size_t bytes;
    /* 0: all has been sent; -ECANCELED: the stream was closed; another negative errno: the connection broke.
     * s may be closed from inside. */
    void (*sent)(struct weir__stream_send *send, weir_stream *s, int result);
    weir_stream *stream; /* this and the rest are the stream's own */
    struct weir__io_op op;
    struct msghdr msg;
    struct iovec piece;
};

/* Sends without a task. No task may be writing. sent() may be called from inside this call. */
void weir__stream_send_detached(weir_stream *s, struct weir__stream_send *send);

/* Sends what can be sent at once; nothing else may be sending.
 * Returns: the number of bytes; -EAGAIN none; -EPIPE, -ECONNRESET … */
ssize_t weir__stream_send_now(weir_stream *s, const void *data, size_t bytes);

/* --- what is known of the connection --- */

/* As weir_stream_peer(). */
const char *weir__stream_peer(const weir_stream *s, char *text);

/* Reports whether a stream that nobody reads has bytes to be read, or has ended, as the kernel sees it now:
 * its loop may not have learnt of it yet. With TLS also what is no byte of the stream, such as a session. */
bool weir__stream_has_input(const weir_stream *s);

/* The address of the peer. Returns: 0, or as getpeername(2). */
int weir__stream_peer_address(const weir_stream *s, struct sockaddr_storage *addr,
                              socklen_t *len) WEIR_CHECKED;

/* Formats the address that a stream is bound to, into text[WEIR_ADDRESS_BYTES]; "unix", "?" as
 * weir_stream_peer().
 * Returns: text. */
const char *weir__stream_local(weir_stream *s, char *text);

/* For the describe() of a wait: the address of a stream's peer as text. */
bool weir__stream_peer_seen(const struct weir__look *look, struct weir__loop *loop, weir_stream *s,
                            char text[static WEIR_ADDRESS_BYTES]);

/* Whether weir__stream_acknowledged() counts bytes, also of a write that is not over. */
bool weir__stream_counts_acknowledged(const weir_stream *s);

/* What the peer has acknowledged of all that was sent: a number of bytes, which only grows; or, when bytes
 * aren't counted, a number that changes as the peer takes something. 0 when it is unknown. */
uint64_t weir__stream_acknowledged(weir_stream *s);

/* --- keeping it in memory --- */

/* Keeps a stream in memory until weir__stream_leave(), also when it is closed meanwhile. */
static inline void weir__stream_enter(weir_stream *s)
{
    s->users++;
}

/* Frees a closed stream. */
void weir__stream_free(weir_stream *s);

/* The last to leave a closed stream frees it. */
static inline void weir__stream_leave(weir_stream *s)
{
    if (--s->users == 0 && s->closing)
        weir__stream_free(s);
}

/* --- from a task --- */

/* As weir_read(), weir_write(), weir_stream_shutdown() … */
ssize_t weir__stream_read(weir_stream *s, void *data, size_t bytes) WEIR_CHECKED;
int weir__stream_write(weir_stream *s, const void *data, size_t bytes) WEIR_CHECKED;
int weir__stream_shutdown(weir_stream *s);
void weir__stream_close(weir_stream *s);
void weir__stream_abort(weir_stream *s);

/* As weir_write_pieces(). */
int weir__stream_write_whole(weir_stream *s, struct iovec *pieces, size_t count) WEIR_CHECKED;

/* Receives by an operation whose type and operands the caller has filled in: RECV or RECV_LENT. Waits. */
ssize_t weir__stream_receive(weir_stream *s, struct weir__transport_wait *w) WEIR_CHECKED;

/* A write that can be stopped from outside; all zero before its first use. */
struct weir__stream_write {
    struct weir__transport_wait wait;
};

/* As weir_write_pieces(). A write that was stopped returns -WEIR_ECLOSED, unless all was written; then it is
 * unknown how much went out. */
int weir__stream_write_pieces(weir_stream *s, struct iovec *pieces, size_t count,
                              struct weir__stream_write *write) WEIR_CHECKED;

/* Has a write return soon, and every further one with this structure. May be called before it begins. */
static inline void weir__stream_write_stop(struct weir__stream_write *write)
{
    weir__transport_wait_stop(&write->wait);
}

static inline bool weir__stream_write_is_stopped(const struct weir__stream_write *write)
{
    return write->wait.stopped;
}

/* As weir_read(), but into a lent buffer, which is taken at the moment bytes are there: *data, to be given
 * back by weir__stream_return(); NULL when the result is <= 0. At most WEIR__STREAM_LENT_BYTES_MAX. Waits. */
ssize_t weir__stream_read_lent(weir_stream *s, char **data) WEIR_CHECKED;

#endif
