/* SPDX-License-Identifier: MIT */
/* The backend "uring" of the kernel seam: each operation is an entry of the submission queue, each result a
 * completion.
 *
 * A turn makes one system call, which submits all operations since the last turn, and waits. Needs Linux 5.19
 * for the ring of provided buffers. From 6.1 on the kernel works on completions only when asked (single
 * issuer, deferred).
 *
 * Cancelling. A cancel is an entry of its own that names the operation by its address. An operation ends only
 * when its own completion and that of its cancel have both come. So no cancel is under way for an address
 * that has been given to another operation.
 *
 * Lent buffers. The kernel takes a buffer from the ring when bytes are there. Only a few are in the ring,
 * taken from a stack, so that the same ones stay in the CPU's cache; when the ring runs dry it is made
 * larger. A receive that finds no buffer waits in `starved` until one comes back, but only if it polled
 * first. Without polling first the kernel asks for a buffer before it looks for bytes, and then an idle
 * stream would stand before others.
 */
#include "io/backend.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/buffers.h"
#include "io/os.h"

enum {
    DEFAULT_ENTRIES = 256,
    COMPLETIONS_MIN = 4096, /* the kernel keeps more than that in a slower place */
    GROUP = 0,
    RING_START = 32, /* buffers in the ring at first */
    RING_BYTES = WEIR__IO_BUFFERS_COUNT * sizeof(struct io_uring_buf),
};

/* The low bits of user_data, which are zero in the address of an op. */
enum { MARK_CANCEL = 1, MARK_WAKE = 2, MARKS = 3 };

/* op->flags */
enum {
    IN_KERNEL = 1, /* its entry was written, its completion is outstanding */
    CANCEL_IN_KERNEL = 2,
    POLL_FIRST = 4, /* it asks for a buffer only when bytes are there */
    HUNG_UP = 8     /* a poll for the end has seen it, and is being cancelled; op->len has the events */
};

/* file->ready */
enum { DRAINED = 1 /* the last receive left no bytes: the next would find none without polling first */ };

struct uring_io {
    struct weir__io io;
    struct io_uring ring;
    int wakefd;
    bool watching_wake;
    uint64_t *attached; /* a bit for each descriptor, except foreign ones */
    unsigned attached_words;
    struct weir__list unsent;      /* by queue: operations that got no entry */
    struct weir__list uncancelled; /* by queue: cancels that got no entry, or came too early */
    struct weir__list starved;     /* by queue: RECV_LENT with bytes but without a buffer */
    struct io_uring_buf_ring *buffer_ring;
    unsigned in_ring;     /* buffers the kernel may take */
    unsigned ring_target; /* how many it should have */
    struct weir__io_buffers buffers;
};

static struct uring_io *self(struct weir__io *io)
{
    return weir__container_of(io, struct uring_io, io);
}

static struct weir__io_op *op_of_queue(struct weir__list *node)
{
    return weir__container_of(node, struct weir__io_op, queue);
}

/* --- lent buffers --- */

static void fill_ring(struct uring_io *u)
{
    int added = 0;

    while (u->in_ring < u->ring_target) {
        int number = weir__io_buffers_take(&u->buffers);
        char *data;
        if (number < 0)
            break;
        data = u->buffers.memory + (size_t)number * WEIR__IO_BUFFERS_BYTES;
        io_uring_buf_ring_add(u->buffer_ring, data, WEIR__IO_BUFFERS_BYTES, (unsigned short)number,
                              io_uring_buf_ring_mask(WEIR__IO_BUFFERS_COUNT), added++);
        u->in_ring++;
    }
    if (added > 0)
        io_uring_buf_ring_advance(u->buffer_ring, added);
}

