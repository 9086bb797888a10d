/* SPDX-License-Identifier: MIT */
#include "core/task.h"

#include <assert.h>
#include <errno.h>

#include "core/account/attribution.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "core/scope.h"
#include "core/shuffle.h"
#include "core/account/slice_stamp.h"
#include "core/wait.h"
#include "core/account/activity.h"
#include "core/runtime.h"
#include "core/switch.h"

enum { EXTRA_PER_TURN = 256 };

__attribute__((noreturn)) void weir__task_main(void); /* entered from weir__task_start */

/* --- the switch --- */

/* Returns: where the task was left. From now on it runs. */
static inline void *take_sp(struct weir__task *task)
{
    void *sp = atomic_load_explicit(&task->sp, memory_order_relaxed);

    atomic_store_explicit(&task->sp, NULL, memory_order_relaxed);
    return sp;
}

/* The place for the assembly to store to. That store is one of release: a thread that reads where a task was
 * left also sees what the task wrote before. */
static inline void **sp_of(struct weir__task *task)
{
    return (void **)&task->sp;
}

static inline void set_running(struct weir__loop *loop, struct weir__task *task)
{
    atomic_store_explicit(&loop->running, task, memory_order_release);
}

/* All is done before the switch itself, so that no register is kept across it but by the switch. */
static inline void switch_unstamped(struct weir__loop *loop, struct weir__task *from, struct weir__task *to)
{
    void *sp;

    from->saved_errno = *loop->errno_here;
    *loop->errno_here = to->saved_errno;
    if (__cxa_get_globals != NULL)
        switch_exceptions(from, to);
    set_running(loop, to);
    before_switch(loop, from, to, false);
    sp = take_sp(to);
    if (is_new(to, sp))
        weir__switch_to_new(sp_of(from), to);
    else
        weir__switch(sp_of(from), sp);
    after_switch(loop, from, false);
}

/* Apart, so that switch_unstamped() needs no registers kept across the call. */
__attribute__((noinline)) static void switch_stamped(struct weir__loop *loop, struct weir__task *from,
                                                     struct weir__task *to)
{
    weir__slice_stamp_switch(loop, from, to);
    switch_unstamped(loop, from, to);
}

static inline void switch_to(struct weir__loop *loop, struct weir__task *from, struct weir__task *to)
{
    if (__builtin_expect(weir__heartbeat_is_stamp_due(&loop->heartbeat), 0))
        switch_stamped(loop, from, to);
    else
        switch_unstamped(loop, from, to);
}

/* Returns: the next to run: a ready task while this turn's batch lasts, else the loop itself. */
static inline struct weir__task *next_to_run(struct weir__loop *loop)
{
    struct weir__task *next;

    if (loop->batch == 0 || loop->ready_count == 0) {
        weir__heartbeat_run(&loop->scheduler->runs);
        return loop->scheduler;
    }
    loop->batch--;
    loop->ready_count--;
    next = loop->first_ready;
    loop->first_ready = next->next_ready;
    /* The stack of the task after it, and the record of the one after that, are likely out of the cache. */
    if (loop->ready_count > 0) {
        __builtin_prefetch(atomic_load_explicit(&next->next_ready->sp, memory_order_relaxed));
        __builtin_prefetch(next->next_ready->next_ready);
    }
    weir__heartbeat_run(&next->runs);
    return next;
}

static void make_ready(struct weir__loop *loop, struct weir__task *task)
{
    task->state = WEIR__TASK_READY;
    task->next_ready = NULL;
    if (loop->ready_count++ == 0)
        loop->first_ready = task;
    else
        loop->last_ready->next_ready = task;
    loop->last_ready = task;
}

/* Makes a woken or spawned task ready within this turn's batch: short chains of tasks need not ask the kernel
 * at every link. A task that yields waits for the next batch, so that one that computes in slices leaves room
 * for everything else. */
static void make_ready_soon(struct weir__loop *loop, struct weir__task *task)
{
    make_ready(loop, task);
    if (loop->extra > 0) {
        loop->extra--;
        loop->batch++;
    }
}

static void leave(struct weir__loop *loop, struct weir__task *self)
{
    struct weir__task *next = next_to_run(loop);

    if (__builtin_expect(self->locks != 0, 0))
        self->loop->runtime->on_locks_held(self, self->wait != NULL ? self->wait->words : "its turn");
    if (next != self)
        switch_to(loop, self, next);
}

void weir__tasks_run(struct weir__loop *loop)
{
    loop->batch = loop->ready_count;
    loop->extra = EXTRA_PER_TURN;
    if (__builtin_expect(loop->shuffles, 0)) {
        weir__shuffle_ready(loop);
        loop->extra = 0; /* what becomes ready meanwhile is shuffled in the next batch */
    }
    loop->errno_here = &errno;
#ifdef WITH_TSAN
    loop->scheduler->tsan_fiber = __tsan_get_current_fiber();
#endif
    while (loop->batch > 0 && loop->ready_count > 0)
        switch_to(loop, loop->scheduler, next_to_run(loop));
    set_running(loop, NULL);
}

/* --- birth and death --- */

