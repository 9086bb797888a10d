/* SPDX-License-Identifier: MIT */
/* The kernel seam: everything Weir asks of the kernel while a loop runs goes through here.
 *
 * Threading: a weir__io belongs to the thread that opened it. Every function is for that thread alone, except
 * weir__io_wake(), which any thread may call.
 *
 * Shape: operations complete. The caller fills a weir__io_op, submits it, and its done() is called from a
 * later weir__io_turn(), exactly once, when the kernel has let go of every buffer in it. Two shortcuts and no
 * more:
 *   - submit may return true: the operation has ended already, result is set, done() will not be called;
 *   - cancel only asks: done() still comes, with -ECANCELED, or with the result if the operation had won.
 * In done() every function may be called except weir__io_turn() and weir__io_free(); the op is the caller's
 * again, to submit once more or to free.
 *
 * Three rules, settled by experiment on all backends (tests/io):
 *   1. cancel while the kernel holds a buffer: the buffer is the kernel's until done();
 *   2. close with operations pending: weir__io_close_file() cancels them, reaps them, and only then closes
 * the descriptor, so a reused number never receives another's completion (epoll also tags slots with a
 *      generation);
 *   3. receiving may borrow: RECV_LENT takes a buffer of the loop at the moment bytes are there, so an idle
 *      connection holds none. The taker hands it back with weir__io_return().
 *
 * One operation that receives (accept, recv) and one that sends (connect, send) may be pending on a file at a
 * time, and any number of polls: two receivers of one stream would race for its bytes.
 *
 * Backends: uring.c, epoll.c, sim.c. All pass the same tests.
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
    WEIR__IO_BUFFERS_COUNT =
        256, /* so many at most are out; a further RECV_LENT waits until one comes back */
};

/* One descriptor the loop works on. Embedded in its owner, whose address must not change while it is
 * attached. All zero before its first attach. */
struct weir__io_file {
    int fd;              /* -1 when no longer attached; a fiction under sim */
    uint32_t generation; /* grows by one with each attach */
    uint32_t slot;       /* the backend's own */
    uint8_t ready;       /* the backend's own: readiness seen and not used up */
    bool foreign;        /* the descriptor is not ours: it is polled, never read, written or closed */
    bool closing;
    bool tcp;        /* and ours */
    uint32_t undone; /* operations whose done() is still to come: those in ops and those that finished */
    struct weir__list ops; /* pending operations */
    struct weir__io_op *closer;
};

enum weir__io_op_type {
    WEIR__IO_ACCEPT,  /* result: new descriptor, non-blocking, close-on-exec; its address in addr unless NULL
                       */
    WEIR__IO_CONNECT, /* addr, addr_len; result 0 */
    WEIR__IO_RECV,    /* data, len; result bytes, 0 at the end */
    WEIR__IO_RECV_LENT, /* result bytes, data = the lent buffer; 0 at the end, or < 0: data NULL, nothing lent
                         */
    WEIR__IO_SEND,      /* msg->msg_iov, msg_iovlen; result bytes, may be fewer than all */
    WEIR__IO_POLL,      /* events = POLLIN | POLLOUT; result those that are there (POLLERR, POLLHUP too). 0:
                           it ends when both directions are over, or the connection is broken */
    WEIR__IO_CLOSE,     /* set by weir__io_close_file() */
};

/* One operation; all zero before its first use. The caller fills type, done, file and the arguments, and
 * leaves it, and all it points to, alone until it has ended. */
struct weir__io_op {
    struct weir__list node;  /* in file->ops while pending, then in the list of the finished */
    struct weir__list queue; /* the backend's own */
    void (*done)(struct weir__io_op *op);
    struct weir__io_file *file;
    int32_t result;
    uint8_t type;
    uint8_t state; /* io.c's own */
    uint8_t flags; /* the backend's own */
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
    enum weir__io_backend_type backend; /* AUTO: WEIR_IO=auto|uring|epoll in the environment; if that leaves
                                           the choice, uring where it works, else epoll */
    unsigned entries;                   /* submission queue; 0: 256. No limit: a full queue is flushed */
    uint64_t seed;                      /* sim */
};

/* Opens the seam for the calling thread, whose timers it makes exact (timer slack 1 ns) unless under sim.
 * Owns:    the caller, until weir__io_free().
 * Returns: 0; -ENOSYS or -EPERM when the asked backend is not to be had here; -EINVAL when WEIR_IO is not
 *          one of the words above; -ENOMEM, -EMFILE.
 * Where:   any thread that is to be a loop; one seam for a thread.
 */
int weir__io_open(const struct weir__io_options *options, struct weir__io **out)
    __attribute__((warn_unused_result));

/* Ends a seam whose every file is closed or detached, every op done and every buffer handed back. NULL is
 * harmless. */
void weir__io_free(struct weir__io *io);

/* "uring", "epoll" or "sim". Static. */
const char *weir__io_backend_name(const struct weir__io *io);

/* The loop's clock: monotonic and exact, virtual under sim. */
int64_t weir__io_now_ns(struct weir__io *io);

/* Where the clock of a simulation stands; NULL: time is the machine's. */
const int64_t *weir__io_virtual_ns(struct weir__io *io);

/* From now on tells this heartbeat of each sleep in the kernel. */
void weir__io_set_heartbeat(struct weir__io *io, struct weir__heartbeat *heartbeat);

/* Makes a stream socket of a family (AF_INET, AF_INET6, AF_UNIX) and attaches it. TCP never delays small
 * writes.
 * Owns:    the file has the descriptor until it is closed or detached.
 * Returns: 0, or the errors of socket(2). Never blocks.
 */
int weir__io_socket(struct weir__io *io, struct weir__io_file *file, int family)
    __attribute__((warn_unused_result));

