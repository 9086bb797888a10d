/* SPDX-License-Identifier: MIT */
/* Semaphore, event, mutex, channel and select: one type of waiter, one type of queue.
 *
 * A waiter lies on the stack of the task that waits. The task that serves it takes it, and all its siblings
 * of the same select, out of their queues first. So a waiter in a queue is always one that still waits.
 */
#include <weir/sync.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "core/sync.h"
#include "core/task.h"

struct weir_channel {
    struct weir__list senders, receivers;
    size_t item_bytes, capacity, count, first;
    bool closed;
    char items[];
};

struct waiter {
    struct weir__list node;
    struct wait *wait;
    void *item;
};

/* A waiting task, with a waiter for each thing it waits for. */
struct wait {
    struct weir__task *task;
    struct waiter *waiters;
    size_t count;
    const void *object; /* NULL: several */
    uint64_t ticket;    /* the greater, the later it began to wait */
    bool closed;
};

static struct weir__list *queue_of(struct weir__queue *q)
{
    _Static_assert(sizeof(struct weir__list) == sizeof(struct weir__queue),
                   "weir__queue must hold a list head");
    return (struct weir__list *)(void *)q;
}

static void leave_queues(struct wait *w)
{
    for (size_t i = 0; i < w->count; i++)
        weir__list_remove(&w->waiters[i].node);
}

/* Wakes the task that has waited longest, with the index of its waiter as the result. Returns: NULL: none
 * waits. */
static struct waiter *serve(struct weir__list *queue, const void *give, void *take, size_t bytes, bool closed)
{
    struct waiter *w;

    if (weir__list_is_empty(queue))
        return NULL;
    w = weir__container_of(queue->next, struct waiter, node);
    if (give != NULL)
        memcpy(w->item, give, bytes);
    if (take != NULL)
        memcpy(take, w->item, bytes);
    w->wait->closed = closed;
    leave_queues(w->wait);
    weir__wake(w->wait->task, (int)(w - w->wait->waiters));
    return w;
}

static void cancelled(struct weir__task *task)
{
    leave_queues(task->wait_arg);
    weir__wake_cancelled(task);
}

/* --- the four things one can wait for: go ahead now, or queue up --- */

/* Tries a case. Returns: true: done, or the channel was found closed, then *closed. */
static bool try_case(const weir_case *c, bool *closed)
{
    weir_channel *ch = c->object;

    switch (c->kind) {
    case WEIR_ON_EVENT:
        return ((weir_event *)c->object)->is_set;
    case WEIR_ON_ACQUIRE:
        return weir_semaphore_try(c->object);
    case WEIR_ON_SEND:
        if (ch->closed)
            return *closed = true;
        if (serve(&ch->receivers, c->item, NULL, ch->item_bytes, false) != NULL)
            return true;
        if (ch->count == ch->capacity)
            return false;
        memcpy(ch->items + (ch->first + ch->count) % ch->capacity * ch->item_bytes, c->item, ch->item_bytes);
        ch->count++;
        return true;
    case WEIR_ON_RECEIVE:
        if (ch->count == 0)
            return *closed = ch->closed;
        memcpy(c->item, ch->items + ch->first * ch->item_bytes, ch->item_bytes);
        ch->first = (ch->first + 1) % ch->capacity;
        ch->count--;
        /* The place that came free goes to the sender that has waited longest. */
        if (serve(&ch->senders, NULL, ch->items + (ch->first + ch->count) % ch->capacity * ch->item_bytes,
                  ch->item_bytes, false) != NULL)
            ch->count++;
        return true;
    default:
        assert(false && "a weir_case is made by weir_on_…()");
        return false;
    }
}

static struct weir__list *queue_of_case(const weir_case *c)
{
    switch (c->kind) {
    case WEIR_ON_EVENT:
        return queue_of(&((weir_event *)c->object)->waiters);
    case WEIR_ON_ACQUIRE:
        return queue_of(&((weir_semaphore *)c->object)->waiters);
    case WEIR_ON_SEND:
        return &((weir_channel *)c->object)->senders;
    default:
        return &((weir_channel *)c->object)->receivers;
    }
}

