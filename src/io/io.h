/* SPDX-License-Identifier: MIT */
/* The kernel seam: every request of a loop to the kernel goes through here.
 *
 * Threading: a weir__io belongs to the thread that opened it. All functions are for that thread alone, except
 * weir__io_wake() and weir__io_address_outside(), which any thread may call.
 *
 * Operations complete. The caller fills a weir__io_op and submits it. Its done() is called from a later
 * weir__io_turn(), exactly once, when the kernel has let go of every buffer in it. There are two exceptions:
 *   - submit may return true: the operation has ended already, result is set, done() will not be called;
 *   - cancel only asks: done() still comes, with -ECANCELED, or with the result if the operation had
 * succeeded. done() may call every function except weir__io_turn() and weir__io_free(). The op is the
 * caller's again, to submit once more or to free.
 *
 * Three rules, settled by experiment on all backends (tests/io):
 *   1. cancel while the kernel holds a buffer: the buffer is the kernel's until done();
 *   2. close with operations pending: weir__io_close_file() cancels them, waits for their done(), and only
 * then closes the descriptor, so a reused number never receives another's completion (epoll also tags slots
 *      with a generation);
 *   3. a receive may borrow: RECV_LENT takes a buffer of the loop at the moment bytes are there, so an idle
 *      connection holds none. The receiver hands it back with weir__io_return().
 *
 * On a file one receiving operation (accept, recv) and one sending operation (connect, send) may be pending
 * at a time, and any number of polls: two receivers of one stream would race for its bytes.
 *
 * Files: choice.c opens a backend, io.c is what all backends share; uring.c, epoll.c and sim/ are the
 * backends. All of them pass the same tests.
 */
#ifndef WEIR__IO_H
#define WEIR__IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/list.h"

struct weir__io;
struct weir__io_op;
struct weir__heartbeat;

enum weir__io_backend_type { WEIR__IO_AUTO, WEIR__IO_URING, WEIR__IO_EPOLL, WEIR__IO_SIM };

enum {
    WEIR__IO_BUFFERS_BYTES = 8192, /* size of one lent buffer */
    WEIR__IO_BUFFERS_COUNT = 256, /* the most that are lent; a further RECV_LENT waits until one comes back */
    WEIR__IO_PIPE_BYTES = 1 << 20,      /* the size of a pipe, where it is granted */
    WEIR__IO_PIPE_BYTES_MIN = 64 << 10, /* one of less is not used */
    WEIR__IO_PIPES_MAX = 64,            /* are lent at a time: each has two descriptors */
    WEIR__IO_PIPES_KEPT = 8,
    WEIR__IO_BATCH_MAX = 256,
};

/* A descriptor that is attached to the loop. Embedded in its owner; its address must not change while it is
 * attached. All zero before its first attach. */
struct weir__io_file {
    int fd;              /* -1: not attached any more. Under sim a number without a descriptor */
    uint32_t generation; /* grows by one with each attach */
    uint32_t slot;       /* for the backend */
    uint8_t ready;       /* for the backend: readiness that was seen and not used up */
    bool foreign;        /* the descriptor belongs to others: polled, never read, written or closed */
    bool closing;
    bool tcp;              /* a TCP socket, and not foreign */
    uint32_t undone;       /* operations whose done() has not been called: pending and finished ones */
    struct weir__list ops; /* pending operations */
    struct weir__io_op *closer;
};

enum weir__io_op_type {
    WEIR__IO_ACCEPT,  /* result: a new descriptor, non-blocking, close-on-exec. addr: its address; may be NULL
                       */
    WEIR__IO_CONNECT, /* addr, addr_len; result 0 */
    WEIR__IO_RECV,    /* data, len; result bytes, 0 at the end */
    WEIR__IO_RECV_LENT, /* result bytes, data: the lent buffer. 0 at the end, or < 0: data NULL, none is lent
                         */
    WEIR__IO_SEND,      /* msg->msg_iov, msg_iovlen; result bytes, may be fewer than all */
    WEIR__IO_POLL,  /* events = POLLIN | POLLOUT | POLLRDHUP; result the present ones (also POLLERR, POLLHUP).
                       events 0: ends when both directions have ended, or the connection is broken */
    WEIR__IO_CLOSE, /* set by weir__io_close_file() */
};

