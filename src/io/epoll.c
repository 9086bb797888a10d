/* SPDX-License-Identifier: MIT */
/* The backend "epoll" of the kernel seam, for kernels and containers that forbid io_uring.
 *
 * Edge-triggered, with readiness tracked for each file, so that no call is made that must fail:
 *   - an operation is tried at once if the file may be ready. The descriptor is registered only when an
 * operation has to wait, and only for the directions in which one ever had to.
 *   - a short read from TCP means that the queue is empty: READY_IN is cleared without a further read for
 * EAGAIN. There are two exceptions, which TRUST excludes: after the end or an error was announced no further
 * edge would come; and urgent data or a passed descriptor may cut a read short.
 *   - foreign descriptors are read by others, so nothing can be tracked: they are armed once for each poll.
 *
 * An event carries the descriptor and the generation of its slot, so an event for a closed descriptor never
 * reaches the next holder of its number.
 */
#include "io/backend.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io/buffers.h"
#include "io/os.h"
#include "io/os_calls.h"

static const uint64_t wake_mark = UINT64_MAX;

/* file->ready */
enum {
    READY_IN = 1,
    READY_OUT = 2,
    READY_END = 4, /* end or error was announced */
    TRUST = 8,     /* a short read means there is no more */
    ADDED = 16,    /* registered with epoll, for reading */
    ADDED_OUT = 32 /* for writing as well */
};

/* Results that mean waiting. NO_BUFFER is no errno. */
enum { NO_BUFFER = INT32_MIN, WOULD_BLOCK = -EAGAIN };

struct slot {
    struct weir__io_file *file;
    uint32_t generation;
};

struct epoll_io {
    struct weir__io io;
    int epfd;
    int wakefd;
    bool no_pwait2;     /* kernel < 5.11, or refused by a filter of system calls */
    struct slot *slots; /* by descriptor */
    unsigned slot_count;
    struct weir__list starved; /* by queue: RECV_LENT with bytes but without a buffer */
    struct weir__io_buffers buffers;
    struct epoll_event events[WEIR__IO_BATCH_MAX];
};

static struct epoll_io *self(struct weir__io *io)
{
    return weir__container_of(io, struct epoll_io, io);
}

/* --- opening --- */