static int open_buffers(struct uring_io *u)
{
    void *ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct io_uring_buf_reg reg = {
        .ring_addr = (uint64_t)(uintptr_t)ring, .ring_entries = WEIR__IO_BUFFERS_COUNT, .bgid = GROUP};
    int rc;

    if (ring == MAP_FAILED)
        return -ENOMEM;
    u->buffer_ring = ring;
    io_uring_buf_ring_init(u->buffer_ring);
    rc = io_uring_register_buf_ring(&u->ring, &reg, 0);
    if (rc == 0)
        rc = weir__io_buffers_open(&u->buffers);
    if (rc < 0) {
        munmap(ring, RING_BYTES);
        return rc == -EINVAL ? -ENOSYS : rc; /* a kernel before 5.19 */
    }
    u->ring_target = RING_START;
    fill_ring(u);
    return 0;
}

/* --- opening --- */

/* Opens the ring with the best set-up the kernel knows: of 6.1, 6.0 or 5.19. */
static int open_ring(struct uring_io *u, unsigned entries)
{
    static const unsigned setups[] = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    };
    int rc = -ENOSYS;

    for (size_t i = 0; i < sizeof setups / sizeof setups[0]; i++) {
        struct io_uring_params params = {.flags = setups[i] | IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE};
        params.cq_entries = entries * 2 > COMPLETIONS_MIN ? entries * 2 : COMPLETIONS_MIN;
        rc = io_uring_queue_init_params(entries, &u->ring, &params);
        if (rc == 0) {
            (void)io_uring_register_ring_fd(&u->ring); /* saves the look-up of the descriptor in each enter */
            return 0; /* a kernel with these flags also has the wait with a timeout */
        }
        if (rc != -EINVAL)
            return rc;
    }
    return -ENOSYS;
}

static int uring_open(const struct weir__io_options *options, struct weir__io **out)
{
    struct uring_io *u = calloc(1, sizeof *u);
    int rc;

    if (u == NULL)
        return -ENOMEM;
    weir__list_init(&u->unsent);
    weir__list_init(&u->uncancelled);
    weir__list_init(&u->starved);
    rc = open_ring(u, options->entries == 0 ? DEFAULT_ENTRIES : options->entries);
    if (rc < 0)
        goto no_ring;
    u->wakefd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (u->wakefd < 0) {
        rc = -errno;
        goto no_wakefd;
    }
    rc = open_buffers(u);
    if (rc < 0)
        goto no_buffers;
    *out = &u->io;
    return 0;

no_buffers:
    close(u->wakefd);
no_wakefd:
    io_uring_queue_exit(&u->ring);
no_ring:
    free(u);
    return rc;
}

static void uring_free(struct weir__io *io)
{
    struct uring_io *u = self(io);

    io_uring_queue_exit(&u->ring);
    close(u->wakefd);
    munmap(u->buffer_ring, RING_BYTES);
    weir__io_buffers_close(&u->buffers);
    free(u->attached);
    free(u);
}

/* Makes room for the bit that records that fd is attached. */
static int make_room(struct uring_io *u, unsigned fd)
{
    unsigned words = fd / 64 + 1;
    uint64_t *attached;

    if (words <= u->attached_words)
        return 0;
    if (words < 2 * u->attached_words)
        words = 2 * u->attached_words;
    attached = realloc(u->attached, words * sizeof *attached);
    if (attached == NULL)
        return -ENOMEM;
    memset(attached + u->attached_words, 0, (words - u->attached_words) * sizeof *attached);
    u->attached = attached;
    u->attached_words = words;
    return 0;
}

static int uring_attach(struct weir__io *io, struct weir__io_file *file)
{
    struct uring_io *u = self(io);
    unsigned fd = (unsigned)file->fd;
    int rc = weir__io_os_take(file->fd, file->foreign);
    uint64_t bit = (uint64_t)1 << fd % 64;

    file->tcp = rc > 0;
    if (rc < 0 || file->foreign)
        return rc;
    rc = make_room(u, fd);
    if (rc < 0)
        return rc;
    if (u->attached[fd / 64] & bit)
        return -EEXIST;
    u->attached[fd / 64] |= bit;
    return 0;
}