static int wait_for(const weir_case *cases, size_t count, const struct weir__wait_class *wait_class,
                    bool *closed)
{
    struct waiter waiters[WEIR_SELECT_MAX];
    struct wait wait = {.waiters = waiters, .count = count};
    int err = weir__wait_begin();

    *closed = false;
    if (err < 0)
        return err;
    for (size_t i = 0; i < count; i++)
        if (try_case(&cases[i], closed))
            return (int)i;
    wait.task = weir__task_current();
    wait.object = count == 1 ? cases[0].object : NULL;
    wait.ticket = wait.task->loop->tickets++;
    for (size_t i = 0; i < count; i++) {
        waiters[i] = (struct waiter){.wait = &wait, .item = cases[i].item};
        weir__list_push_back(queue_of_case(&cases[i]), &waiters[i].node);
    }
    err = weir__park(wait_class, cancelled, &wait);
    *closed = wait.closed;
    return err;
}

static int wait_for_one(weir_case c, const struct weir__wait_class *wait_class)
{
    bool closed;
    int index = wait_for(&c, 1, wait_class, &closed);

    return index < 0 ? index : closed ? -WEIR_ECLOSED : 0;
}

/* --- in words --- */

const void *weir__sync_place(const struct weir__look *look, const struct weir__task *task,
                             struct weir__wait_words *out)
{
    struct wait wait;

    if (!weir__peek(&look->peek, task->wait_arg, &wait, sizeof wait))
        return NULL;
    out->queue = wait.object;
    out->ticket = wait.ticket;
    return wait.object;
}

static bool describe_queue(const struct weir__look *look, const struct weir__task *task,
                           struct weir__wait_words *out)
{
    (void)snprintf(out->text, sizeof out->text, "%s", task->wait->words);
    return weir__sync_place(look, task, out) != NULL;
}

/* The address of a channel tells which senders and receivers belong together. They never queue at the same
 * time. */
static bool describe_channel(const struct weir__look *look, const struct weir__task *task,
                             struct weir__wait_words *out)
{
    const void *channel = weir__sync_place(look, task, out);

    (void)snprintf(out->text, sizeof out->text, "%s %p", task->wait->words, channel);
    return channel != NULL;
}

static bool describe_select(const struct weir__look *look, const struct weir__task *task,
                            struct weir__wait_words *out)
{
    struct wait wait;

    if (!weir__peek(&look->peek, task->wait_arg, &wait, sizeof wait))
        return false;
    (void)snprintf(out->text, sizeof out->text, "the first of %zu", wait.count);
    return true;
}

#define WAIT_CLASS(words, describe)                                                                          \
    {                                                                                                        \
        words, describe, .charge = WEIR_CHARGE_LOCK                                                          \
    }
static const struct weir__wait_class an_event = WAIT_CLASS("an event", NULL),
                                     a_mutex = WAIT_CLASS("a mutex", describe_queue),
                                     a_semaphore = WAIT_CLASS("a semaphore", describe_queue),
                                     to_send = WAIT_CLASS("room in a channel", describe_channel),
                                     to_receive = WAIT_CLASS("an item in a channel", describe_channel),
                                     several = WAIT_CLASS("the first of several", describe_select);
#undef WAIT_CLASS

int weir_select(const weir_case *cases, size_t count, bool *closed)
{
    bool ignored;

    if (count == 0 || count > WEIR_SELECT_MAX)
        return -EINVAL;
    return wait_for(cases, count, &several, closed != NULL ? closed : &ignored);
}

/* --- semaphore --- */

void weir_semaphore_init(weir_semaphore *s, int64_t permits)
{
    s->permits = permits;
    weir__list_init(queue_of(&s->waiters));
}

