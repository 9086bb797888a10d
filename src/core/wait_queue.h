/* SPDX-License-Identifier: MIT */
/* Queues of tasks that wait for each other: what semaphore, event, mutex, channel, mailbox and select share.
 *
 * A waiter lies on the stack of the task that waits. The task that serves it takes it, and all its siblings
 * of the same select, out of their queues first. So a waiter in a queue is always one that still waits.
 *
 * Threading: the loop of the queue.
 */
#ifndef WEIR__CORE_WAIT_QUEUE_H
#define WEIR__CORE_WAIT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/sync.h>

#include "base/list.h"
#include "core/sync.h"
#include "core/wait.h"

struct weir__waiter {
    struct weir__list node;
    struct weir__waiting *waiting;
    void *item;
};

/* A waiting task, with a waiter for each thing it waits for. */
struct weir__waiting {
    struct weir__task *task;
    const char *function; /* the public one, for the sentence about a mistake */
    struct weir__waiter *waiters;
    size_t count;
    const void *object; /* NULL: several */
    uint64_t ticket;    /* the greater, the later it began to wait */
    bool closed;
};

static inline struct weir__list *weir__queue_of(struct weir__queue *q)
{
    _Static_assert(sizeof(struct weir__list) == sizeof(struct weir__queue),
                   "weir__queue must hold a list head");
    return (struct weir__list *)(void *)q;
}

/* Wakes the task that has waited longest, with the index of its waiter as the result. give: copied to it;
 * take: copied from it; or NULL. Returns: its waiter, which is gone when the task runs; NULL: none waits. */
struct weir__waiter *weir__queue_serve(struct weir__list *queue, const void *give, void *take, size_t bytes,
                                       bool closed);

/* Wakes the task of one waiter in a queue, with the index of the waiter as the result. */
void weir__queue_serve_waiter(struct weir__waiter *w, bool closed);

/* Parks the running task, whose waiters are in their queues. Returns: the index of the one that was served,
 * or the scope's code. */
int weir__queue_park(struct weir__waiting *w, const struct weir__wait_class *wait_class);

/* Waits in one queue, once weir__wait_begin() has passed. Returns: 0; -WEIR_ECLOSED; or the scope's code. */
int weir__queue_wait(struct weir__task *self, struct weir__list *queue, void *item, const void *object,
                     const struct weir__wait_class *wait_class, const char *function) WEIR_CHECKED;

/* --- describe() of wait classes --- */

/* The words of the class, and the place in the queue. */
bool weir__queue_describe(const struct weir__look *look, const struct weir__task *task,
                          struct weir__wait_words *out);
/* The same, and the address of the object, which tells which waits belong together. */
bool weir__queue_describe_object(const struct weir__look *look, const struct weir__task *task,
                                 struct weir__wait_words *out);
bool weir__queue_describe_several(const struct weir__look *look, const struct weir__task *task,
                                  struct weir__wait_words *out);

#endif