static void uring_detach(struct weir__io *io, struct weir__io_file *file)
{
    unsigned fd = (unsigned)file->fd;

    if (!file->foreign)
        self(io)->attached[fd / 64] &= ~((uint64_t)1 << fd % 64);
}

/* --- submitting --- */

/* A free entry of the submission queue. NULL: the queue is full, and the kernel takes none at present. */
static struct io_uring_sqe *entry(struct uring_io *u)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

    if (sqe == NULL && io_uring_submit(&u->ring) > 0)
        sqe = io_uring_get_sqe(&u->ring);
    return sqe;
}

/* Limits a length to what a result can be: 31 bits. */
static size_t at_most_int(size_t len)
{
    return len < INT32_MAX ? len : INT32_MAX;
}

static void prepare_recv_lent(struct io_uring_sqe *sqe, struct weir__io_op *op)
{
    io_uring_prep_recv(sqe, op->file->fd, NULL, WEIR__IO_BUFFERS_BYTES, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
}

static void prepare_send(struct io_uring_sqe *sqe, struct weir__io_op *op)
{
    const struct iovec *iov = op->msg->msg_iov;

    if (op->msg->msg_iovlen == 1) /* so the kernel need not copy the message and its vector */
        io_uring_prep_send(sqe, op->file->fd, iov->iov_base, at_most_int(iov->iov_len),
                           MSG_NOSIGNAL | MSG_WAITALL);
    else
        io_uring_prep_sendmsg(sqe, op->file->fd, op->msg, MSG_NOSIGNAL | MSG_WAITALL);
}

static void prepare(struct io_uring_sqe *sqe, struct weir__io_op *op)
{
    int fd = op->file->fd;

    switch ((enum weir__io_op_type)op->type) {
    case WEIR__IO_ACCEPT:
        /* A poll of the queue, followed by accept4(). An accept in the kernel takes a connection also while
         * it is being cancelled, and takes one for a loop that is held, which then holds the connection, too.
         */
        io_uring_prep_poll_add(sqe, fd, POLLIN);
        break;
    case WEIR__IO_CONNECT:
        io_uring_prep_connect(sqe, fd, op->addr, op->addr_len);
        break;
    case WEIR__IO_RECV:
        io_uring_prep_recv(sqe, fd, op->data, at_most_int(op->len), 0);
        break;
    case WEIR__IO_RECV_LENT:
        prepare_recv_lent(sqe, op);
        break;
    case WEIR__IO_SEND:
        prepare_send(sqe, op);
        break;
    case WEIR__IO_POLL:
        if (op->events != 0)
            io_uring_prep_poll_add(sqe, fd, op->events);
        else /* multishot, because a single poll ends with the peer's last byte, whatever its events are */
            io_uring_prep_poll_multishot(sqe, fd, 0);
        break;
    case WEIR__IO_CLOSE:
        assert(false);
    }
    if (op->flags & POLL_FIRST)
        sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    io_uring_sqe_set_data(sqe, op);
}

static void start(struct uring_io *u, struct weir__io_op *op)
{
    struct io_uring_sqe *sqe = entry(u);

    if (sqe == NULL) {
        weir__list_push_back(&u->unsent, &op->queue);
        return;
    }
    prepare(sqe, op);
    op->flags |= IN_KERNEL;
}

static int32_t try_accept(struct weir__io_op *op)
{
    socklen_t *len = op->addr == NULL ? NULL : &op->addr_len;

    return weir__io_os_try_accept(op->file, op->addr, len);
}

static bool receives(const struct weir__io_op *op)
{
    return op->type == WEIR__IO_RECV || op->type == WEIR__IO_RECV_LENT;
}

static bool uring_submit(struct weir__io *io, struct weir__io_op *op)
{
    struct uring_io *u = self(io);

    if (op->type == WEIR__IO_ACCEPT && (op->result = try_accept(op)) != -EAGAIN)
        return true;
    if (op->type == WEIR__IO_CONNECT && op->addr->sa_family == AF_UNIX) {
        /* It ends at once. In the kernel's worker threads it would wait while the backlog is full. */
        op->result = connect(op->file->fd, op->addr, op->addr_len) < 0 ? -errno : 0;
        return true;
    }
    if (receives(op) && (op->file->ready & DRAINED))
        op->flags |= POLL_FIRST;
    start(u, op);
    return false;
}

static void send_cancel(struct uring_io *u, struct weir__io_op *op)
{
    struct io_uring_sqe *sqe = entry(u);

    if (sqe == NULL) {
        weir__list_push_back(&u->uncancelled, &op->queue);
        return;
    }
    io_uring_prep_cancel(sqe, op, 0);
    io_uring_sqe_set_data64(sqe, (uint64_t)(uintptr_t)op | MARK_CANCEL);
    op->flags |= CANCEL_IN_KERNEL;
}

static void uring_cancel(struct weir__io *io, struct weir__io_op *op)
{
    struct uring_io *u = self(io);

    if (op->flags & HUNG_UP)
        return; /* it is being cancelled already */
    if (op->flags & IN_KERNEL) {
        send_cancel(u, op);
    } else { /* unsent or starved */
        weir__list_remove(&op->queue);
        weir__io_finish(io, op, -ECANCELED);
    }
}

static void uring_give_back(struct weir__io *io, char *data)
{
    struct uring_io *u = self(io);

    weir__io_buffers_put(&u->buffers, weir__io_buffers_number(&u->buffers, data));
}

/* --- completions --- */

/* Ends op, unless a completion of it is outstanding. */
static void settle(struct uring_io *u, struct weir__io_op *op)
{
    if (op->flags & (IN_KERNEL | CANCEL_IN_KERNEL))
        return;
    weir__list_remove(&op->queue); /* of uncancelled */
    weir__io_finish(&u->io, op, op->result);
}

/* Takes the buffer that the kernel chose for a receive. */
static void take_lent(struct uring_io *u, struct weir__io_op *op, const struct io_uring_cqe *cqe)
{
    unsigned number = cqe->flags >> IORING_CQE_BUFFER_SHIFT;

    if (!(cqe->flags & IORING_CQE_F_BUFFER))
        return;
    u->in_ring--;
    if (cqe->res > 0)
        op->data = weir__io_buffers_data(&u->buffers, number);
    else /* some kernels take a buffer for the end of a stream */
        weir__io_buffers_put(&u->buffers, number);
}

static void note_drained(struct weir__io_op *op, const struct io_uring_cqe *cqe)
{
    if (cqe->res > 0 && !(cqe->flags & IORING_CQE_F_SOCK_NONEMPTY))
        op->file->ready |= DRAINED;
    else
        op->file->ready &= (uint8_t)~DRAINED;
}

/* The kernel found no buffer. */
static void on_starved(struct uring_io *u, struct weir__io_op *op)
{
    if (u->ring_target < WEIR__IO_BUFFERS_COUNT)
        u->ring_target *= 2;
    if (op->flags & POLL_FIRST) {
        weir__list_push_back(&u->starved, &op->queue);
    } else {
        op->flags |= POLL_FIRST;
        weir__list_push_back(&u->unsent,
                             &op->queue); /* not started here, because that may flush a full queue */
    }
}

/* Handles a completion of a poll for the end, which stays in the kernel during other events, such as the
 * peer's last byte. Returns: whether it goes on. */
static bool polls_on(struct uring_io *u, struct weir__io_op *op, const struct io_uring_cqe *cqe)
{
    int seen = cqe->res > 0 ? cqe->res & (POLLERR | POLLHUP) : 0;

    if (seen != 0 && !(op->flags & HUNG_UP)) {
        op->flags |= HUNG_UP;
        op->len = (size_t)seen;
        if ((cqe->flags & IORING_CQE_F_MORE) && op->state == WEIR__IO_OP_PENDING)
            send_cancel(u, op);
    }
    if (cqe->flags & IORING_CQE_F_MORE)
        return true;
    op->flags &= (uint8_t)~IN_KERNEL;
    op->result = op->flags & HUNG_UP ? (int32_t)op->len : cqe->res;
    if (op->result < 0 || (op->flags & HUNG_UP))
        return false;
    if (op->state == WEIR__IO_OP_CANCELLING)
        op->result = -ECANCELED;
    else
        weir__list_push_back(&u->unsent, &op->queue); /* the kernel has ended it by itself */
    return op->state == WEIR__IO_OP_PENDING;
}

static void on_result(struct uring_io *u, struct weir__io_op *op, const struct io_uring_cqe *cqe)
{
    bool cancelled = op->state == WEIR__IO_OP_CANCELLING;

    if (op->type == WEIR__IO_POLL && op->events == 0) {
        if (!polls_on(u, op, cqe))
            settle(u, op);
        return;
    }
    op->flags &= (uint8_t)~IN_KERNEL;
    op->result = cqe->res;
    if (cancelled && (cqe->res == -EINTR || cqe->res == -ENOBUFS || cqe->res == -EAGAIN))
        op->result = -ECANCELED;
    if (op->type == WEIR__IO_SEND && cqe->res == -EAGAIN && !cancelled) {
        op->flags |= POLL_FIRST; /* the kernel gives up after some polls of its own */
        weir__list_push_back(&u->unsent, &op->queue);
        return;
    }
    if (op->type == WEIR__IO_ACCEPT && cqe->res > 0) {
        op->result = cancelled ? -ECANCELED : try_accept(op); /* the connection stays in the queue */
        if (op->result == -EAGAIN) {
            weir__list_push_back(&u->unsent, &op->queue); /* another loop or process was faster */
            return;
        }
    }
    if (op->type == WEIR__IO_POLL && cqe->res > 0)
        op->result &= op->events | POLLERR | POLLHUP;
    if (receives(op))
        note_drained(op, cqe);
    if (op->type == WEIR__IO_RECV_LENT) {
        take_lent(u, op, cqe);
        if (cqe->res == -ENOBUFS && !cancelled) {
            on_starved(u, op);
            return;
        }
    }
    settle(u, op);
}

static void on_cancel_result(struct uring_io *u, struct weir__io_op *op, const struct io_uring_cqe *cqe)
{
    op->flags &= (uint8_t)~CANCEL_IN_KERNEL;
    /* Not found, but not ended: the kernel was between two attempts at it. Cancel it again, unless it ends
     * first. */
    if ((op->flags & IN_KERNEL) && cqe->res == -ENOENT)
        weir__list_push_back(&u->uncancelled, &op->queue);
    settle(u, op);
}

static void on_completion(struct uring_io *u, const struct io_uring_cqe *cqe)
{
    uint64_t data = cqe->user_data;
    struct weir__io_op *op = (struct weir__io_op *)(uintptr_t)(data & ~(uint64_t)MARKS);

    switch (data & MARKS) {
    case MARK_WAKE:
        u->watching_wake = cqe->flags & IORING_CQE_F_MORE;
        break;
    case MARK_CANCEL:
        on_cancel_result(u, op, cqe);
        break;
    default:
        on_result(u, op, cqe);
    }
}

static void reap(struct uring_io *u)
{
    struct io_uring_cqe *cqe;
    unsigned head, count = 0;

    io_uring_for_each_cqe(&u->ring, head, cqe)
    {
        on_completion(u, cqe);
        count++;
    }
    io_uring_cq_advance(&u->ring, count);
}

/* --- turns --- */

/* Polls the eventfd for wakes. The multishot poll completes with each write, so the counter is never read. */
static void watch_wake(struct uring_io *u)
{
    struct io_uring_sqe *sqe = entry(u);

    if (sqe == NULL)
        return;
    io_uring_prep_poll_multishot(sqe, u->wakefd, POLLIN);
    io_uring_sqe_set_data64(sqe, MARK_WAKE);
    u->watching_wake = true;
}

/* Starts the operations and cancels that could not be started before. */
static void catch_up(struct uring_io *u)
{
    struct weir__list retry, *node;

    if (!u->watching_wake)
        watch_wake(u);
    weir__list_init(&retry);
    weir__list_move_all(&retry, &u->unsent);
    while ((node = weir__list_pop_front(&retry)) != NULL)
        start(u, op_of_queue(node));
    weir__list_move_all(&retry, &u->uncancelled);
    while ((node = weir__list_pop_front(&retry)) != NULL)
        send_cancel(u, op_of_queue(node));
    fill_ring(u);
    /* As many as there are buffers, because bytes are there for all of them. */
    for (unsigned i = 0; i < u->in_ring && (node = weir__list_pop_front(&u->starved)) != NULL; i++)
        start(u, op_of_queue(node));
}

/* Whether an enter without waiting has work to do. */
static bool kernel_has_work(struct uring_io *u)
{
    unsigned flags = IO_URING_READ_ONCE(*u->ring.sq.kflags);

    return io_uring_sq_ready(&u->ring) > 0 || (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW));
}