int weir__semaphore_acquire(weir_semaphore *s, const struct weir__wait_class *wait_class)
{
    return wait_for_one(weir_on_acquire(s), wait_class);
}

int weir_semaphore_acquire(weir_semaphore *s)
{
    return weir__semaphore_acquire(s, &a_semaphore);
}

bool weir_semaphore_try(weir_semaphore *s)
{
    /* With waiters there are no permits: release() hands them over. */
    if (s->permits <= 0)
        return false;
    s->permits--;
    return true;
}

void weir_semaphore_release(weir_semaphore *s)
{
    if (serve(queue_of(&s->waiters), NULL, NULL, 0, false) == NULL)
        s->permits++;
}

/* --- event --- */

void weir_event_init(weir_event *e)
{
    e->is_set = false;
    weir__list_init(queue_of(&e->waiters));
}

void weir_event_set(weir_event *e)
{
    e->is_set = true;
    while (serve(queue_of(&e->waiters), NULL, NULL, 0, false) != NULL)
        ;
}

void weir_event_reset(weir_event *e)
{
    e->is_set = false;
}

int weir_event_wait(weir_event *e)
{
    return wait_for_one(weir_on_event(e), &an_event);
}

/* --- mutex: handed from owner to owner, so nobody can slip in between --- */

void weir_mutex_init(weir_mutex *m)
{
    m->owner = NULL;
    weir__list_init(queue_of(&m->waiters));
}

int weir_mutex_lock(weir_mutex *m)
{
    struct weir__task *self = weir__task_current();
    struct waiter waiter;
    struct wait wait = {.task = self, .waiters = &waiter, .count = 1};
    int err;

    assert(m->owner != self && "this task holds the mutex already");
    err = weir__wait_begin();
    if (err < 0)
        return err;
    if (m->owner == NULL) {
        m->owner = self;
        return 0;
    }
    wait.object = m;
    wait.ticket = self->loop->tickets++;
    waiter = (struct waiter){.wait = &wait};
    weir__list_push_back(queue_of(&m->waiters), &waiter.node);
    return weir__park(&a_mutex, cancelled, &wait);
}

void weir_mutex_unlock(weir_mutex *m)
{
    struct waiter *next;

    assert(m->owner == weir__task_current() && "only the holder unlocks");
    next = serve(queue_of(&m->waiters), NULL, NULL, 0, false);
    m->owner = next != NULL ? next->wait->task : NULL;
}

/* --- channel --- */

int weir_channel_open(size_t item_bytes, size_t capacity, weir_channel **out)
{
    size_t bytes;
    weir_channel *c;

    if (item_bytes == 0 || capacity == 0)
        return -EINVAL;
    if (__builtin_mul_overflow(item_bytes, capacity, &bytes) ||
        __builtin_add_overflow(bytes, sizeof *c, &bytes))
        return -ENOMEM;
    c = malloc(bytes);
    if (c == NULL)
        return -ENOMEM;
    *c = (weir_channel){.item_bytes = item_bytes, .capacity = capacity};
    weir__list_init(&c->senders);
    weir__list_init(&c->receivers);
    *out = c;
    return 0;
}

void weir_channel_close(weir_channel *c)
{
    assert(c == NULL || (weir__list_is_empty(&c->senders) && weir__list_is_empty(&c->receivers)));
    free(c);
}

int weir_channel_send(weir_channel *c, const void *item)
{
    return wait_for_one(weir_on_send(c, item), &to_send);
}

int weir_channel_receive(weir_channel *c, void *item)
{
    return wait_for_one(weir_on_receive(c, item), &to_receive);
}

void weir_channel_end(weir_channel *c)
{
    c->closed = true;
    while (serve(&c->senders, NULL, NULL, 0, true) != NULL)
        ;
    while (serve(&c->receivers, NULL, NULL, 0, true) != NULL)
        ;
}
