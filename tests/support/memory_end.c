/* SPDX-License-Identifier: MIT */
#include "support/memory_inside.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { BACKLOG = 4096 };

static const struct weir__transport_type memory_type;

static struct end *end_of(const struct weir__transport *t)
{
    return weir__container_of(t, struct end, transport);
}

struct end *end_new(struct memory *m)
{
    struct end *e = calloc(1, sizeof *e);

    assert_non_null(e);
    e->transport.type = &memory_type;
    e->memory = m;
    e->fd = -1;
    weir__list_init(&e->queued);
    weir__list_init(&e->segments);
    weir__list_init(&e->finished);
    weir__list_init(&e->waiting);
    weir__list_push_back(&m->ends, &e->node);
    return e;
}

int64_t end_due_ns(const struct end *e)
{
    if (!weir__list_is_empty(&e->finished) || (e->closer != NULL && e->undone == 0))
        return 0;
    if (e->sending != NULL && !e->connected)
        return e->connects_ns;
    if (e->sending != NULL && !e->doomed &&
        (e->peer == NULL || e->peer->unread < e->memory->options.buffer_bytes))
        return 0;
    weir__list_each (node, &e->segments) {
        const struct segment *s = weir__container_of(node, struct segment, node);
        if (!s->arrived)
            return s->at_ns;
    }
    return INT64_MAX;
}

static void finish(struct end *e, struct weir__io_op **slot, int32_t result)
{
    struct weir__io_op *op = *slot;

    *slot = NULL;
    op->result = result;
    if (op->type == WEIR__IO_RECV_LENT && result <= 0)
        op->data = NULL;
    weir__list_push_back(&e->finished, &op->node);
    memory_schedule(e);
}

/* --- a queue --- */

static void pass_on(struct end *queue)
{
    struct end *e;

    if (queue->receiving == NULL || weir__list_is_empty(&queue->waiting))
        return;
    e = weir__container_of(weir__list_pop_front(&queue->waiting), struct end, queued);
    queue->waiting_count--;
    finish(queue, &queue->receiving, e->fd);
}

static int accept_now(struct weir__transport *t)
{
    struct end *queue = end_of(t);
    struct end *e;

    if (queue->stopped)
        return -EINVAL;
    if (weir__list_is_empty(&queue->waiting))
        return -EAGAIN;
    e = weir__container_of(weir__list_pop_front(&queue->waiting), struct end, queued);
    queue->waiting_count--;
    return e->fd;
}

/* --- connecting --- */

/* The address of this side of a connection to another. */
static struct weir__address local_address(struct memory *m, const struct weir__address *to)
{
    struct weir__address own = *to;

    if (to->any.sa_family == AF_UNIX) {
        memset(&own, 0, sizeof own);
        own.len = sizeof own.any.sa_family;
        own.any.sa_family = AF_UNIX;
    } else {
        *memory_port_of(&own) = htons(m->next_port++);
    }
    return own;
}

static void start_connecting(struct end *e, const struct weir__io_op *op)
{
    struct memory *m = e->memory;
    struct end *queue, *other;

    e->remote = (struct weir__address){.len = op->addr_len};
    memcpy(&e->remote.storage, op->addr, op->addr_len);
    e->own = local_address(m, &e->remote);
    e->connects_ns = memory_now_ns(m) + 2 * m->options.delay_max_ns;
    queue = memory_find_queue(m, &e->remote);
    if (queue == NULL || queue->waiting_count == BACKLOG) {
        e->connect_result = e->remote.any.sa_family == AF_UNIX ? -ENOENT : -ECONNREFUSED;
        return;
    }
    other = end_new(m);
    other->connected = true;
    other->own = e->remote;
    other->remote = e->own;
    other->peer = e;
    other->fd = m->next_fd++;
    e->peer = other;
    weir__list_push_back(&queue->waiting, &other->queued);
    queue->waiting_count++;
    pass_on(queue);
}

/* --- operations --- */

static bool is_over(const struct end *e)
{
    return e->broken || (e->shut && e->ended);
}

static void resume_sending(struct end *e)
{
    int32_t result;

    if (e->sending != NULL && e->connected && segments_send(e, e->sending->msg, true, &result))
        finish(e, &e->sending, result);
}

