/* SPDX-License-Identifier: MIT */
/* Tasks waiting for tasks of the same loop: semaphore, event, mutex, channel, and select over them.
 *
 * Threading: an object here belongs to one loop: the tasks of that loop alone use it. It needs no lock,
 * because between two waits nothing else of the loop runs; a mutex is wanted only to keep others out across a
 * wait.
 *
 * Waiters are served in the order they came. A wait that is cancelled leaves the queue and has taken nothing.
 * All waits return -WEIR_ECANCELED or -WEIR_EDEADLINE when the scope says so; that is not repeated at each
 * function.
 */
#ifndef WEIR_SYNC_H
#define WEIR_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir__queue {
    void *head[2];
};

/* A number of permits. */
typedef struct weir_semaphore {
    struct weir__queue waiters;
    int64_t permits;
} weir_semaphore;

/* Makes a semaphore with so many permits. Nothing to free.
 * Owns:    s is the caller's storage; nobody may wait on it when it goes.
 * Where:   task.
 */
void weir_semaphore_init(weir_semaphore *s, int64_t permits);

/* Takes one permit.
 * Returns: 0, or the scope's code.
 * Cancel:  leaves the queue at once.
 * Where:   task of its loop. Waits.
 */
int weir_semaphore_acquire(weir_semaphore *s) WEIR_CHECKED;

/* Takes a permit if one is free and nobody waits before.
 * Returns: true if taken.
 * Where:   task of its loop. Does not wait.
 */
bool weir_semaphore_try(weir_semaphore *s);

/* Gives one permit back.
 * Where:   task of its loop. Does not wait.
 */
void weir_semaphore_release(weir_semaphore *s);

/* Something that has happened or not: set once, seen by all, until it is reset. */
typedef struct weir_event {
    struct weir__queue waiters;
    bool is_set;
} weir_event;

/* Makes an event that has not happened. Nothing to free.
 * Owns:    e is the caller's storage; nobody may wait on it when it goes.
 * Where:   task.
 */
void weir_event_init(weir_event *e);

/* It has happened: everyone who waits goes on.
 * Where:   task of its loop. Does not wait.
 */
void weir_event_set(weir_event *e);

/* From now on it has not happened.
 * Where:   task of its loop. Does not wait.
 */
void weir_event_reset(weir_event *e);

/* Waits until it has happened.
 * Returns: 0, or the scope's code.
 * Cancel:  leaves the queue at once.
 * Where:   task of its loop. Waits.
 */
int weir_event_wait(weir_event *e) WEIR_CHECKED;

/* Keeps other tasks out across waits. */
typedef struct weir_mutex {
    struct weir__queue waiters;
    void *owner;
} weir_mutex;

/* Makes a free mutex. Nothing to free.
 * Owns:    m is the caller's storage; nobody may hold or await it when it goes.
 * Where:   task.
 */
void weir_mutex_init(weir_mutex *m);

/* Takes it. Taking it twice by one task is a mistake of the caller's and stops the program.
 * Returns: 0, or the scope's code.
 * Cancel:  leaves the queue at once.
 * Where:   task of its loop. Waits.
 */
int weir_mutex_lock(weir_mutex *m) WEIR_CHECKED;

/* Hands it to the one who has waited longest.
 * Where:   the task that holds it. Does not wait.
 */
void weir_mutex_unlock(weir_mutex *m);

/* A queue of values with an end: who sends to a full one waits, who receives from an empty one waits. */
typedef struct weir_channel weir_channel;

/* Makes a channel for up to capacity items of item_bytes each, copied in and out.
 * Owns:    the caller owns the channel and frees it.
 * Returns: 0; -EINVAL capacity or item_bytes is 0; -ENOMEM.
 * Where:   task.
 */
int weir_channel_new(size_t item_bytes, size_t capacity, weir_channel **out) WEIR_CHECKED;

/* Frees it; nobody may wait on it. Items still in it are dropped. NULL is nothing.
 * Where:   task of its loop. Does not wait.
 */
void weir_channel_free(weir_channel *c);

/* Copies one item in.
 * Returns: 0; -WEIR_ECLOSED it is closed; or the scope's code: then the item is not in it.
 * Cancel:  leaves the queue at once.
 * Where:   task of its loop. Waits while it is full.
 */
int weir_channel_send(weir_channel *c, const void *item) WEIR_CHECKED;

/* Copies one item out.
 * Returns: 0; -WEIR_ECLOSED it is closed and empty; or the scope's code: then nothing was taken.
 * Cancel:  leaves the queue at once.
 * Where:   task of its loop. Waits while it is empty.
 */
int weir_channel_receive(weir_channel *c, void *item) WEIR_CHECKED;

/* No more is sent: senders fail from now on, those waiting too; receivers get what is left, then
 * -WEIR_ECLOSED.
 * Where:   task of its loop. Does not wait.
 */
void weir_channel_close(weir_channel *c);

/* One of the things weir_select() waits for; made with the functions below. */
typedef struct weir_case {
    int kind;
    void *object;
    void *item;
} weir_case;

enum { WEIR_ON_EVENT = 1, WEIR_ON_ACQUIRE, WEIR_ON_SEND, WEIR_ON_RECEIVE };

static inline weir_case weir_on_event(weir_event *e)
{
    weir_case c = {WEIR_ON_EVENT, e, NULL};

    return c;
}

static inline weir_case weir_on_acquire(weir_semaphore *s)
{
    weir_case c = {WEIR_ON_ACQUIRE, s, NULL};

    return c;
}

static inline weir_case weir_on_send(weir_channel *ch, const void *item)
{
    weir_case c = {WEIR_ON_SEND, ch, (void *)(uintptr_t)item};

    return c;
}

static inline weir_case weir_on_receive(weir_channel *ch, void *item)
{
    weir_case c = {WEIR_ON_RECEIVE, ch, item};

    return c;
}

enum { WEIR_SELECT_MAX = 16 };

/* Waits until one of the cases can go ahead and does exactly that one. Of several it takes the first written.
 * A time limit is a scope's deadline.
 * Owns:    cases are lent.
 * Returns: its index, >= 0; -EINVAL none or more than WEIR_SELECT_MAX; the scope's code: then none was
 *          done. *closed, when closed is not NULL, says that the case is a channel found closed: nothing
 *          was sent or received.
 * Cancel:  leaves all queues at once.
 * Where:   task of the loop of all of them. Waits.
 */
int weir_select(const weir_case *cases, size_t count, bool *closed) WEIR_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
