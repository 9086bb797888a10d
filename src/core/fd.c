/* SPDX-License-Identifier: MIT */
/* Descriptors of other libraries. One poll for each direction serves all that wait for it. It outlives a wait
 * that was cancelled, or won by another case of a select: the next wait finds it under way. */
#include "core/fd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/handle.h"
#include "core/misuse.h"
#include "core/task.h"
#include "core/wait_queue.h"

enum { TRIES_MAX = 64 };

struct direction {
    struct weir__io_op op;
    struct weir_fd *fd;
    bool polling;
    bool stale; /* the poll began for an earlier wait: what it saw may have been used meanwhile */
    uint8_t tries;
};

struct weir_fd {
    struct weir__handle handle;
    struct weir__io_file file;
    struct weir__list waiters;
    struct direction in, out;
    struct weir__io_op close;
    struct weir__task *closer; /* the task that waits for the close; NULL: none */
    uint16_t users;            /* calls inside, and the close: the last frees it */
    bool closing;
};

static short events_of(const weir_case *c)
{
    return (short)(c->type >> WEIR_ON_FD_EVENTS_SHIFT);
}

static bool are_right(short events)
{
    return events != 0 && (events & ~(POLLIN | POLLOUT)) == 0;
}

/* --- polling --- */

static int ask(struct weir_fd *f, short events)
{
    return weir__io_ask(weir__loop_current()->io, &f->file, events);
}

/* Begins to poll in one direction. Returns: 0; < 0: the descriptor cannot be polled. */
static int poll_direction(struct direction *d)
{
    if (d->polling) {
        d->stale = true;
        return 0;
    }
    d->stale = false;
    d->polling = !weir__io_submit(weir__loop_current()->io, &d->op);
    if (d->polling)
        return 0;
    return d->op.result < 0 ? d->op.result : -EAGAIN;
}

/* Returns: > 0 what has occurred; 0: the events are being polled; < 0. */
static int begin(struct weir_fd *f, short events)
{
    int now = ask(f, events);

    if (now != -EAGAIN)
        return now;
    now = 0;
    if (events & POLLIN)
        now = poll_direction(&f->in);
    if (now == 0 && (events & POLLOUT))
        now = poll_direction(&f->out);
    return now == -EAGAIN ? ask(f, events) : now; /* it became ready between the two */
}

/* Serves all waiters of some events. Siblings of one select leave together, so each search begins anew. */
static void serve(struct weir_fd *f, short occurred)
{
    bool served;

    do {
        served = false;
        weir__list_each (node, &f->waiters) {
            struct weir__waiter *w = weir__container_of(node, struct weir__waiter, node);
            const weir_case *c = w->item;

            if ((occurred & (events_of(c) | POLLERR | POLLHUP | POLLNVAL)) != 0) {
                weir__queue_serve_waiter(w, f->closing);
                served = true;
                break;
            }
        }
    } while (served);
}

/* Whether a task waits in a direction. */
static bool is_wanted(const struct direction *d)
{
    weir__list_each (node, &d->fd->waiters) {
        const struct weir__waiter *w = weir__container_of(node, struct weir__waiter, node);

        if ((events_of(w->item) & d->op.events) != 0)
            return true;
    }
    return false;
}

static void polled(struct weir__io_op *op)
{
    struct direction *d = weir__container_of(op, struct direction, op);
    struct weir_fd *f = d->fd;
    int occurred = op->result;

    d->polling = false;
    if (f->closing || !is_wanted(d))
        return;
    /* io_uring ends the poll of a file with two queues (a terminal) so when it was woken for nothing: it
     * can't begin again by itself. */
    if (occurred == -EINVAL && d->tries++ < TRIES_MAX)
        occurred = 0;
    else if (occurred > 0)
        d->tries = 0;
    if (occurred > 0 && d->stale)
        occurred = ask(f, (short)op->events);
    if (occurred == 0 || occurred == -EAGAIN)
        occurred = poll_direction(d);
    if (occurred != 0)
        serve(f, occurred < 0 ? POLLERR : (short)occurred);
}

static void direction_init(struct direction *d, struct weir_fd *f, short events)
{
    d->fd = f;
    d->op.type = WEIR__IO_POLL;
    d->op.file = &f->file;
    d->op.done = polled;
    d->op.events = (uint16_t)events;
}

/* --- opening and closing --- */

static void leave(struct weir_fd *f)
{
    if (--f->users == 0 && f->closing)
        weir__handle_free(&f->handle);
}

static void closed(struct weir__io_op *op)
{
    struct weir_fd *f = weir__container_of(op, struct weir_fd, close);

    if (f->closer != NULL)
        weir__wake(f->closer, 0);
    leave(f);
}

/* Returns: whether it has been closed at once. */
static bool begin_to_close(struct weir_fd *f, struct weir__task *closer)
{
    weir__handle_close(&f->handle);
    f->closing = true;
    f->closer = NULL;
    f->users++;
    serve(f, POLLIN | POLLOUT);
    f->close.done = closed;
    if (!weir__io_close_file(weir__loop_current()->io, &f->file, &f->close)) {
        f->closer = closer;
        return false;
    }
    leave(f);
    return true;
}

