/* SPDX-License-Identifier: MIT */
/* The record of a task.
 *
 * Threading: a task and all here belong to its loop's thread; others may read what is atomic.
 */
#ifndef WEIR__CORE_TASK_RECORD_H
#define WEIR__CORE_TASK_RECORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "core/account/ledger.h"
#include "core/loop.h"

struct weir__scope;
struct weir__wait_class;
struct weir_guard_allow;
struct weir__activity;

/* YIELDED: ready, and behind all that was ready before. */
enum weir__task_state { WEIR__TASK_READY, WEIR__TASK_PARKED, WEIR__TASK_YIELDED };

enum { WEIR__WAIT_BUDGET = 64, WEIR__TASK_NAME_BYTES = 48 };

/* What the waits of a task are charged to; see weir__attribution_on(). */
struct weir__attribution {
    const char *name;  /* lives as long as the activity */
    uint8_t charge_to; /* enum weir_charge_category; 0: what the wait itself is charged to */
    bool is_shown;     /* the words of a wait begin with the name; see weir_charge_begin() */
};

/* Lies at the top of the task's own stack, at a place that depends on the stack alone, in memory that stays
 * mapped while its loop lives: so other threads may read it (watch/tree/task_view.h). `id` and `runs`, read
 * before and after, tell them whether what they read is of one moment: while both stay and sp is not NULL,
 * nothing in it changes but what a wake changes. */
struct weir__task {
    /* for a switch and a wait, in one cache line */
    _Atomic(void *) sp; /* while another task runs; the task itself before it has run; NULL while it runs */
    struct weir__task *next_ready;
    struct weir__loop *loop;
    struct weir__scope *scope; /* the innermost scope the task is in */
    int wake_result;
    int saved_errno; /* while another task runs */
    uint16_t budget;
    uint8_t state; /* not PARKED while it runs */
    uint8_t locks; /* number of locks of the thread that the task holds, as far as the guard has seen */
    _Atomic uint32_t runs; /* how often a task has run on this stack: goes on from task to task */
    void (*on_cancel)(struct weir__task *task); /* while parked; NULL: the wait can't be cut short */
    struct weir__activity *activity; /* or NULL; set by weir__task_set_activity() once the task runs */
    /* the rest */
    const struct weir__wait_class *wait; /* while parked */
    void *wait_arg;                      /* while parked */
    struct weir__scope *home;            /* the scope it was spawned in */
    struct weir__list sibling;           /* in home->tasks */
    int64_t created_ns;
    const void *spawned_at; /* an address in the code that spawned it; or NULL */
    /* Unique in the runtime, for ever; greater than that of home's owner; 0: there is no task, or it is
     * hidden. */
    _Atomic uint64_t id;
    int (*fn)(void *);
    void *arg;
    struct weir__ledger_wait waited; /* the latest wait in the activity's ledger */
    struct weir__attribution attribution;
    struct weir_guard_allow *allows; /* the innermost of the task's own */
    const char *name;
    char *stack;
    void *cxx_caught; /* __cxa_eh_globals of the C++ runtime, where there is one */
    unsigned cxx_uncaught;
    void *asan_fake_stack;
    void *tsan_fiber;
    _Atomic uint32_t names; /* odd while own_name changes: goes on from task to task */
    char own_name[WEIR__TASK_NAME_BYTES];
} __attribute__((aligned(64)));

/* Returns: the task a loop runs; NULL: none, but the loop itself. */
static inline struct weir__task *weir__running(struct weir__loop *loop)
{
    struct weir__task *task = atomic_load_explicit(&loop->running, memory_order_acquire);

    return task != loop->scheduler ? task : NULL;
}

/* Ends the program: libweir needs a task, and there is none; for what no public function has checked. */
void weir__misuse_without_task(void) __attribute__((noreturn, cold, noinline));

/* Returns: the running task; there must be one. A public function uses weir__calling_task() (misuse.h), which
 * names it. */
static inline struct weir__task *weir__task_current(void)
{
    struct weir__loop *loop = weir__loop_current();
    struct weir__task *task = loop != NULL ? weir__running(loop) : NULL;

    if (__builtin_expect(task == NULL, 0))
        weir__misuse_without_task();
    return task;
}

static inline uint64_t weir__task_id(struct weir__task *task)
{
    return atomic_load_explicit(&task->id, memory_order_relaxed);
}

/* Returns: the record of a task on the stack that begins at base. */
static inline struct weir__task *weir__task_on(const struct weir__stacks *stacks, char *base)
{
    /* At different offsets, so that a thousand stacks don't compete for the same cache sets. */
    size_t stagger = ((uintptr_t)base >> stacks->page_bits) % 16 * 64;

    return (struct weir__task *)(void *)(base + stacks->bytes - sizeof(struct weir__task) - stagger);
}

#endif