static int open_fds(struct epoll_io *e)
{
    /* Edge-triggered: each write is an event, so the counter is never read. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = wake_mark};
    int rc;

    e->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (e->epfd < 0)
        return -errno;
    e->wakefd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (e->wakefd >= 0 && epoll_ctl(e->epfd, EPOLL_CTL_ADD, e->wakefd, &event) == 0)
        return 0;
    rc = -errno;
    if (e->wakefd >= 0)
        close(e->wakefd);
    close(e->epfd);
    return rc;
}

static int epoll_open(const struct weir__io_options *options, struct weir__io **out)
{
    struct epoll_io *e = calloc(1, sizeof *e);
    int rc;

    (void)options;
    if (e == NULL)
        return -ENOMEM;
    weir__list_init(&e->starved);
    rc = weir__io_buffers_open(&e->buffers);
    if (rc < 0) {
        free(e);
        return rc;
    }
    rc = open_fds(e);
    if (rc < 0) {
        weir__io_buffers_close(&e->buffers);
        free(e);
        return rc;
    }
    *out = &e->io;
    return 0;
}

static void epoll_free(struct weir__io *io)
{
    struct epoll_io *e = self(io);

    close(e->wakefd);
    close(e->epfd);
    weir__io_buffers_close(&e->buffers);
    free(e->slots);
    free(e);
}

/* --- files --- */

static int make_slot(struct epoll_io *e, unsigned fd)
{
    unsigned count = e->slot_count == 0 ? 64 : e->slot_count;
    struct slot *slots;

    if (fd < e->slot_count)
        return 0;
    while (count <= fd)
        count *= 2;
    slots = realloc(e->slots, count * sizeof *slots);
    if (slots == NULL)
        return -ENOMEM;
    for (unsigned i = e->slot_count; i < count; i++)
        slots[i] = (struct slot){0};
    e->slots = slots;
    e->slot_count = count;
    return 0;
}

static int epoll_attach(struct weir__io *io, struct weir__io_file *file)
{
    struct epoll_io *e = self(io);
    int fd = file->fd, tcp = weir__io_os_take(fd, file->foreign), rc;

    if (tcp < 0)
        return tcp;
    file->tcp = tcp;
    if ((unsigned)fd < e->slot_count && e->slots[fd].file != NULL) {
        if (!e->slots[fd].file->foreign)
            return -EEXIST;
        /* The foreign descriptor in the slot is either attached twice, which epoll allows only under another
         * number, or was closed before it was detached, so its slot is in fact free. */
        if (file->foreign && (fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0)
            return -errno;
    }
    rc = make_slot(e, (unsigned)fd);
    if (rc < 0) {
        if (fd != file->fd)
            close(fd);
        return rc;
    }
    e->slots[fd].file = file;
    e->slots[fd].generation++;
    file->slot = (uint32_t)fd;
    if (!file->foreign)
        file->ready = (uint8_t)(READY_IN | READY_OUT | (tcp ? TRUST : 0));
    return 0;
}

static void epoll_detach(struct weir__io *io, struct weir__io_file *file)
{
    struct epoll_io *e = self(io);
    struct slot *slot = &e->slots[file->slot];

    if (slot->file == file) { /* else the file is foreign, and its number has a new holder */
        slot->file = NULL;
        /* close() would do this, too, but not while a child process has a copy of the descriptor. */
        if (file->ready & ADDED)
            (void)epoll_ctl(e->epfd, EPOLL_CTL_DEL, (int)file->slot, NULL);
    }
    if ((int)file->slot != file->fd)
        close((int)file->slot);
}

/* Registers for events, or changes them. Returns: 0 or a negative errno. */
static int control(struct epoll_io *e, struct weir__io_file *file, uint32_t events)
{
    struct slot *slot = &e->slots[file->slot];
    struct epoll_event event = {.events = events, .data.u64 = (uint64_t)slot->generation << 32 | file->slot};
    int command = file->ready & ADDED ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int rc;

    if (slot->file != file)
        return -EBADF;
    rc = epoll_ctl(e->epfd, command, (int)file->slot, &event);
    if (rc < 0 && errno == ENOENT) /* a foreign descriptor was closed, and its number reused */
        rc = epoll_ctl(e->epfd, EPOLL_CTL_ADD, (int)file->slot, &event);
    if (rc < 0)
        return -errno;
    file->ready |= ADDED;
    return 0;
}

static int arm(struct epoll_io *e, struct weir__io_file *file, bool out)
{
    uint8_t need = (uint8_t)(out ? ADDED | ADDED_OUT : ADDED);
    int rc;

    if ((file->ready & need) == need)
        return 0;
    /* A file stays registered for writing, because its edges are rare, and a change costs a system call. */
    rc = control(e, file, EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET | (out ? (uint32_t)EPOLLOUT : 0));
    if (rc == 0)
        file->ready |= need;
    return rc;
}

/* --- attempts: each returns the result, or WOULD_BLOCK after clearing the readiness --- */

static int32_t try_accept(struct weir__io_file *file, struct weir__io_op *op)
{
    socklen_t *len = op->addr == NULL ? NULL : &op->addr_len;
    int fd = weir__io_os_try_accept(file, op->addr, len);

    if (fd == -EAGAIN)
        file->ready &= (uint8_t)~READY_IN;
    return fd; /* after EMFILE and the like the connection is still there, and the file still ready */
}

static int32_t receive(struct weir__io_file *file, char *data, size_t len)
{
    ssize_t n = weir__io_os_recv(file->fd, data, len, 0);

    if (n < 0) {
        if (errno == EAGAIN)
            file->ready &= (uint8_t)~READY_IN;
        return -errno;
    }
    if ((size_t)n < len && n > 0 && (file->ready & (TRUST | READY_END)) == TRUST)
        file->ready &= (uint8_t)~READY_IN;
    return (int32_t)n;
}

static int32_t try_recv_lent(struct epoll_io *e, struct weir__io_file *file, struct weir__io_op *op)
{
    int number = weir__io_buffers_take(&e->buffers);
    char *data;
    int32_t n;

    if (number < 0)
        return NO_BUFFER;
    data = weir__io_buffers_data(&e->buffers, (unsigned)number);
    n = receive(file, data, WEIR__IO_BUFFERS_BYTES);
    op->data = n > 0 ? data : NULL;
    if (n <= 0)
        weir__io_buffers_put(&e->buffers, (unsigned)number);
    return n;
}

static int32_t try_send(struct weir__io_file *file, struct weir__io_op *op)
{
    const struct iovec *iov = op->msg->msg_iov;
    size_t len = 0;
    ssize_t n;

    for (size_t i = 0; i < op->msg->msg_iovlen; i++)
        len += iov[i].iov_len;
    /* For one piece, the common case, the kernel need not copy the message and its vector. */
    n = op->msg->msg_iovlen == 1 ? weir__io_os_send(file->fd, iov->iov_base, len, MSG_NOSIGNAL)
                                 : weir__io_os_sendmsg(file->fd, op->msg, MSG_NOSIGNAL);
    if (n < 0) {
        if (errno == EAGAIN)
            file->ready &= (uint8_t)~READY_OUT;
        return -errno;
    }
    if ((size_t)n < len)
        file->ready &= (uint8_t)~READY_OUT;
    return (int32_t)n;
}

static int32_t connect_result(struct weir__io_file *file)
{
    int err = 0;
    socklen_t len = sizeof err;

    if (getsockopt(file->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
        err = errno;
    return -err;
}

/* Tries op if the file is ready for it. */
static int32_t try(struct epoll_io *e, struct weir__io_op *op)
{
    struct weir__io_file *file = op->file;
    uint8_t needed = op->type == WEIR__IO_SEND || op->type == WEIR__IO_CONNECT ? READY_OUT : READY_IN;

    if (!(file->ready & needed))
        return WOULD_BLOCK;
    switch (op->type) {
    case WEIR__IO_ACCEPT:
        return try_accept(file, op);
    case WEIR__IO_RECV:
        return receive(file, op->data, op->len > INT32_MAX ? INT32_MAX : op->len);
    case WEIR__IO_RECV_LENT:
        return try_recv_lent(e, file, op);
    case WEIR__IO_SEND:
        return try_send(file, op);
    case WEIR__IO_CONNECT:
        return connect_result(file);
    default:
        return -EINVAL;
    }
}

/* --- submitting --- */

static bool end(struct weir__io_op *op, int32_t result)
{
    op->result = result;
    return true;
}

/* Arms a foreign file for the events of all its pending polls, and more. */
static int arm_foreign(struct epoll_io *e, struct weir__io_file *file, uint32_t more)
{
    uint32_t events = more;

    weir__list_each (node, &file->ops)
        events |= weir__container_of(node, struct weir__io_op, node)->events;
    return control(e, file, events | EPOLLONESHOT); /* POLLIN and the like have the same bits in epoll */
}

static bool submit_poll(struct epoll_io *e, struct weir__io_op *op)
{
    struct weir__io_file *file = op->file;
    struct pollfd now = {.fd = file->fd, .events = (short)op->events};
    int rc;

    if (file->foreign) {
        rc = arm_foreign(e, file, op->events);
        if (rc == -EPERM) /* a regular file: always ready, as poll(2) says */
            return end(op, op->events);
        return rc < 0 && end(op, rc);
    }
    if (poll(&now, 1, 0) > 0)
        return end(op, now.revents);
    rc = arm(e, file, op->events & POLLOUT);
    return rc < 0 && end(op, rc);
}

static bool submit_connect(struct epoll_io *e, struct weir__io_op *op)
{
    struct weir__io_file *file = op->file;
    int rc = connect(file->fd, op->addr, op->addr_len) < 0 ? -errno : 0;

    /* No bytes have come yet, and readiness that was seen before this call says nothing. */
    file->ready &= (uint8_t) ~(READY_IN | READY_END);
    if (rc != -EINPROGRESS)
        return end(op, rc);
    file->ready &= (uint8_t)~READY_OUT;
    rc = arm(e, file, true);
    return rc < 0 && end(op, rc);
}

/* Whether op must wait for a buffer behind others. Without this a busy stream would take each buffer that it
 * has just handed back. */
static bool waits_for_buffer(struct epoll_io *e, const struct weir__io_op *op)
{
    return op->type == WEIR__IO_RECV_LENT && (op->file->ready & READY_IN) &&
           !weir__list_is_empty(&e->starved);
}

static bool epoll_submit(struct weir__io *io, struct weir__io_op *op)
{
    struct epoll_io *e = self(io);
    int32_t result;
    int rc;

    if (op->type == WEIR__IO_POLL)
        return submit_poll(e, op);
    if (op->type == WEIR__IO_CONNECT)
        return submit_connect(e, op);
    result = waits_for_buffer(e, op) ? NO_BUFFER : try(e, op);
    if (result == NO_BUFFER) {
        weir__list_push_back(&e->starved, &op->queue);
        return false;
    }
    if (result != WOULD_BLOCK)
        return end(op, result);
    rc = arm(e, op->file, op->type == WEIR__IO_SEND);
    return rc < 0 && end(op, rc);
}

static void epoll_cancel(struct weir__io *io, struct weir__io_op *op)
{
    weir__list_remove(&op->queue);
    weir__io_finish(io, op, -ECANCELED);
}

static void epoll_give_back(struct weir__io *io, char *data)
{
    struct epoll_io *e = self(io);

    weir__io_buffers_put(&e->buffers, weir__io_buffers_number(&e->buffers, data));
}

/* --- events --- */

static void try_again(struct epoll_io *e, struct weir__io_op *op)
{
    int32_t result = try(e, op);

    if (result == WOULD_BLOCK) {
        /* It may have waited only for a buffer so far, so the file may not be registered. */
        result = arm(e, op->file, op->type == WEIR__IO_SEND);
        if (result == 0)
            return;
    }
    if (result == NO_BUFFER)
        weir__list_push_back(&e->starved, &op->queue);
    else
        weir__io_finish(&e->io, op, result);
}

static void finish_polls(struct epoll_io *e, struct weir__io_file *file, uint32_t events)
{
    weir__list_each_safe (node, &file->ops) {
        struct weir__io_op *op = weir__container_of(node, struct weir__io_op, node);
        uint32_t there = events & (op->events | POLLERR | POLLHUP);
        if (op->type == WEIR__IO_POLL && there != 0)
            weir__io_finish(&e->io, op, (int32_t)there);
    }
}

static void on_foreign_event(struct epoll_io *e, struct weir__io_file *file, uint32_t events)
{
    finish_polls(e, file, events);
    if (!weir__list_is_empty(&file->ops))
        (void)arm_foreign(e, file, 0);
}

static void on_event(struct epoll_io *e, struct weir__io_file *file, uint32_t events)
{
    if (events & EPOLLPRI)
        file->ready &= (uint8_t)~TRUST;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        file->ready |= READY_END;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        file->ready |= READY_IN;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        file->ready |= READY_OUT;
    finish_polls(e, file, events);
    weir__list_each_safe (node, &file->ops) {
        struct weir__io_op *op = weir__container_of(node, struct weir__io_op, node);
        if (op->type == WEIR__IO_POLL ||
            !weir__list_is_empty(&op->queue)) /* in queue: it waits for a buffer */
            continue;
        if (waits_for_buffer(e, op))
            weir__list_push_back(&e->starved, &op->queue);
        else
            try_again(e, op);
    }
}

static void feed_starved(struct epoll_io *e)
{
    while (e->buffers.free_count > 0) {
        struct weir__list *node = weir__list_pop_front(&e->starved);
        if (node == NULL)
            return;
        try_again(e, weir__container_of(node, struct weir__io_op, queue));
    }
}

static int wait_ms(const struct timespec *wait)
{
    if (wait == NULL)
        return -1;
    if (wait->tv_sec > 1000000)
        return 1000000000;
    return (int)(wait->tv_sec * 1000 + (wait->tv_nsec + 999999) / 1000000);
}

static int wait_for_events(struct epoll_io *e, const struct timespec *wait)
{
    const int most = (int)e->io.batch;

    if (!e->no_pwait2) {
        int n = epoll_pwait2(e->epfd, e->events, most, wait, NULL);
        if (n >= 0 || errno == EINTR)
            return n;
        e->no_pwait2 = true;
    }
    return epoll_wait(e->epfd, e->events, most, wait_ms(wait));
}

static void on_events(struct epoll_io *e, int count)
{
    for (int i = 0; i < count; i++) {
        uint64_t mark = e->events[i].data.u64;
        struct slot *slot;
        if (mark == wake_mark)
            continue;
        slot = &e->slots[(uint32_t)mark];
        if (slot->file == NULL || slot->generation != mark >> 32)
            continue;
        if (slot->file->foreign)
            on_foreign_event(e, slot->file, e->events[i].events);
        else
            on_event(e, slot->file, e->events[i].events);
    }
}

static int epoll_turn(struct weir__io *io, int64_t wait_until_ns)
{
    struct epoll_io *e = self(io);
    struct timespec wait;
    bool limited, may_sleep;
    int count;

    feed_starved(e);
    if (!weir__list_is_empty(&io->finished))
        wait_until_ns = WEIR__IO_NO_WAIT;
    limited = weir__io_os_wait(wait_until_ns, &wait);
    may_sleep = wait_until_ns != WEIR__IO_NO_WAIT;
    if (may_sleep)
        weir__io_sleeps(io);
    count = wait_for_events(e, limited ? &wait : NULL);
    if (may_sleep)
        weir__io_woke(io);
    on_events(e, count);
    return 0;
}

static void epoll_wake(struct weir__io *io)
{
    weir__io_os_wake(self(io)->wakefd);
}

const struct weir__io_backend weir__io_epoll = {
    .name = "epoll",
    .open = epoll_open,
    .free = epoll_free,
    .now_ns = weir__io_os_now_ns,
    .socket = weir__io_os_socket,
    .listen = weir__io_os_listen,
    .close_fd = weir__io_os_close,
    .accept = weir__io_os_accept,
    .stop_listening = weir__io_os_stop_listening,
    .attach = epoll_attach,
    .detach = epoll_detach,
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
    .submit = epoll_submit,
    .cancel = epoll_cancel,
    .give_back = epoll_give_back,
    .turn = epoll_turn,
    .wake = epoll_wake,
};