static bool try_now(struct end *e, struct weir__io_op *op)
{
    if (e->closing) {
        op->result = -ECANCELED;
        if (op->type == WEIR__IO_RECV_LENT)
            op->data = NULL;
        return true;
    }
    if (!memory_chance(e->memory, e->memory->options.inline_per_million))
        return false;
    switch (op->type) {
    case WEIR__IO_RECV:
    case WEIR__IO_RECV_LENT:
        if (!segments_receive(e, op, &op->result))
            return false;
        if (op->type == WEIR__IO_RECV_LENT && op->result <= 0)
            op->data = NULL;
        return true;
    case WEIR__IO_SEND:
        return segments_send(e, op->msg, true, &op->result);
    case WEIR__IO_ACCEPT:
        op->result = accept_now(&e->transport);
        return op->result != -EAGAIN;
    default:
        return false;
    }
}

/* What can end does, in a later turn. */
static void try_pending(struct end *e)
{
    int32_t result;

    if (e->is_queue) {
        if (e->receiving != NULL && e->stopped)
            finish(e, &e->receiving, -EINVAL);
        else
            pass_on(e);
        return;
    }
    if (e->receiving != NULL && segments_receive(e, e->receiving, &result))
        finish(e, &e->receiving, result);
    resume_sending(e);
    if (e->ending != NULL && is_over(e))
        finish(e, &e->ending, POLLHUP);
    if (e->watching != NULL && (e->broken || e->ended))
        finish(e, &e->watching, e->broken ? POLLRDHUP | POLLHUP : POLLRDHUP);
}

static bool submit(struct weir__transport *t, struct weir__io_op *op)
{
    struct end *e = end_of(t);
    struct weir__io_op **slot = op->type == WEIR__IO_SEND || op->type == WEIR__IO_CONNECT ? &e->sending
                                : op->type != WEIR__IO_POLL                               ? &e->receiving
                                : op->events != 0                                         ? &e->watching
                                                                                          : &e->ending;

    if (try_now(e, op))
        return true;
    assert_null(*slot);
    *slot = op;
    e->undone++;
    if (op->type == WEIR__IO_CONNECT)
        start_connecting(e, op);
    else
        try_pending(e);
    memory_schedule(e);
    return false;
}

static void cancel(struct weir__transport *t, struct weir__io_op *op)
{
    struct end *e = end_of(t);
    struct weir__io_op **slots[] = {&e->receiving, &e->sending, &e->ending, &e->watching};

    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
        if (*slots[i] == op)
            finish(e, slots[i], -ECANCELED);
}

static void give_back(struct weir__transport *t, char *data)
{
    struct memory *m = end_of(t)->memory;

    assert_true(m->lent > 0);
    m->lent--;
    free(data);
}

static ssize_t send_now(struct weir__transport *t, const void *data, size_t bytes)
{
    struct iovec piece = {(void *)(uintptr_t)data, bytes};
    struct msghdr msg = {.msg_iov = &piece, .msg_iovlen = 1};
    struct end *e = end_of(t);
    int32_t result;

    assert_null(e->sending);
    if (e->closing)
        return -EBADF;
    return segments_send(e, &msg, false, &result) ? result : -EAGAIN;
}

static int shut_down(struct weir__transport *t)
{
    struct end *e = end_of(t);

    assert_null(e->sending);
    if (!e->connected || e->broken)
        return -ENOTCONN;
    if (!e->shut && e->peer != NULL)
        (void)segment_put(e->peer, END, 0);
    e->shut = true;
    if (e->ending != NULL && is_over(e))
        finish(e, &e->ending, POLLHUP);
    return 0;
}

static void reset_on_close(struct weir__transport *t)
{
    end_of(t)->resets = true;
}

/* --- time passes --- */

void end_dispatch(struct end *e)
{
    struct weir__list batch, *node;
    struct weir__io_op *closer;

    if (e->sending != NULL && !e->connected && e->connects_ns <= memory_now_ns(e->memory)) {
        e->connected = e->connect_result == 0;
        finish(e, &e->sending, e->connect_result);
    }
    segments_arrive(e);
    try_pending(e);
    weir__list_init(&batch);
    weir__list_move_all(&batch, &e->finished);
    e->dispatching = true;
    while ((node = weir__list_pop_front(&batch)) != NULL) {
        struct weir__io_op *op = weir__container_of(node, struct weir__io_op, node);
        e->undone--;
        op->done(op);
    }
    e->dispatching = false;
    closer = e->closer;
    if (closer == NULL || e->undone > 0) {
        memory_schedule(e);
        return;
    }
    e->closer = NULL;
    closer->result = 0;
    closer->done(closer); /* e may be gone from here on */
}

