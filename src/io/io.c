/* SPDX-License-Identifier: MIT */
/* The part of the kernel seam that all backends share: lists of operations, closing, turns, waking. */
#include "io/io.h"

#include <assert.h>
#include <errno.h>

#include "base/guard_exempt.h"
#include "io/backend.h"

/* io->sleeping. A wake makes a system call only when it finds ASLEEP. In the other two states the loop looks
 * at the flag before it sleeps. */
enum { AWAKE, ASLEEP, WOKEN };

static struct weir__io_op *op_of(struct weir__list *node)
{
    return weir__container_of(node, struct weir__io_op, node);
}

/* --- the seam itself --- */

void weir__io_init(struct weir__io *io, const struct weir__io_backend *backend)
{
    io->backend = backend;
    weir__list_init(&io->finished);
    atomic_init(&io->sleeping, AWAKE);
    io->heartbeat = NULL;
    io->closing_count = 0;
    io->batch = WEIR__IO_BATCH_MAX;
    weir__io_pipes_init(&io->pipes);
}

void weir__io_free(struct weir__io *io)
{
    if (io == NULL)
        return;
    assert(weir__list_is_empty(&io->finished));
    weir__io_pipes_close(io);
    io->backend->free(io);
}

const char *weir__io_backend_name(const struct weir__io *io)
{
    return io->backend->name;
}

int64_t weir__io_now_ns(struct weir__io *io)
{
    return io->backend->now_ns(io);
}

const int64_t *weir__io_virtual_ns(struct weir__io *io)
{
    return io->backend->virtual_ns != NULL ? io->backend->virtual_ns(io) : NULL;
}

void weir__io_set_batch(struct weir__io *io, unsigned most)
{
    assert(most > 0 && most <= WEIR__IO_BATCH_MAX);
    io->batch = most;
}

void weir__io_set_heartbeat(struct weir__io *io, struct weir__heartbeat *heartbeat)
{
    io->heartbeat = heartbeat;
}

/* --- files --- */

int weir__io_attach(struct weir__io *io, struct weir__io_file *file, int fd, bool foreign)
{
    int rc;

    if (fd < 0)
        return -EBADF;
    file->fd = fd;
    file->generation++;
    file->slot = 0;
    file->ready = 0;
    file->foreign = foreign;
    file->closing = false;
    file->tcp = false;
    file->undone = 0;
    file->closer = NULL;
    weir__list_init(&file->ops);
    rc = io->backend->attach(io, file);
    if (rc < 0)
        file->fd = -1;
    return rc;
}

int weir__io_detach(struct weir__io *io, struct weir__io_file *file)
{
    int fd = file->fd;

    if (fd < 0)
        return -EBADF;
    if (file->undone > 0 || file->closing)
        return -EBUSY;
    io->backend->detach(io, file);
    file->fd = -1;
    return fd;
}

static int attach_own(struct weir__io *io, struct weir__io_file *file, int fd)
{
    int rc;

    file->fd = -1;
    if (fd < 0)
        return fd;
    rc = weir__io_attach(io, file, fd, false);
    if (rc < 0)
        io->backend->close_fd(io, fd);
    return rc;
}

int weir__io_socket(struct weir__io *io, struct weir__io_file *file, int family)
{
    return attach_own(io, file, io->backend->socket(io, family));
}

int weir__io_listen(struct weir__io *io, struct weir__io_file *file, const struct sockaddr *addr,
                    socklen_t len, int backlog, bool reuse_port)
{
    return attach_own(io, file, io->backend->listen(io, addr, len, backlog, reuse_port));
}

int weir__io_accept(struct weir__io *io, struct weir__io_file *file)
{
    return file->fd < 0 ? -EBADF : io->backend->accept(io, file);
}

void weir__io_stop_listening(struct weir__io *io, struct weir__io_file *file)
{
    if (file->fd >= 0)
        io->backend->stop_listening(io, file);
}

int weir__io_address(struct weir__io *io, struct weir__io_file *file, bool peer,
                     struct sockaddr_storage *addr, socklen_t *len)
{
    return file->fd < 0 ? -EBADF : io->backend->address(io, file, peer, addr, len);
}

int weir__io_address_outside(const struct weir__io *io, const struct weir__io_file *copy, bool peer,
                             struct sockaddr_storage *addr, socklen_t *len)
{
    struct weir__io_file file = *copy;

    if (!io->backend->any_thread_address)
        return -ENOSYS;
    return file.fd < 0 ? -EBADF : io->backend->address(NULL, &file, peer, addr, len);
}

int weir__io_shutdown(struct weir__io *io, struct weir__io_file *file)
{
    return file->fd < 0 ? -EBADF : io->backend->shutdown(io, file);
}

void weir__io_reset_on_close(struct weir__io *io, struct weir__io_file *file)
{
    if (file->fd >= 0)
        io->backend->reset_on_close(io, file);
}

ssize_t weir__io_send_now(struct weir__io *io, struct weir__io_file *file, const void *data, size_t len)
{
    ssize_t sent;

    if (file->fd < 0 || file->closing)
        return -EBADF;
    weir__guard_exempt_begin();
    sent = io->backend->send_now(io, file, data, len);
    weir__guard_exempt_end();
    return sent;
}

ssize_t weir__io_receive_now(struct weir__io *io, struct weir__io_file *file, void *data, size_t len)
{
    ssize_t got;

    if (file->fd < 0 || file->closing)
        return -EBADF;
    weir__guard_exempt_begin();
    got = io->backend->receive_now(io, file, data, len);
    weir__guard_exempt_end();
    return got;
}

int weir__io_taken(struct weir__io *io, struct weir__io_file *file, uint64_t *taken)
{
    *taken = 0;
    return file->fd < 0 ? -EBADF : io->backend->taken(io, file, taken);
}

