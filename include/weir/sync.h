/* SPDX-License-Identifier: MIT */
/* Synchronisation between tasks of one loop: semaphore, event, mutex, channel, and select over them.
 *
 * Threading: an object here belongs to one loop: only tasks of that loop use it. It needs no lock, because
 * between two waits no other task of the loop runs. For the same reason a mutex is needed only to exclude
 * other tasks across a wait. Other loops, jobs and threads use a weir_mailbox or weir_post(); a call from
 * there ends the program with a sentence that says so.
 *
 * A closed channel is recognised for the next 64 closes of channels, mailboxes, streams and the like on its
 * loop: its use, or a second close, ends the program with a sentence. After that its memory is freed, and a
 * use is undefined. A semaphore, event or mutex is the caller's storage, and is not recognised once that
 * has ended.
 *
 * Waiting tasks are served in the order of their arrival. A wait that is cancelled leaves the queue and has
 * taken nothing. All waits return -WEIR_ECANCELED or -WEIR_EDEADLINE when the scope is cancelled or its
 * deadline passes; this is not repeated at each function, where it is called the scope's code.
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

struct weir__loop;

/* A number of permits. */
typedef struct weir_semaphore {
    struct weir__queue waiters;
    struct weir__loop *loop;
    int64_t permits;
} weir_semaphore;

/* Makes a semaphore with the given number of permits. There is nothing to free.
 * Owns:    s is the caller's storage; no task may wait on it when the storage ends.
 * Where:   task.
 */
void weir_semaphore_init(weir_semaphore *s, int64_t permits);

/* Takes one permit.
 * Returns: 0, or the scope's code.
 * Cancel:  leaves the queue at once.
 * Where:   task of its loop. Waits.
 */
int weir_semaphore_acquire(weir_semaphore *s) WEIR_CHECKED;

/* Takes a permit if one is free and no other task is waiting.
 * Returns: true if taken.
 * Where:   task of its loop. Does not wait.
 */
bool weir_semaphore_try(weir_semaphore *s);

/* Gives one permit back.
 * Where:   task of its loop. Does not wait.
 */
void weir_semaphore_release(weir_semaphore *s);

/* An event: set once, seen by all tasks, until it is reset. */
typedef struct weir_event {
    struct weir__queue waiters;
    struct weir__loop *loop;
    bool is_set;
} weir_event;

/* Makes an event that is not set. There is nothing to free.
 * Owns:    e is the caller's storage; no task may wait on it when the storage ends.
 * Where:   task.
 */
void weir_event_init(weir_event *e);

/* Sets the event: every waiting task continues.
 * Where:   task of its loop. Does not wait.
 */
void weir_event_set(weir_event *e);

/* Resets the event: later waits wait for the next weir_event_set().
 * Where:   task of its loop. Does not wait.
 */
void weir_event_reset(weir_event *e);

/* Waits until the event is set.
 * Returns: 0, or the scope's code.
 * Cancel:  leaves the queue at once.
 * Where:   task of its loop. Waits.
 */
int weir_event_wait(weir_event *e) WEIR_CHECKED;

/* Mutual exclusion across waits. */
typedef struct weir_mutex {
    struct weir__queue waiters;
    struct weir__loop *loop;
    void *owner;
} weir_mutex;

/* Makes a free mutex. There is nothing to free.
 * Owns:    m is the caller's storage; no task may hold it or wait for it when the storage ends.
 * Where:   task.
 */
void weir_mutex_init(weir_mutex *m);

/* Locks the mutex. A task that locks it twice makes a programming error, which stops the program.
 * Returns: 0, or the scope's code.
 * Cancel:  leaves the queue at once.
 * Where:   task of its loop. Waits.
 */
int weir_mutex_lock(weir_mutex *m) WEIR_CHECKED;

/* Unlocks the mutex and hands it to the task that has waited longest.
 * Where:   the task that holds it. Does not wait.
 */
void weir_mutex_unlock(weir_mutex *m);

/* A bounded queue of values: sending to a full channel waits, receiving from an empty one waits. */
typedef struct weir_channel weir_channel;

/* Makes a channel for up to capacity items of item_bytes each, which are copied in and out.
 * Owns:    the caller owns the channel and closes it on this loop. One that is still open when weir_run()
 *          returns is closed then, with a line in the log.
 * Returns: 0; -EINVAL capacity or item_bytes is 0; -ENOMEM.
 * Where:   task.
 */
int weir_channel_open(size_t item_bytes, size_t capacity, weir_channel **out) WEIR_CHECKED;

/* Closes the channel and frees its items, which are dropped; no task may wait on it. NULL does nothing.
 * Where:   task of its loop. Does not wait.
 */
void weir_channel_close(weir_channel *c);

/* Copies one item into the channel.
 * Returns: 0; -WEIR_ECLOSED the channel was ended; or the scope's code: then the item is not in the
 *          channel.
 * Cancel:  leaves the queue at once.
 * Where:   task of its loop. Waits while the channel is full.
 */
int weir_channel_send(weir_channel *c, const void *item) WEIR_CHECKED;

/* Copies one item out of the channel.
 * Returns: 0; -WEIR_ECLOSED the channel was ended and is empty; or the scope's code: then nothing was taken.
 * Cancel:  leaves the queue at once.
 * Where:   task of its loop. Waits while the channel is empty.
 */
int weir_channel_receive(weir_channel *c, void *item) WEIR_CHECKED;

/* Copies one item into the channel if there is room, or a task waits to receive it.
 * Returns: 0; -WEIR_EBUSY the channel is full; -WEIR_ECLOSED it was ended.
 * Where:   task of its loop. Does not wait.
 */
int weir_channel_try_send(weir_channel *c, const void *item) WEIR_CHECKED;

/* Copies one item out of the channel if there is one.
 * Returns: 0; -EAGAIN the channel is empty; -WEIR_ECLOSED it was ended and is empty.
 * Where:   task of its loop. Does not wait.
 */
int weir_channel_try_receive(weir_channel *c, void *item) WEIR_CHECKED;

/* Ends the channel: sends fail from now on, waiting ones too. Receivers get the items that are left, then
 * -WEIR_ECLOSED.
 * Where:   task of its loop. Does not wait.
 */
void weir_channel_end(weir_channel *c);

/* One case of weir_select(); made with the functions below. */
typedef struct weir_case {
    int type;
    void *object;
    void *item;
} weir_case;

enum {
    WEIR_ON_EVENT = 1,
    WEIR_ON_ACQUIRE,
    WEIR_ON_SEND,
    WEIR_ON_RECEIVE,
    WEIR_ON_MAIL,
    WEIR_ON_FD,
    WEIR_ON_FD_EVENTS_SHIFT = 8
};

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

/* Waits until one of the cases is possible and performs exactly that one. If several are possible, it takes
 * the first in the array. For a time limit, use the deadline of a scope.
 * Owns:    cases are lent.
 * Returns: the index of the case, >= 0; -EINVAL no cases or more than WEIR_SELECT_MAX; the scope's code:
 *          then no case was performed. *closed, if closed is not NULL, reports that the case is a channel
 *          that was ended: nothing was sent or received.
 * Cancel:  leaves all queues at once.
 * Where:   task of the loop of all objects. Waits.
 */
int weir_select(const weir_case *cases, size_t count, bool *closed) WEIR_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