/* One operation; all zero before its first use. The caller fills type, done, file and the arguments. It must
 * not touch the operation, or what it points to, until the operation has ended. */
struct weir__io_op {
    struct weir__list node;  /* in file->ops while pending, then in the list of finished ones */
    struct weir__list queue; /* for the backend */
    void (*done)(struct weir__io_op *op);
    struct weir__io_file *file;
    int32_t result;
    uint8_t type;
    uint8_t state; /* for io.c */
    uint8_t flags; /* for the backend */
    uint16_t events;
    union {
        char *data;
        struct msghdr *msg;
        struct sockaddr *addr;
    };
    union {
        size_t len;
        socklen_t addr_len; /* accept: capacity in, length out */
    };
};

struct weir__io_options {
    enum weir__io_backend_type backend; /* AUTO: as WEIR_IO=auto|uring|epoll in the environment says; if that
                                           is auto or not set, uring where it works, else epoll */
    unsigned entries; /* of the submission queue; 0: 256. No limit: a full queue is flushed */
    uint64_t seed;    /* for sim */
};

/* Opens the seam for the calling thread. Unless under sim, it sets the timer slack of the thread to 1 ns.
 * Owns:    the caller, until weir__io_free().
 * Returns: 0; -ENOSYS or -EPERM: the backend does not work here; -EINVAL: WEIR_IO is none of the words above;
 *          -ENOMEM, -EMFILE.
 * Where:   the thread of a loop, once.
 */
int weir__io_open(const struct weir__io_options *options, struct weir__io **out)
    __attribute__((warn_unused_result));

/* Frees a seam. All files must be closed or detached, all ops done and all buffers handed back. NULL is
 * harmless. */
void weir__io_free(struct weir__io *io);

/* "uring", "epoll" or "sim". Static. */
const char *weir__io_backend_name(const struct weir__io *io);

/* The time by the clock of the loop, which is monotonic; virtual under sim. */
int64_t weir__io_now_ns(struct weir__io *io);

/* The clock of a simulation; NULL: the clock is the machine's. */
const int64_t *weir__io_virtual_ns(struct weir__io *io);

/* Sets how many results of the kernel a turn takes at most, from 1 to WEIR__IO_BATCH_MAX, which it is at
 * first. The next turn takes more. Only epoll heeds it: uring submits with the call that takes results, so
 * that more calls cost more than they save. */
void weir__io_set_batch(struct weir__io *io, unsigned most);

/* Sets the heartbeat that notes each sleep in the kernel. */
void weir__io_set_heartbeat(struct weir__io *io, struct weir__heartbeat *heartbeat);

/* Makes a stream socket of a family (AF_INET, AF_INET6, AF_UNIX) and attaches it. TCP_NODELAY is set.
 * Owns:    the file owns the descriptor until it is closed or detached.
 * Returns: 0, or the errors of socket(2). Never blocks.
 */
int weir__io_socket(struct weir__io *io, struct weir__io_file *file, int family)
    __attribute__((warn_unused_result));

/* Makes a socket that listens on addr, with SO_REUSEADDR, and attaches it.
 * Owns:    as weir__io_socket(). Closing does not remove the path of a Unix socket.
 * Returns: 0, or the errors of socket(2), bind(2), listen(2). Never blocks.
 */
int weir__io_listen(struct weir__io *io, struct weir__io_file *file, const struct sockaddr *addr,
                    socklen_t len, int backlog, bool reuse_port) __attribute__((warn_unused_result));

/* Takes a connection that is in the queue of a listening file already. An accept may be pending.
 * Returns: as WEIR__IO_ACCEPT; -EAGAIN: the queue is empty. Never blocks.
 */
int weir__io_accept(struct weir__io *io, struct weir__io_file *file) __attribute__((warn_unused_result));

/* Stops a listening file, also if its queue is shared: the kernel takes no more connections, and those in the
 * queue are lost. From now on accepts fail with -EINVAL, also for all other holders of the queue. */
void weir__io_stop_listening(struct weir__io *io, struct weir__io_file *file);