struct weir__task *weir__task_create(struct weir__scope *home, char *stack, const char *name,
                                     int (*fn)(void *), void *arg)
{
    struct weir__loop *loop = home->loop;
    struct weir__task *task = weir__task_on(&loop->stacks, stack);

#ifdef WITH_ASAN
    __asan_unpoison_memory_region(stack + loop->stacks.guard_bytes,
                                  loop->stacks.bytes - loop->stacks.guard_bytes);
#endif
    /* Field by field: clearing the whole record costs more than the rest of a spawn. */
    atomic_store_explicit(&task->sp, task, memory_order_relaxed);
    task->loop = loop;
    task->scope = task->home = home;
    task->saved_errno = 0;
    task->budget = WEIR__WAIT_BUDGET;
    task->locks = 0;
    task->fn = fn;
    task->arg = arg;
    task->attribution = (struct weir__attribution){NULL, 0, false};
    task->allows = NULL;
    task->created_ns = loop->now_ns;
    task->name = name;
    task->stack = stack;
    task->cxx_caught = NULL;
    task->cxx_uncaught = 0;
#ifdef WITH_TSAN
    task->tsan_fiber = weir__fiber_take(&loop->fibers);
#endif
    make_ready_soon(loop, task);
    return task;
}

void weir__task_main(void)
{
    struct weir__loop *loop = weir__loop_current();
    struct weir__task *self = atomic_load_explicit(&loop->running, memory_order_relaxed);
    struct weir__task *next;
    int outcome;

    after_switch(loop, self, true);
    outcome = self->fn(self->arg);
    if (__builtin_expect(self->locks != 0, 0))
        self->loop->runtime->on_locks_held(self, "nothing: it has ended");
    weir__attribution_ended(self);
    weir__scope_task_ended(self->home, self, outcome);
    /* Hidden before the scopes go: a thread that reads them finds out. */
    atomic_store_explicit(&self->id, 0, memory_order_release);
    /* Nothing takes a stack between here and the switch, so this one may go back while the task still stands
     * on it. */
    weir__stack_give(&loop->stacks, self->stack);
    next = next_to_run(loop);
    *loop->errno_here = next->saved_errno;
    if (__cxa_get_globals != NULL)
        switch_exceptions(self, next);
    if (__builtin_expect(weir__heartbeat_is_stamp_due(&loop->heartbeat), 0))
        weir__slice_stamp_switch(loop, self, next);
    set_running(loop, next);
    before_switch(loop, self, next, true);
    go_to(next, take_sp(next));
}

/* --- waiting --- */

static void yield_now(struct weir__task *self)
{
    struct weir__loop *loop = self->loop;

    self->budget = WEIR__WAIT_BUDGET;
    make_ready(loop, self);
    self->state = WEIR__TASK_YIELDED;
    leave(loop, self);
}

static int begin(struct weir__task *self)
{
    if (__builtin_expect(self->loop->on_wait != NULL, 0))
        self->loop->on_wait(self, false);
    return self->scope->cause;
}

int weir__wait_begin_of(struct weir__task *self)
{
    if (--self->budget == 0)
        yield_now(self);
    return begin(self);
}

int weir__wait_begin(void)
{
    return weir__wait_begin_of(weir__task_current());
}

int weir__park(const struct weir__wait_class *wait_class, void (*on_cancel)(struct weir__task *task),
               void *arg)
{
    struct weir__task *self = weir__task_current();

    self->wait = wait_class;
    self->on_cancel = on_cancel;
    self->wait_arg = arg;
    self->state = WEIR__TASK_PARKED;
    self->budget = WEIR__WAIT_BUDGET;
    weir__attribution_park(self, wait_class);
    if (__builtin_expect(self->loop->on_wait != NULL, 0))
        self->loop->on_wait(self, true);
    leave(self->loop, self);
    weir__attribution_unpark(self, wait_class);
    return self->wake_result;
}

void weir__wake(struct weir__task *task, int result)
{
    assert(task->state == WEIR__TASK_PARKED);
    task->wake_result = result;
    weir__attribution_wake(task);
    make_ready_soon(task->loop, task);
}

void weir__wake_cancelled(struct weir__task *task)
{
    weir__wake(task, task->scope->cause);
}

void weir__task_cancel(struct weir__task *task)
{
    void (*on_cancel)(struct weir__task *) = task->on_cancel;

    if (task->state != WEIR__TASK_PARKED || on_cancel == NULL)
        return;
    task->on_cancel = NULL;
    on_cancel(task);
}

int weir_yield(void)
{
    struct weir__task *self = weir__calling_task(__func__);

    yield_now(self);
    return begin(self);
}

/* --- what it works for --- */

void weir__task_set_activity(struct weir__task *self, struct weir__activity *activity)
{
    struct weir__loop *loop = self->loop;

    if (self->activity != NULL) {
        weir__slice_stamp_let_go(loop, self);
        if (self->activity->ledger.on)
            weir__heartbeat_need(&loop->heartbeat, false);
    }
    self->activity = activity;
    if (activity != NULL && activity->ledger.on)
        weir__heartbeat_need(&loop->heartbeat, true);
}