/* --- ending --- */

static void free_end(struct end *e)
{
    segments_free(e);
    weir__list_remove(&e->node);
    free(e);
}

static void leave_peer(struct end *e)
{
    struct end *peer = e->peer;

    if (peer == NULL)
        return;
    peer->peer = NULL;
    e->peer = NULL;
    if (e->resets || e->unread > 0) /* bytes that will never be read: TCP resets then, too */
        (void)segment_put(peer, RESET, 0);
    else if (!e->shut)
        (void)segment_put(peer, END, 0);
    resume_sending(peer);
}

void end_discard(struct end *e)
{
    leave_peer(e);
    free_end(e);
}

static void stop(struct weir__transport *t)
{
    struct end *queue = end_of(t);
    struct weir__list *node;

    queue->stopped = true;
    while ((node = weir__list_pop_front(&queue->waiting)) != NULL) {
        struct end *e = weir__container_of(node, struct end, queued);
        e->resets = true;
        end_discard(e);
    }
    queue->waiting_count = 0;
    try_pending(queue);
}

static bool close_end(struct weir__transport *t, struct weir__io_op *op)
{
    struct end *e = end_of(t);
    struct weir__io_op **slots[] = {&e->receiving, &e->sending, &e->ending, &e->watching};

    assert_false(e->closing);
    if (e->is_queue)
        stop(t);
    e->closing = true;
    leave_peer(e);
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
        if (*slots[i] != NULL)
            finish(e, slots[i], -ECANCELED);
    if (e->undone == 0 && !e->dispatching)
        return true;
    e->closer = op;
    memory_schedule(e);
    return false;
}

static void free_closed(struct weir__transport *t)
{
    struct end *e = end_of(t);

    assert_true(e->undone == 0 && !e->dispatching);
    free_end(e);
}

static int release(struct weir__transport *t)
{
    struct end *e = end_of(t);

    if (e->undone > 0 || e->dispatching)
        return -EBUSY;
    e->fd = e->memory->next_fd++;
    return e->fd;
}

/* --- what is known --- */

static bool counts_acknowledged(const struct weir__transport *t)
{
    return end_of(t)->own.any.sa_family != AF_UNIX;
}

static int acknowledged(struct weir__transport *t, uint64_t *bytes)
{
    const struct end *e = end_of(t);

    *bytes = counts_acknowledged(t) ? e->acknowledged : e->peer != NULL ? e->peer->unread : 0;
    return 0;
}

static int tune(struct weir__transport *t, const struct weir__io_tuning *tuning)
{
    (void)t, (void)tuning;
    return 0;
}

static int address(struct weir__transport *t, bool peer, struct sockaddr_storage *addr, socklen_t *len)
{
    const struct end *e = end_of(t);
    const struct weir__address *a = peer ? &e->remote : &e->own;

    if (peer && (!e->connected || e->broken))
        return -ENOTCONN;
    *addr = a->storage;
    *len = a->len;
    return 0;
}

static const char *alpn(const struct weir__transport *t)
{
    (void)t;
    return "";
}

static bool has_input(struct weir__transport *t)
{
    return segments_are_there(end_of(t));
}

static int share(const struct weir__transport *t)
{
    (void)t;
    return -EOPNOTSUPP;
}

static const struct weir__queue_type queue_type = {accept_now, stop, share};

static const struct weir__transport_type memory_type = {
    .submit = submit,
    .cancel = cancel,
    .give_back = give_back,
    .send_now = send_now,
    .shutdown = shut_down,
    .reset_on_close = reset_on_close,
    .close = close_end,
    .free = free_closed,
    .release = release,
    .counts_acknowledged = counts_acknowledged,
    .acknowledged = acknowledged,
    .tune = tune,
    .address = address,
    .alpn = alpn,
    .has_input = has_input,
    .queue = &queue_type,
};