/* Reads the address the file is bound to (peer false) or connected to (peer true).
 * Returns: 0, or as getpeername(2).
 */
int weir__io_address(struct weir__io *io, struct weir__io_file *file, bool peer,
                     struct sockaddr_storage *addr, socklen_t *len) __attribute__((warn_unused_result));

/* The same from any thread, with a copy of a file. It reads the address of the descriptor that has the number
 * now; this is the file's only if the file has not been closed before the return.
 * Returns: as weir__io_address(); -ENOSYS under sim.
 */
int weir__io_address_outside(const struct weir__io *io, const struct weir__io_file *copy, bool peer,
                             struct sockaddr_storage *addr, socklen_t *len)
    __attribute__((warn_unused_result));

/* As shutdown(2) with SHUT_WR: the peer reads the end, and the file can still receive. */
int weir__io_shutdown(struct weir__io *io, struct weir__io_file *file);

/* Makes closing send RST instead of FIN, so that the peer of a truncated reply sees that it is. */
void weir__io_reset_on_close(struct weir__io *io, struct weir__io_file *file);

/* Sends as much as the kernel takes at once. No send may be pending. Never blocks.
 * Returns: the bytes it took; -EAGAIN: none; -EPIPE, -ECONNRESET …
 */
ssize_t weir__io_send_now(struct weir__io *io, struct weir__io_file *file, const void *data, size_t len);

/* Receives what is there. No receive may be pending. Never blocks.
 * Returns: the bytes; 0 at the end; -EAGAIN: none; -ECONNRESET …
 */
ssize_t weir__io_receive_now(struct weir__io *io, struct weir__io_file *file, void *data, size_t len);

/* Reads how much the peer has taken so far of all that was sent. For TCP these are the bytes it has
 * acknowledged, which only grow; for others a number that changes when something is taken.
 * Returns: 1: *taken counts bytes; 0: it is only such a number; a negative errno: not known.
 */
int weir__io_taken(struct weir__io *io, struct weir__io_file *file, uint64_t *taken);

/* Options of a socket. 0 changes nothing. */
struct weir__io_tuning {
    int keepalive_s; /* < 0: off */
    int send_bytes, receive_bytes;
    bool delay; /* clears TCP_NODELAY */
};

/* Sets options of a connected or a listening socket; what is accepted inherits them, except TCP_NODELAY,
 * which attaching sets. Those of TCP are skipped for other sockets. Under sim it does nothing.
 * Returns: 0, or as setsockopt(2).
 */
int weir__io_tune(struct weir__io *io, struct weir__io_file *file, const struct weir__io_tuning *tuning)
    __attribute__((warn_unused_result));

/* A pipe for splicing. */
struct weir__io_pipe {
    struct weir__list node; /* among those that are kept */
    int fds[2];             /* reads, writes */
    size_t room;            /* in bytes: what the system has granted */
    size_t bytes;           /* that are in it */
    bool used;              /* since the last weir__io_pipes_trim() */
};

/* Lends a pipe, which is empty: one that was kept, or a new one. An unprivileged user has 64 MiB of pipes in
 * all: beyond, a pipe has 64 KiB.
 * Owns:    the caller, until weir__io_pipe_return().
 * Returns: NULL: there is none. The system grants no descriptor, or not even 64 KiB; too many are lent; or
 *          there are none under sim. Never blocks.
 */
struct weir__io_pipe *weir__io_pipe_lend(struct weir__io *io) __attribute__((warn_unused_result));

/* Takes a pipe back. An empty one is kept for the next, one with bytes in it is closed. NULL is harmless. */
void weir__io_pipe_return(struct weir__io *io, struct weir__io_pipe *pipe);

/* Closes the kept pipes that were not used since the last call. */
void weir__io_pipes_trim(struct weir__io *io);

/* Moves bytes from a socket into a pipe, and from a pipe to a socket. No operation of that direction may be
 * pending. Never blocks.
 * Returns: the bytes, 0 at the end; -EAGAIN: none now, WEIR__IO_POLL waits; -ECONNRESET, -EPIPE …
 */
ssize_t weir__io_splice_in(struct weir__io *io, struct weir__io_file *file, struct weir__io_pipe *pipe,
                           size_t most) __attribute__((warn_unused_result));
