/* SPDX-License-Identifier: MIT */
/* A mailbox: a ring of items under a lock that is held for a copy. The first item for a loop that has not
 * been told posts a notice to it; the loop then serves the tasks that wait. */
#include "core/mailbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/handle.h"
#include "core/misuse.h"
#include "core/task.h"
#include "core/thread.h"
#include "core/wait_queue.h"

static const struct weir__wait_class to_send = {"room in a mailbox", NULL, .charge = WEIR_CHARGE_LOCK},
                                     to_receive = {"an item in a mailbox", weir__queue_describe_object,
                                                   .charge = WEIR_CHARGE_LOCK};

/* A sender that waits for room, on the stack of its task or thread. */
struct sender {
    struct weir__list node; /* in no list once it was served */
    const void *item;
    int result;
    weir_mailbox *mailbox;
    struct weir__task *task; /* NULL: a thread, which sleeps on served */
    struct weir__message home;
    atomic_int served;
};

/* --- holds --- */

weir_mailbox *weir_mailbox_hold(weir_mailbox *m)
{
    atomic_fetch_add_explicit(&m->holds, 1, memory_order_relaxed);
    return m;
}

void weir_mailbox_release(weir_mailbox *m)
{
    if (m == NULL || atomic_fetch_sub_explicit(&m->holds, 1, memory_order_acq_rel) > 1)
        return;
    if (m->is_owned)
        weir__misuse(__func__, "of a mailbox that is not held",
                     "release each weir_mailbox_hold() once, and close what weir_mailbox_open() made");
    free(m);
}

/* --- the ring, under the lock --- */

/* A place of the ring, by its index from the first. */
static char *place(weir_mailbox *m, size_t index)
{
    size_t at = m->first + index;

    return m->items + (at < m->capacity ? at : at - m->capacity) * m->item_bytes;
}

static void put(weir_mailbox *m, const void *item)
{
    memcpy(place(m, m->count), item, m->item_bytes);
    m->count++;
}

/* Sends a waiting sender home. A thread may be gone, with the sender, as soon as it is told. */
static void send_home(struct sender *s, int result)
{
    weir__list_remove(&s->node);
    s->result = result;
    if (s->task != NULL) {
        weir__loop_post(s->task->loop, &s->home);
    } else {
        atomic_store(&s->served, 1);
        weir__futex_wake(&s->served);
    }
}

static void fail_senders(weir_mailbox *m)
{
    while (!weir__list_is_empty(&m->senders))
        send_home(weir__container_of(m->senders.next, struct sender, node), -WEIR_ECLOSED);
}

static void serve_sender(weir_mailbox *m)
{
    struct sender *s;

    if (weir__list_is_empty(&m->senders))
        return;
    s = weir__container_of(m->senders.next, struct sender, node);
    put(m, s->item);
    send_home(s, 0);
}

static void deliver(struct weir__message *message);

/* Tells the loop, once until it has looked. The loop can't end while the lock is held: it closes the mailbox
 * before. */
static void notify(weir_mailbox *m)
{
    if (m->is_noticed)
        return;
    m->is_noticed = true;
    (void)weir_mailbox_hold(m);
    m->notice.deliver = deliver;
    weir__loop_post(m->loop, &m->notice);
}

/* --- receiving, on the loop --- */

static bool take(weir_mailbox *m, void *item, bool *closed)
{
    bool found;

    weir__lock_enter(&m->lock);
    found = m->count > 0;
    if (found) {
        memcpy(item, place(m, 0), m->item_bytes);
        m->first = m->first + 1 < m->capacity ? m->first + 1 : 0;
        m->count--;
        serve_sender(m);
    }
    *closed = !found && m->ended;
    weir__lock_leave(&m->lock);
    return found || *closed;
}

/* What waits already comes first: the notice that is on its way then serves it. */
bool weir__mailbox_take(weir_mailbox *m, void *item, bool *closed)
{
    *closed = false;
    return weir__list_is_empty(&m->receivers) && take(m, item, closed);
}

static void deliver(struct weir__message *message)
{
    weir_mailbox *m = weir__container_of(message, struct weir_mailbox, notice);
    bool closed = false;

    weir__lock_enter(&m->lock);
    m->is_noticed = false;
    weir__lock_leave(&m->lock);
    while (m->handle.loop != NULL && !weir__list_is_empty(&m->receivers)) {
        struct weir__waiter *w = weir__container_of(m->receivers.next, struct weir__waiter, node);
        if (!take(m, w->item, &closed))
            break;
        (void)weir__queue_serve(&m->receivers, NULL, NULL, 0, closed);
    }
    weir_mailbox_release(m);
}

int weir_mailbox_receive(weir_mailbox *m, void *item)
{
    struct weir__task *self = weir__calling_task(__func__);
    bool closed;
    int err;

    weir__check_object(m->handle.loop, self->loop, __func__, "a mailbox");
    err = weir__wait_begin_of(self);
    if (err < 0)
        return err;
    if (weir__mailbox_take(m, item, &closed))
        return closed ? -WEIR_ECLOSED : 0;
    return weir__queue_wait(self, &m->receivers, item, m, &to_receive, __func__);
}