/* Makes a socket that listens on addr and attaches it; of the family of addr, its address reusable at once.
 * Owns:    as weir__io_socket(). The path of a Unix socket stays behind on closing.
 * Returns: 0, or the errors of socket(2), bind(2), listen(2). Never blocks.
 */
int weir__io_listen(struct weir__io *io, struct weir__io_file *file, const struct sockaddr *addr,
                    socklen_t len, int backlog, bool reuse_port) __attribute__((warn_unused_result));

/* Takes a connection that is in the queue of a listening file already, whether an accept is pending or not.
 * Returns: as WEIR__IO_ACCEPT; -EAGAIN: none is there. Never blocks.
 */
int weir__io_accept(struct weir__io *io, struct weir__io_file *file) __attribute__((warn_unused_result));

/* Has the kernel take no more connections for a listening file, also where its queue is shared: what is still
 * in it is lost. Accepting fails with -EINVAL from now on, here and for all who share it. */
void weir__io_stop_listening(struct weir__io *io, struct weir__io_file *file);

/* The address the file is bound to (peer false) or connected to (peer true).
 * Returns: 0, or as getpeername(2).
 */
int weir__io_address(struct weir__io *io, struct weir__io_file *file, bool peer,
                     struct sockaddr_storage *addr, socklen_t *len) __attribute__((warn_unused_result));

/* The same from any thread, by a copy of a file: of what its descriptor's number stands for now. It is the
 * file's only if that had not been closed by the time this returns.
 * Returns: as weir__io_address(); -ENOSYS under sim.
 */
int weir__io_address_outside(const struct weir__io *io, const struct weir__io_file *copy, bool peer,
                             struct sockaddr_storage *addr, socklen_t *len)
    __attribute__((warn_unused_result));

/* As shutdown(2) with SHUT_WR: the peer reads the end, we can still receive. */
int weir__io_shutdown(struct weir__io *io, struct weir__io_file *file);

/* From now on closing sends RST instead of FIN: a reply that broke off must be seen to. */
void weir__io_reset_on_close(struct weir__io *io, struct weir__io_file *file);

/* Sends at once as much as the kernel takes, and waits for nothing. No send may be pending.
 * Returns: the bytes it took; -EAGAIN none; -EPIPE, -ECONNRESET …
 */
ssize_t weir__io_send_now(struct weir__io *io, struct weir__io_file *file, const void *data, size_t len);

/* What the peer has taken so far of all that was sent: for TCP the bytes it has acknowledged, which only
 * grow. For others a number that changes when something is taken.
 * Returns: 1: *taken counts bytes; 0: it is only such a number; a negative errno: nobody knows.
 */
int weir__io_taken(struct weir__io *io, struct weir__io_file *file, uint64_t *taken);

/* Takes a descriptor: of accept, of another loop, or a foreign one, which is only polled and never closed. A
 * foreign one should be detached before its owner closes it; until then several files may hold the same.
 * Owns:    the descriptor is the file's when this succeeds, unless foreign.
 * Returns: 0; -EBADF; -EEXIST when it is attached here already; -ENOMEM, -EMFILE.
 */
int weir__io_attach(struct weir__io *io, struct weir__io_file *file, int fd, bool foreign)
    __attribute__((warn_unused_result));

/* Gives the descriptor back, open: to move it to another loop, or to end the polling of a foreign one.
 * Returns: the descriptor, now the caller's; -EBUSY while the done() of an operation is still to come; -EBADF
 * when nothing is attached.
 */
int weir__io_detach(struct weir__io *io, struct weir__io_file *file);

/* Closes a descriptor that is attached nowhere: of an accept whose connection nobody wants. */
void weir__io_close_fd(struct weir__io *io, int fd);

/* Starts op on op->file. Never blocks and never fails otherwise: a refusal of the kernel is a result.
 * Owns:    op and its buffers are the kernel's until it has ended.
 * Returns: true: it has ended already, see op->result, and done() will not come. On a closing file the
 *          result is -ECANCELED, on one that is not attached -EBADF.
 * Cancel:  weir__io_cancel(), weir__io_close_file().
 */
bool weir__io_submit(struct weir__io *io, struct weir__io_op *op) __attribute__((warn_unused_result));

/* Asks a pending op to end. Harmless when it has ended. done() comes from a later turn, never from here. */
void weir__io_cancel(struct weir__io *io, struct weir__io_op *op);

/* Cancels what is pending on file, waits for the done() of all of it, closes the descriptor (unless foreign),
 * then calls op->done(), result 0. New operations on the file end with -ECANCELED from now on. Once for a
 * file.
 * Owns:    file and op are the seam's until then; of op the caller fills done alone.
 * Returns: true: closed at once because no done() was to come; op->done() will not.
 * Cancel:  impossible, and soon over.
 */
bool weir__io_close_file(struct weir__io *io, struct weir__io_file *file, struct weir__io_op *op)
    __attribute__((warn_unused_result));

/* Hands back the buffer of a RECV_LENT: the pointer it came as. */
void weir__io_return(struct weir__io *io, char *data);

/* Submits what is pending, waits until something completes, the instant comes, or wake; calls done() of all
 * that has completed. wait_until_ns in the past: does not wait; INT64_MAX: no instant.
 * Returns: the number of done() called, or -EDEADLK under sim when nothing can ever happen again.
 * Where:   the loop's thread, not in a done().
 */
int weir__io_turn(struct weir__io *io, int64_t wait_until_ns);

/* Makes the current or next waiting turn return. Coalesced; no system call unless the loop sleeps.
 * Where:   any thread, and signal handlers, while the seam is open.
 */
void weir__io_wake(struct weir__io *io);

#endif