ssize_t weir__io_splice_out(struct weir__io *io, struct weir__io_file *file, struct weir__io_pipe *pipe,
                            size_t most) __attribute__((warn_unused_result));

/* Moves bytes from a regular file to a socket, and *offset with them. Blocks while those bytes are not in
 * memory: see net/cached.h.
 * Returns: as weir__io_splice_out(); 0: the file ends there; -EIO …
 */
ssize_t weir__io_send_file(struct weir__io *io, struct weir__io_file *file, int fd, off_t *offset,
                           size_t most) __attribute__((warn_unused_result));

/* Asks a descriptor, foreign or a connection, as poll(2) without waiting does.
 * Returns: > 0 the events that are present; -EAGAIN: none, and WEIR__IO_POLL waits for them; -ENOTSUP: none,
 * and nothing could make a foreign one ready (sim, unless a test has scripted it); -EBADF.
 */
int weir__io_ask(struct weir__io *io, struct weir__io_file *file, short events)
    __attribute__((warn_unused_result));

/* Attaches a descriptor: from accept, from another loop, or a foreign one, which is only polled and never
 * closed. A foreign descriptor should be detached before its owner closes it; several files may hold the same
 * one.
 * Owns:    the file owns the descriptor if this succeeds, unless it is foreign.
 * Returns: 0; -EBADF; -EEXIST: it is attached here already; -ENOMEM, -EMFILE.
 */
int weir__io_attach(struct weir__io *io, struct weir__io_file *file, int fd, bool foreign)
    __attribute__((warn_unused_result));

/* Detaches the descriptor and leaves it open: to move it to another loop, or to end the polling of a foreign
 * one.
 * Returns: the descriptor, now the caller's; -EBUSY: the done() of an operation is outstanding; -EBADF: the
 * file is not attached.
 */
int weir__io_detach(struct weir__io *io, struct weir__io_file *file);

/* Closes a descriptor that is not attached, such as that of an accepted connection that is not wanted. */
void weir__io_close_fd(struct weir__io *io, int fd);

/* Whether the close of a file waits for its operations, which turns complete. */
bool weir__io_is_closing(const struct weir__io *io);

/* Starts op on op->file. Never blocks. An error of the kernel is a result of op.
 * Owns:    op and its buffers are the kernel's until it has ended.
 * Returns: true: it has ended already; op->result is set, and done() will not be called. On a closing file
 * the result is -ECANCELED, on one that is not attached -EBADF.
 * Cancel:  weir__io_cancel(), weir__io_close_file().
 */
bool weir__io_submit(struct weir__io *io, struct weir__io_op *op) __attribute__((warn_unused_result));

/* Asks a pending op to end. Harmless if it has ended. done() is called from a later turn, never from here. */
void weir__io_cancel(struct weir__io *io, struct weir__io_op *op);

/* Closes a file: cancels its pending operations, waits for the done() of all of them, closes the descriptor
 * unless it is foreign, then calls op->done() with result 0. From now on new operations on the file end with
 * -ECANCELED. Called once for a file.
 * Owns:    file and op are the seam's until then. The caller fills only op->done.
 * Returns: true: closed at once, because no done() was outstanding; op->done() will not be called.
 * Cancel:  not possible; it ends soon.
 */
bool weir__io_close_file(struct weir__io *io, struct weir__io_file *file, struct weir__io_op *op)
    __attribute__((warn_unused_result));

/* Hands back the buffer of a RECV_LENT. data: the pointer the operation returned. */
void weir__io_return(struct weir__io *io, char *data);

/* Submits what is pending, waits for a completion, the instant or a wake, and calls done() of all operations
 * that have ended. wait_until_ns: an instant in the past: does not wait; INT64_MAX: no limit.
 * Returns: the number of done() called; -EDEADLK under sim: nothing can ever happen again.
 * Where:   the loop's thread, not in a done().
 */
int weir__io_turn(struct weir__io *io, int64_t wait_until_ns);

/* Makes the present or next waiting turn return. Wakes are coalesced. Makes a system call only if the loop
 * sleeps.
 * Where:   any thread, and signal handlers, while the seam is open.
 */
void weir__io_wake(struct weir__io *io);

#endif