int weir_mailbox_try_receive(weir_mailbox *m, void *item)
{
    bool closed;

    weir__check_loop(m->handle.loop, __func__, "a mailbox");
    if (!weir__mailbox_take(m, item, &closed))
        return -EAGAIN;
    return closed ? -WEIR_ECLOSED : 0;
}

/* --- sending, from any thread --- */

/* Under the lock. Returns: 0; -WEIR_EBUSY, -WEIR_ECLOSED. */
static int try_put(weir_mailbox *m, const void *item)
{
    if (m->ended)
        return -WEIR_ECLOSED;
    if (m->count == m->capacity)
        return -WEIR_EBUSY;
    put(m, item);
    notify(m);
    return 0;
}

int weir_mailbox_try_send(weir_mailbox *m, const void *item)
{
    int err;

    weir__lock_enter(&m->lock);
    err = try_put(m, item);
    weir__lock_leave(&m->lock);
    return err;
}

static void came_home(struct weir__message *message)
{
    struct sender *s = weir__container_of(message, struct sender, home);

    weir__wake(s->task, s->result);
}

/* A sender that was served already is on its way home, and wakes there. */
static void stop_sending(struct weir__task *task)
{
    struct sender *s = task->wait_arg;
    bool waits;

    weir__lock_enter(&s->mailbox->lock);
    waits = !weir__list_is_empty(&s->node);
    weir__list_remove(&s->node);
    weir__lock_leave(&s->mailbox->lock);
    if (waits)
        weir__wake_cancelled(task);
}

static int await_room(struct sender *s)
{
    if (s->task != NULL)
        return weir__park(&to_send, stop_sending, s);
    while (atomic_load(&s->served) == 0)
        weir__futex_wait(&s->served, 0, NULL);
    return s->result;
}

/* Whether the caller may neither park nor block: a callback of a loop, or a simulated job. */
static bool must_not_wait(const struct weir__task *task)
{
    return task == NULL && weir__loop_current() != NULL;
}

int weir_mailbox_send(weir_mailbox *m, const void *item)
{
    struct weir__loop *loop = weir__loop_current();
    struct sender s = {.item = item, .mailbox = m, .home.deliver = came_home};
    int err;

    s.task = loop != NULL ? weir__running(loop) : NULL;
    err = s.task != NULL ? weir__wait_begin_of(s.task) : 0;
    if (err < 0)
        return err;
    weir__list_init(&s.node);
    (void)weir_mailbox_hold(m); /* its lock is left after the close may have sent this sender home */
    weir__lock_enter(&m->lock);
    err = try_put(m, item);
    if (err == -WEIR_EBUSY && !must_not_wait(s.task)) {
        weir__list_push_back(&m->senders, &s.node);
        weir__lock_leave(&m->lock);
        err = await_room(&s);
    } else {
        weir__lock_leave(&m->lock);
    }
    weir_mailbox_release(m);
    return err;
}

/* --- the end --- */

void weir_mailbox_end(weir_mailbox *m)
{
    weir__lock_enter(&m->lock);
    if (!m->ended) {
        m->ended = true;
        fail_senders(m);
        notify(m);
    }
    weir__lock_leave(&m->lock);
}

/* --- opening and closing --- */

/* The items are freed at once, the rest with the last hold. */
static bool end(struct weir__handle *h)
{
    weir_mailbox *m = weir__container_of(h, struct weir_mailbox, handle);

    weir__lock_enter(&m->lock);
    m->ended = true;
    m->count = 0;
    fail_senders(m);
    free(m->items);
    m->items = NULL;
    weir__lock_leave(&m->lock);
    weir__handle_free(h);
    return true;
}

/* A use after the close is not recognised any more: the owner's hold ends. */
static void forget(struct weir__handle *h)
{
    weir_mailbox *m = weir__container_of(h, struct weir_mailbox, handle);

    m->is_owned = false;
    weir_mailbox_release(m);
}

static const struct weir__handle_type mailboxes = {"mailboxes", end, forget};

int weir_mailbox_open(size_t item_bytes, size_t capacity, weir_mailbox **out)
{
    size_t bytes;
    weir_mailbox *m;

    (void)weir__calling_loop(__func__);
    if (item_bytes == 0 || capacity == 0)
        return -EINVAL;
    if (__builtin_mul_overflow(item_bytes, capacity, &bytes))
        return -ENOMEM;
    m = calloc(1, sizeof *m);
    if (m == NULL)
        return -ENOMEM;
    m->items = malloc(bytes);
    if (m->items == NULL) {
        free(m);
        return -ENOMEM;
    }
    m->item_bytes = item_bytes;
    m->capacity = capacity;
    m->is_owned = true;
    m->loop = weir__loop_current();
    atomic_init(&m->holds, 1);
    weir__list_init(&m->receivers);
    weir__list_init(&m->senders);
    weir__handle_open(&m->handle, &mailboxes, __builtin_return_address(0));
    *out = m;
    return 0;
}

void weir_mailbox_close(weir_mailbox *m)
{
    if (m == NULL)
        return;
    weir__check_loop(m->handle.loop, __func__, "a mailbox");
    if (!weir__list_is_empty(&m->receivers))
        weir__misuse(__func__, "on a mailbox that a task waits for",
                     "end it with weir_mailbox_end(), and close it when the receiving tasks are done");
    weir__handle_close(&m->handle);
    end(&m->handle);
}