static bool end(struct weir__handle *h)
{
    (void)begin_to_close(weir__container_of(h, struct weir_fd, handle), NULL);
    return true;
}

static void free_handle(struct weir__handle *h)
{
    free(weir__container_of(h, struct weir_fd, handle));
}

static const struct weir__handle_type descriptors = {"descriptors (weir_fd)", end, free_handle};

static int open_at(int fd, const void *opened_at, weir_fd **out)
{
    struct weir_fd *f = calloc(1, sizeof *f);
    int err;

    if (f == NULL)
        return -ENOMEM;
    err = weir__io_attach(weir__loop_current()->io, &f->file, fd, true);
    if (err < 0) {
        free(f);
        return err;
    }
    weir__list_init(&f->waiters);
    direction_init(&f->in, f, POLLIN);
    direction_init(&f->out, f, POLLOUT);
    weir__handle_open(&f->handle, &descriptors, opened_at);
    *out = f;
    return 0;
}

int weir_fd_open(int fd, weir_fd **out)
{
    (void)weir__calling_task(__func__);
    return open_at(fd, __builtin_return_address(0), out);
}

static const struct weir__wait_class closing = {"closing", NULL, .charge = WEIR_CHARGE_OTHER};

static void close_in(struct weir_fd *f, struct weir__task *self)
{
    if (!begin_to_close(f, self))
        (void)weir__park(&closing, NULL, NULL);
}

void weir_fd_close(weir_fd *f)
{
    if (f == NULL)
        return;
    weir__check_loop(f->handle.loop, __func__, "a weir_fd");
    close_in(f, weir__calling_task(__func__));
}

/* --- waiting --- */

static bool describe(const struct weir__look *look, const struct weir__task *task,
                     struct weir__wait_words *out)
{
    struct weir__waiting w;
    struct weir__waiter waiter;
    struct weir_fd f;
    weir_case c;

    if (!weir__peek(&look->peek, task->wait_arg, &w, sizeof w) ||
        !weir__peek(&look->peek, w.object, &f, sizeof f) ||
        !weir__peek(&look->peek, w.waiters, &waiter, sizeof waiter) ||
        !weir__peek(&look->peek, waiter.item, &c, sizeof c))
        return false;
    (void)snprintf(out->text, sizeof out->text, "descriptor %d to be %s", f.file.fd,
                   (events_of(&c) & POLLIN) == 0    ? "writable"
                   : (events_of(&c) & POLLOUT) == 0 ? "readable"
                                                    : "readable or writable");
    return true;
}

static const struct weir__wait_class foreign = {"a foreign descriptor", describe,
                                                .charge = WEIR_CHARGE_STREAM};

static int wait_for(struct weir__task *self, struct weir_fd *f, short events,
                    const struct weir__wait_class *wait_class, const void *object, const char *function)
{
    weir_case c = weir_on_fd(f, events);
    int result = weir__wait_begin_of(self);

    if (result == 0)
        result = begin(f, events);
    if (result != 0)
        return result;
    f->users++;
    result = weir__queue_wait(self, &f->waiters, &c, object, wait_class, function);
    if (result == 0 && !f->closing)
        result = ask(f, events);
    if (result == -EAGAIN) /* another task has used it meanwhile */
        result = events;
    leave(f);
    return result;
}

int weir_fd_wait(weir_fd *f, short events)
{
    struct weir__task *self = weir__calling_task(__func__);

    weir__check_loop(f->handle.loop, __func__, "a weir_fd");
    return are_right(events) ? wait_for(self, f, events, &foreign, f, __func__) : -EINVAL;
}

int weir__fd_wait(weir_fd *f, short events, const struct weir__wait_class *wait_class, const void *object)
{
    return wait_for(weir__task_current(), f, events, wait_class, object, "weir_fd_wait");
}

int weir_wait_fd(int fd, short events)
{
    struct weir__task *self = weir__calling_task(__func__);
    weir_fd *f;
    int err;

    if (!are_right(events))
        return -EINVAL;
    err = open_at(fd, __builtin_return_address(0), &f);
    if (err < 0)
        return err;
    err = wait_for(self, f, events, &foreign, f, __func__);
    close_in(f, self);
    return err;
}

/* --- for weir_select() --- */

void weir__fd_check(const weir_case *c, const struct weir__loop *here, const char *function)
{
    const struct weir_fd *f = c->object;

    weir__check_object(f->handle.loop, here, function, "a weir_fd");
    if (!are_right(events_of(c)))
        weir__misuse(function, "with a weir_on_fd() without events", "write POLLIN or POLLOUT, or both");
}

bool weir__fd_try(const weir_case *c)
{
    return begin(c->object, events_of(c)) != 0;
}

struct weir__list *weir__fd_queue(const weir_case *c)
{
    return &((struct weir_fd *)c->object)->waiters;
}
