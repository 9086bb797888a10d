/* SPDX-License-Identifier: MIT */
/* The threads of a runtime, loops and workers, as the profiler samples them.
 *
 * Threading: a thread enters and leaves by itself; the list is under its lock. The samples of a thread are
 * written by its own signal handler alone.
 */
#ifndef WEIR__THREAD_H
#define WEIR__THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/list.h"

struct weir_runtime;
struct weir__loop;
struct weir__worker;
struct weir_job;
struct weir__samples;

/* The stack of a thread, not of a task. Both 0: unknown. */
struct weir__thread_stack {
    uintptr_t begin, end;
};

/* Lies on the thread's own stack. */
struct weir__thread {
    struct weir_runtime *runtime;
    struct weir__list node;
    struct weir__loop *loop; /* or NULL, then worker is set */
    struct weir__worker *worker;
    _Atomic(struct weir_job *) job; /* the job that the worker runs */
    pid_t tid;
    struct weir__thread_stack stack;
    /* while the thread is sampled */
    _Atomic(struct weir__samples *) samples;
    atomic_bool in_handler;
    timer_t timer;
    bool has_timer;
};

struct weir__threads;

/* Calls as a thread enters and leaves, under the lock. */
struct weir__thread_hooks {
    void (*entered)(struct weir__threads *threads, struct weir__thread *thread);
    void (*leaves)(struct weir__thread *thread);
};

struct weir__threads {
    pthread_mutex_t lock;
    struct weir__list all;
    const struct weir__thread_hooks *hooks;
    struct weir_profile *profile; /* for the hooks: threads that enter are sampled, too; or NULL */
};

extern __thread struct weir__thread *weir__thread_here
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

void weir__threads_init(struct weir__threads *threads, const struct weir__thread_hooks *hooks);
void weir__threads_free(struct weir__threads *threads);

void weir__thread_enter(struct weir__thread *thread, struct weir_runtime *runtime, struct weir__loop *loop,
                        struct weir__worker *worker);
void weir__thread_leave(struct weir__thread *thread);

#endif
