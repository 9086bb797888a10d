/* SPDX-License-Identifier: MIT */
/* What one backend of the kernel seam is: a table of functions behind io.c, which owns all that backends
 * share.
 *
 * Threading: as io.h: the loop's thread alone, except wake().
 *
 * Division of work. io.c keeps every file's list of pending operations, the list of finished ones whose
 * done() is still to come, the closing of files, and the question whether a turn may sleep. A backend only
 * starts operations, stops them, and tells with weir__io_finish() that one has ended. It never calls done().
 */
#ifndef WEIR__IO_BACKEND_H
#define WEIR__IO_BACKEND_H

#include <stdatomic.h>

#include "base/heartbeat.h"
#include "io/io.h"

/* The state of an operation that io.c sees to; a backend has op->flags and op->queue for itself. */
enum weir__io_op_state {
    WEIR__IO_OP_IDLE,       /* not submitted, or done() has been called */
    WEIR__IO_OP_PENDING,    /* the backend's; op->node is in file->ops */
    WEIR__IO_OP_CANCELLING, /* the same, and cancel() was called */
    WEIR__IO_OP_FINISHED,   /* op->node is in io->finished; done() comes in a turn */
};

/* No waiting, for backend->turn(). */
#define WEIR__IO_NO_WAIT INT64_MIN

struct weir__io_backend {
    const char *name;

    /* Makes a backend's own structure, which begins with a struct weir__io; sets nothing in that but what the
     * backend itself uses (io.c initialises the rest after it).
     * Returns: 0 and *out, or as weir__io_open().
     */
    int (*open)(const struct weir__io_options *options, struct weir__io **out);
    void (*free)(struct weir__io *io);
    int64_t (*now_ns)(struct weir__io *io);

    /* Descriptors, not yet attached. Return: the descriptor or a negative errno. */
    int (*socket)(struct weir__io *io, int family);
    int (*listen)(struct weir__io *io, const struct sockaddr *addr, socklen_t len, int backlog,
                  bool reuse_port);
    void (*close_fd)(struct weir__io *io, int fd);
    int (*accept)(struct weir__io *io, struct weir__io_file *file);
    void (*stop_listening)(struct weir__io *io, struct weir__io_file *file);

    /* file->fd, foreign and generation are set. attach: 0 or a negative errno. detach: nothing is pending;
     * the descriptor is forgotten, not closed. */
    int (*attach)(struct weir__io *io, struct weir__io_file *file);
    void (*detach)(struct weir__io *io, struct weir__io_file *file);
    int (*address)(struct weir__io *io, struct weir__io_file *file, bool peer, struct sockaddr_storage *addr,
                   socklen_t *len);
    int (*shutdown)(struct weir__io *io, struct weir__io_file *file);
    void (*reset_on_close)(struct weir__io *io, struct weir__io_file *file);
    ssize_t (*send_now)(struct weir__io *io, struct weir__io_file *file, const void *data, size_t len);
    int (*taken)(struct weir__io *io, struct weir__io_file *file, uint64_t *taken);

    /* Starts op; op->flags is 0 and op->queue in no list. True: ended, op->result is set (and
     * weir__io_finish() is not called). False: pending until weir__io_finish(), which must not be called from
     * here for this very op. */
    bool (*submit)(struct weir__io *io, struct weir__io_op *op);
    /* Asks op, pending, to end; called once for an op. May call weir__io_finish(op, -ECANCELED) at once if
     * the kernel holds nothing of it. */
    void (*cancel)(struct weir__io *io, struct weir__io_op *op);

    void (*give_back)(struct weir__io *io, char *data);

    /* Submits, waits until wait_until_ns (WEIR__IO_NO_WAIT: not at all; INT64_MAX: for ever), finishes what
     * has ended. May come back early with nothing: io.c calls again.
     * Returns: 0, or -EDEADLK (sim).
     */
    int (*turn)(struct weir__io *io, int64_t wait_until_ns);
    /* Ends a waiting turn(), any thread, async-signal-safe. Only called when the loop sleeps or is about to;
     * a wake that comes too early must end the next wait. May be NULL if turn() never sleeps. */
    void (*wake)(struct weir__io *io);
};

struct weir__io {
    const struct weir__io_backend *backend;
    struct weir__list finished;        /* of op->node, in the order in which they ended */
    atomic_int sleeping;               /* see io.c */
    struct weir__heartbeat *heartbeat; /* told of each sleep, or NULL */
};

/* A backend brackets every call that may sleep with these. */
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

/* Tells that a pending op has ended. It leaves file->ops; done() follows in a turn. op->data of a RECV_LENT
 * must be set before (NULL when result <= 0). */
void weir__io_finish(struct weir__io *io, struct weir__io_op *op, int32_t result);

extern const struct weir__io_backend weir__io_uring;
extern const struct weir__io_backend weir__io_epoll;
extern const struct weir__io_backend weir__io_sim;

#endif
