/* SPDX-License-Identifier: MIT */
#include "core/wait_queue.h"

#include <stdio.h>
#include <string.h>

#include "core/misuse.h"
#include "core/task.h"

/* Ends the program: the head of a queue, which is the caller's memory, is no longer there. */
__attribute__((noreturn, cold, noinline)) static void queue_is_gone(const struct weir__waiting *w)
{
    char wrong[160];

    (void)snprintf(wrong, sizeof wrong,
                   "in task \"%.47s\": what it waits for was initialised again, or its storage has ended",
                   w->task->name);
    weir__misuse(w->function, wrong,
                 "keep the storage until no task waits on it; cancel those that wait first");
}

static void leave_queues(struct weir__waiting *w)
{
    for (size_t i = 0; i < w->count; i++) {
        struct weir__list *node = &w->waiters[i].node;
        if (__builtin_expect(node->prev->next != node || node->next->prev != node, 0))
            queue_is_gone(w);
        weir__list_remove(node);
    }
}

void weir__queue_serve_waiter(struct weir__waiter *w, bool closed)
{
    w->waiting->closed = closed;
    leave_queues(w->waiting);
    weir__wake(w->waiting->task, (int)(w - w->waiting->waiters));
}

struct weir__waiter *weir__queue_serve(struct weir__list *queue, const void *give, void *take, size_t bytes,
                                       bool closed)
{
    struct weir__waiter *w;

    if (weir__list_is_empty(queue))
        return NULL;
    w = weir__container_of(queue->next, struct weir__waiter, node);
    if (give != NULL)
        memcpy(w->item, give, bytes);
    if (take != NULL)
        memcpy(take, w->item, bytes);
    weir__queue_serve_waiter(w, closed);
    return w;
}

static void cancelled(struct weir__task *task)
{
    leave_queues(task->wait_arg);
    weir__wake_cancelled(task);
}

int weir__queue_park(struct weir__waiting *w, const struct weir__wait_class *wait_class)
{
    w->ticket = w->task->loop->tickets++;
    return weir__park(wait_class, cancelled, w);
}

int weir__queue_wait(struct weir__task *self, struct weir__list *queue, void *item, const void *object,
                     const struct weir__wait_class *wait_class, const char *function)
{
    struct weir__waiter waiter;
    struct weir__waiting w = {
        .task = self, .function = function, .waiters = &waiter, .count = 1, .object = object};
    int err;

    waiter.waiting = &w;
    waiter.item = item;
    weir__list_push_back(queue, &waiter.node);
    err = weir__queue_park(&w, wait_class);
    return err == 0 && w.closed ? -WEIR_ECLOSED : err;
}

/* --- in words --- */

const void *weir__sync_place(const struct weir__look *look, const struct weir__task *task,
                             struct weir__wait_words *out)
{
    struct weir__waiting w;

    if (!weir__peek(&look->peek, task->wait_arg, &w, sizeof w))
        return NULL;
    out->queue = w.object;
    out->ticket = w.ticket;
    return w.object;
}

bool weir__queue_describe(const struct weir__look *look, const struct weir__task *task,
                          struct weir__wait_words *out)
{
    (void)snprintf(out->text, sizeof out->text, "%s", task->wait->words);
    return weir__sync_place(look, task, out) != NULL;
}

bool weir__queue_describe_object(const struct weir__look *look, const struct weir__task *task,
                                 struct weir__wait_words *out)
{
    const void *object = weir__sync_place(look, task, out);

    (void)snprintf(out->text, sizeof out->text, "%s %p", task->wait->words, object);
    return object != NULL;
}

bool weir__queue_describe_several(const struct weir__look *look, const struct weir__task *task,
                                  struct weir__wait_words *out)
{
    struct weir__waiting w;

    if (!weir__peek(&look->peek, task->wait_arg, &w, sizeof w))
        return false;
    (void)snprintf(out->text, sizeof out->text, "the first of %zu", w.count);
    return true;
}