static void submit_and_wait(struct uring_io *u, int64_t wait_until_ns)
{
    struct timespec wait;
    bool limited = weir__io_os_wait(wait_until_ns, &wait);
    struct __kernel_timespec timeout = {.tv_sec = limited ? wait.tv_sec : 0,
                                        .tv_nsec = limited ? wait.tv_nsec : 0};
    struct io_uring_cqe *first;

    weir__io_sleeps(&u->io);
    (void)io_uring_submit_and_wait_timeout(&u->ring, &first, 1, limited ? &timeout : NULL, NULL);
    weir__io_woke(&u->io);
}

static int uring_turn(struct weir__io *io, int64_t wait_until_ns)
{
    struct uring_io *u = self(io);
    bool ready;

    catch_up(u);
    ready = io_uring_cq_ready(&u->ring) > 0 || !weir__list_is_empty(&u->unsent) || !u->watching_wake;
    if (ready || wait_until_ns == WEIR__IO_NO_WAIT) {
        if (kernel_has_work(u))
            (void)io_uring_submit_and_get_events(&u->ring); /* entries it refuses stay queued */
    } else {
        submit_and_wait(u, wait_until_ns);
    }
    reap(u);
    return 0;
}

static void uring_wake(struct weir__io *io)
{
    weir__io_os_wake(self(io)->wakefd);
}

const struct weir__io_backend weir__io_uring = {
    .name = "uring",
    .open = uring_open,
    .free = uring_free,
    .now_ns = weir__io_os_now_ns,
    .socket = weir__io_os_socket,
    .listen = weir__io_os_listen,
    .close_fd = weir__io_os_close,
    .accept = weir__io_os_accept,
    .stop_listening = weir__io_os_stop_listening,
    .attach = uring_attach,
    .detach = uring_detach,
    .address = weir__io_os_address,
    .any_thread_address = true,
    .shutdown = weir__io_os_shutdown,
    .reset_on_close = weir__io_os_reset_on_close,
    .send_now = weir__io_os_send_now,
    .receive_now = weir__io_os_receive_now,
    .pipe = weir__io_os_pipe,
    .splice_in = weir__io_os_splice,
    .splice_out = weir__io_os_splice_out,
    .send_file = weir__io_os_send_file,
    .ask = weir__io_os_ask,
    .tune = weir__io_os_tune,
    .taken = weir__io_os_taken,
    .submit = uring_submit,
    .cancel = uring_cancel,
    .give_back = uring_give_back,
    .turn = uring_turn,
    .wake = uring_wake,
};
