/* SPDX-License-Identifier: MIT */
/* A backend of the kernel seam: a table of functions that io.c calls. What all backends share is in io.c.
 *
 * Threading: as io.h: the loop's thread alone, except wake().
 *
 * Division of work. io.c keeps the list of pending operations of each file, the list of finished operations
 * whose done() has not been called yet, the closing of files, and the decision whether a turn may sleep. A
 * backend starts and stops operations and reports the end of each with weir__io_finish(). It never calls
 * done().
 */
#ifndef WEIR__IO_BACKEND_H
#define WEIR__IO_BACKEND_H

#include <stdatomic.h>

#include "base/heartbeat.h"
#include "io/io.h"

/* op->state. It belongs to io.c; a backend has op->flags and op->queue for itself. */
enum weir__io_op_state {
    WEIR__IO_OP_IDLE,       /* not submitted, or done() has been called */
    WEIR__IO_OP_PENDING,    /* submitted to the backend; op->node is in file->ops */
    WEIR__IO_OP_CANCELLING, /* pending, and cancel() was called */
    WEIR__IO_OP_FINISHED,   /* op->node is in io->finished; a turn will call done() */
};

/* For backend->turn(): does not wait. */
#define WEIR__IO_NO_WAIT INT64_MIN

struct weir__io_backend {
    const char *name;

    /* Allocates the backend's own structure, which begins with a struct weir__io. weir__io_init() initialises
     * that after open() has returned, so open() sets only those of its fields that the backend itself uses.
     * Returns: 0 and *out, or as weir__io_open().
     */
    int (*open)(const struct weir__io_options *options, struct weir__io **out);
    void (*free)(struct weir__io *io);
    int64_t (*now_ns)(struct weir__io *io);
    /* As weir__io_virtual_ns(). NULL: the clock is the machine's. */
    const int64_t *(*virtual_ns)(struct weir__io *io);

    /* Descriptors that are not attached. Return: the descriptor or a negative errno. */
    int (*socket)(struct weir__io *io, int family);
    int (*listen)(struct weir__io *io, const struct sockaddr *addr, socklen_t len, int backlog,
                  bool reuse_port);
    void (*close_fd)(struct weir__io *io, int fd);
    int (*accept)(struct weir__io *io, struct weir__io_file *file);
    void (*stop_listening)(struct weir__io *io, struct weir__io_file *file);

    /* attach: file->fd, foreign and generation are set already. Returns: 0 or a negative errno.
     * detach: no operation is pending. It forgets the descriptor, and does not close it. */
    int (*attach)(struct weir__io *io, struct weir__io_file *file);
    void (*detach)(struct weir__io *io, struct weir__io_file *file);
    int (*address)(struct weir__io *io, struct weir__io_file *file, bool peer, struct sockaddr_storage *addr,
                   socklen_t *len);
    bool any_thread_address; /* address() may be called from any thread, with a copy of a file */
    int (*shutdown)(struct weir__io *io, struct weir__io_file *file);
    void (*reset_on_close)(struct weir__io *io, struct weir__io_file *file);
    ssize_t (*send_now)(struct weir__io *io, struct weir__io_file *file, const void *data, size_t len);
    ssize_t (*receive_now)(struct weir__io *io, struct weir__io_file *file, void *data, size_t len);
    /* For splicing; NULL: the backend has no descriptors. pipe() returns how many bytes the pipe holds, or a
     * negative errno. */
    int (*pipe)(int bytes, int fds[2]);
    ssize_t (*splice_in)(int socket_fd, int pipe_fd, size_t most);
    ssize_t (*splice_out)(int pipe_fd, int socket_fd, size_t most);               /* raises no SIGPIPE */
    ssize_t (*send_file)(int file_fd, off_t *offset, int socket_fd, size_t most); /* as splice_out() */
    int (*ask)(struct weir__io *io, struct weir__io_file *file, short events);
    int (*tune)(struct weir__io *io, struct weir__io_file *file, const struct weir__io_tuning *tuning);
    int (*taken)(struct weir__io *io, struct weir__io_file *file, uint64_t *taken);

    /* Starts op; op->flags is 0 and op->queue in no list.
     * Returns: true: op has ended, op->result is set, and weir__io_finish() will not be called for it.
     *          false: op is pending until weir__io_finish(), which submit() must not call for op itself. */
    bool (*submit)(struct weir__io *io, struct weir__io_op *op);
    /* Asks a pending op to end; called once for each op. May call weir__io_finish(op, -ECANCELED) at once if
     * the kernel holds no buffer of it. */
    void (*cancel)(struct weir__io *io, struct weir__io_op *op);

    void (*give_back)(struct weir__io *io, char *data);

    /* Submits what is pending, waits until wait_until_ns (WEIR__IO_NO_WAIT: not at all; INT64_MAX: without a
     * limit), and finishes the operations that have ended. May return early with none: io.c calls it again.
     * Returns: 0, or -EDEADLK (sim).
     */
    int (*turn)(struct weir__io *io, int64_t wait_until_ns);
    /* Ends a waiting turn(). From any thread; async-signal-safe. Called only when the loop sleeps or is about
     * to, so a wake before the sleep must end that sleep. NULL: turn() never sleeps. */
    void (*wake)(struct weir__io *io);
};

/* The pipes of a loop: see pipe.c. */
struct weir__io_pipes {
    struct weir__list kept; /* the latest first */
    int kept_count, lent_count;
};

struct weir__io {
    const struct weir__io_backend *backend;
    struct weir__list finished;        /* by op->node, in the order in which they ended */
    atomic_int sleeping;               /* see io.c */
    struct weir__heartbeat *heartbeat; /* notes each sleep; may be NULL */
    struct weir__io_pipes pipes;
    uint32_t closing_count; /* files whose close waits for their operations */
    unsigned batch;         /* results that a turn takes at most */
};

/* Initialises what io.c keeps, after backend->open() has succeeded. */
void weir__io_init(struct weir__io *io, const struct weir__io_backend *backend);

void weir__io_pipes_init(struct weir__io_pipes *pipes);
/* Closes all pipes. None may be lent. */
void weir__io_pipes_close(struct weir__io *io);

/* A backend calls weir__io_sleeps() before each call that may sleep, and weir__io_woke() after it. */
static inline void weir__io_sleeps(struct weir__io *io)
{
    if (io->heartbeat != NULL)
        weir__heartbeat_sleep(io->heartbeat);
}

static inline void weir__io_woke(struct weir__io *io)
{
    if (io->heartbeat != NULL)
        weir__heartbeat_wake(io->heartbeat);
}

/* Ends a pending op: takes it out of file->ops, so that a turn calls its done(). op->data of a RECV_LENT must
 * be set before (it becomes NULL when result <= 0). */
void weir__io_finish(struct weir__io *io, struct weir__io_op *op, int32_t result);

extern const struct weir__io_backend weir__io_uring;
extern const struct weir__io_backend weir__io_epoll;
extern const struct weir__io_backend weir__io_sim;

#endif