int weir__io_tune(struct weir__io *io, struct weir__io_file *file, const struct weir__io_tuning *tuning)
{
    return file->fd < 0 ? -EBADF : io->backend->tune(io, file, tuning);
}

int weir__io_ask(struct weir__io *io, struct weir__io_file *file, short events)
{
    int present;

    if (file->fd < 0)
        return -EBADF;
    weir__guard_exempt_begin();
    present = io->backend->ask(io, file, events);
    weir__guard_exempt_end();
    return present;
}

void weir__io_close_fd(struct weir__io *io, int fd)
{
    io->backend->close_fd(io, fd);
}

static void close_now(struct weir__io *io, struct weir__io_file *file, struct weir__io_op *closer)
{
    io->backend->detach(io, file);
    if (!file->foreign)
        io->backend->close_fd(io, file->fd);
    file->fd = -1;
    file->closer = NULL;
    closer->result = 0;
}

bool weir__io_is_closing(const struct weir__io *io)
{
    return io->closing_count > 0;
}

bool weir__io_close_file(struct weir__io *io, struct weir__io_file *file, struct weir__io_op *op)
{
    assert(file->fd >= 0 && !file->closing);
    op->type = WEIR__IO_CLOSE;
    op->file = file;
    op->state = WEIR__IO_OP_IDLE;
    file->closing = true;
    if (file->undone == 0) {
        close_now(io, file, op);
        return true;
    }
    file->closer = op;
    io->closing_count++;
    /* Cancelling an operation may unlink it from this list, but unlinks no other. */
    weir__list_each_safe (node, &file->ops)
        weir__io_cancel(io, op_of(node));
    return false;
}

/* --- operations --- */

bool weir__io_submit(struct weir__io *io, struct weir__io_op *op)
{
    struct weir__io_file *file = op->file;
    bool ended;

    assert(op->state == WEIR__IO_OP_IDLE);
    if (file->closing || file->fd < 0) {
        op->result = file->closing ? -ECANCELED : -EBADF;
        if (op->type == WEIR__IO_RECV_LENT)
            op->data = NULL;
        return true;
    }
    assert(!file->foreign || op->type == WEIR__IO_POLL);
    op->flags = 0;
    weir__list_init(&op->queue);
    weir__guard_exempt_begin();
    ended = io->backend->submit(io, op);
    weir__guard_exempt_end();
    if (ended)
        return true;
    op->state = WEIR__IO_OP_PENDING;
    weir__list_push_back(&file->ops, &op->node);
    file->undone++;
    return false;
}

void weir__io_cancel(struct weir__io *io, struct weir__io_op *op)
{
    if (op->state != WEIR__IO_OP_PENDING)
        return;
    op->state = WEIR__IO_OP_CANCELLING;
    io->backend->cancel(io, op);
}

void weir__io_finish(struct weir__io *io, struct weir__io_op *op, int32_t result)
{
    assert(op->state == WEIR__IO_OP_PENDING || op->state == WEIR__IO_OP_CANCELLING);
    weir__list_remove(&op->node);
    op->state = WEIR__IO_OP_FINISHED;
    op->result = result;
    if (op->type == WEIR__IO_RECV_LENT && result <= 0)
        op->data = NULL;
    weir__list_push_back(&io->finished, &op->node);
}

void weir__io_return(struct weir__io *io, char *data)
{
    io->backend->give_back(io, data);
}

/* --- turns --- */

static int dispatch(struct weir__io *io)
{
    struct weir__list batch, *node;
    int count = 0;

    /* done() may cancel and close: the operations that finish by that wait for the next turn. */
    weir__list_init(&batch);
    weir__list_move_all(&batch, &io->finished);
    while ((node = weir__list_pop_front(&batch)) != NULL) {
        struct weir__io_op *op = op_of(node);
        struct weir__io_file *file = op->file;
        /* Read before done(), which may free op, and also file unless that is closing. */
        struct weir__io_op *closer = --file->undone == 0 ? file->closer : NULL;
        op->state = WEIR__IO_OP_IDLE;
        op->done(op);
        count++;
        if (closer != NULL) {
            io->closing_count--;
            close_now(io, file, closer);
            closer->done(closer);
            count++;
        }
    }
    return count;
}

/* One turn of the backend, which sleeps until the instant if no completion is there. Returns: 1 when woken.
 */
static int wait_once(struct weir__io *io, int64_t until_ns)
{
    int awake = AWAKE;

    bool may_sleep =
        weir__list_is_empty(&io->finished) && atomic_compare_exchange_strong(&io->sleeping, &awake, ASLEEP);
    int rc = io->backend->turn(io, may_sleep ? until_ns : WEIR__IO_NO_WAIT);
    /* The exchange also makes visible what the waker wrote before it woke the loop. */
    bool woken = atomic_exchange(&io->sleeping, AWAKE) == WOKEN;

    return rc < 0 ? rc : woken;
}

int weir__io_turn(struct weir__io *io, int64_t wait_until_ns)
{
    int rc, count;

    if (wait_until_ns <= weir__io_now_ns(io)) {
        rc = io->backend->turn(io, WEIR__IO_NO_WAIT);
    } else {
        do {
            rc = wait_once(io, wait_until_ns);
        } while (rc == 0 && weir__list_is_empty(&io->finished) && weir__io_now_ns(io) < wait_until_ns);
    }
    count = dispatch(io);
    return rc < 0 && count == 0 ? rc : count;
}

void weir__io_wake(struct weir__io *io)
{
    if (atomic_exchange(&io->sleeping, WOKEN) != ASLEEP || io->backend->wake == NULL)
        return;
    weir__guard_exempt_begin();
    io->backend->wake(io);
    weir__guard_exempt_end();
}
