/* SPDX-License-Identifier: MIT */
/* Semaphore, event and mutex. */
#include <weir/sync.h>

#include "core/misuse.h"
#include "core/sync.h"
#include "core/task.h"
#include "core/wait_queue.h"

static const struct weir__wait_class an_event = {"an event", NULL, .charge = WEIR_CHARGE_LOCK},
                                     a_mutex = {"a mutex", weir__queue_describe, .charge = WEIR_CHARGE_LOCK},
                                     a_semaphore = {"a semaphore", weir__queue_describe,
                                                    .charge = WEIR_CHARGE_LOCK};

/* --- semaphore --- */

void weir_semaphore_init(weir_semaphore *s, int64_t permits)
{
    s->loop = weir__calling_loop(__func__);
    s->permits = permits;
    weir__list_init(weir__queue_of(&s->waiters));
}

/* With waiters there are no permits: release() hands them over. */
static bool take_permit(weir_semaphore *s)
{
    if (s->permits <= 0)
        return false;
    s->permits--;
    return true;
}

int weir_semaphore_acquire(weir_semaphore *s)
{
    struct weir__task *self = weir__calling_task(__func__);
    int err;

    weir__check_object(s->loop, self->loop, __func__, "a semaphore");
    err = weir__wait_begin_of(self);
    if (err < 0 || take_permit(s))
        return err;
    return weir__queue_wait(self, weir__queue_of(&s->waiters), NULL, s, &a_semaphore, __func__);
}

bool weir_semaphore_try(weir_semaphore *s)
{
    weir__check_loop(s->loop, __func__, "a semaphore");
    return take_permit(s);
}

void weir_semaphore_release(weir_semaphore *s)
{
    weir__check_loop(s->loop, __func__, "a semaphore");
    if (weir__queue_serve(weir__queue_of(&s->waiters), NULL, NULL, 0, false) == NULL)
        s->permits++;
}

/* --- event --- */

void weir_event_init(weir_event *e)
{
    e->loop = weir__calling_loop(__func__);
    e->is_set = false;
    weir__list_init(weir__queue_of(&e->waiters));
}

void weir_event_set(weir_event *e)
{
    weir__check_loop(e->loop, __func__, "an event");
    e->is_set = true;
    while (weir__queue_serve(weir__queue_of(&e->waiters), NULL, NULL, 0, false) != NULL)
        ;
}

void weir_event_reset(weir_event *e)
{
    weir__check_loop(e->loop, __func__, "an event");
    e->is_set = false;
}

int weir__event_wait(weir_event *e, const struct weir__wait_class *wait_class)
{
    static const char function[] = "weir_event_wait";
    struct weir__task *self = weir__calling_task(function);
    int err;

    weir__check_object(e->loop, self->loop, function, "an event");
    err = weir__wait_begin_of(self);
    if (err < 0 || e->is_set)
        return err;
    return weir__queue_wait(self, weir__queue_of(&e->waiters), NULL, e, wait_class, function);
}

int weir_event_wait(weir_event *e)
{
    return weir__event_wait(e, &an_event);
}

/* --- mutex: handed from owner to owner, so that no other task gets in between --- */

void weir_mutex_init(weir_mutex *m)
{
    m->loop = weir__calling_loop(__func__);
    m->owner = NULL;
    weir__list_init(weir__queue_of(&m->waiters));
}

int weir_mutex_lock(weir_mutex *m)
{
    struct weir__task *self = weir__calling_task(__func__);
    int err;

    weir__check_object(m->loop, self->loop, __func__, "a mutex");
    if (m->owner == self)
        weir__misuse(__func__, "on a mutex that this task holds already",
                     "lock it once; a function that is called with the lock held must not lock it again");
    err = weir__wait_begin_of(self);
    if (err < 0)
        return err;
    if (m->owner == NULL) {
        m->owner = self;
        return 0;
    }
    return weir__queue_wait(self, weir__queue_of(&m->waiters), NULL, m, &a_mutex, __func__);
}

void weir_mutex_unlock(weir_mutex *m)
{
    struct weir__task *self = weir__calling_task(__func__);
    struct weir__waiter *next;

    weir__check_object(m->loop, self->loop, __func__, "a mutex");
    if (m->owner != self)
        weir__misuse(__func__,
                     m->owner == NULL ? "on a mutex that is not locked"
                                      : "on a mutex that another task holds",
                     "unlock it in the task that locked it; to signal another task use a weir_event or "
                     "weir_semaphore");
    next = weir__queue_serve(weir__queue_of(&m->waiters), NULL, NULL, 0, false);
    m->owner = next != NULL ? next->waiting->task : NULL;
}
