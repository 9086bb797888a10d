/* SPDX-License-Identifier: MIT */
/* A loop: one thread, its ready tasks, timers, mailbox and seam to the kernel.
 *
 * Threading: a loop belongs to its thread. Other threads may only weir__loop_post() to it and read what is
 * atomic.
 */
#ifndef WEIR__LOOP_H
#define WEIR__LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/heartbeat.h"
#include "base/random.h"
#include "base/wheel.h"
#include "core/account/lag.h"
#include "core/account/off_cpu.h"
#include "core/account/slice.h"
#include "core/fibers.h"
#include "core/handle_record.h"
#include "core/stack.h"
#include "io/io.h"

struct weir_runtime;
struct weir__task;
struct weir__scope;
struct weir__capture;
struct weir__guard;
struct weir__network;
struct weir__resolver;
struct weir__tls_turn;

struct weir__timeout {
    struct weir__timer timer;
    void (*fire)(struct weir__timeout *timeout);
};

/* A message to a loop, posted by any thread. The poster owns the storage until it is delivered. */
struct weir__message {
    struct weir__message *next;
    void (*deliver)(struct weir__message *message);
};

/* When the loop last polled the kernel, in ticks; see account/attribution.h. */
struct weir__last_poll {
    uint64_t polled;        /* all that came before it has been handled */
    uint64_t polling_since; /* when the poll began whose results are being handled; else 0 */
    uint64_t blind_since;   /* what is being handled may have come since then; 0: it has come just now */
    uint64_t evidence_due;  /* when to read the scheduler's figures again */
    struct weir__off_cpu evidence;
    bool has_evidence;
};

struct weir__loop {
    struct weir_runtime *runtime;
    struct weir__io *io;
    _Atomic(struct weir__task *) running;        /* NULL: the loop's own stack, between batches */
    struct weir__task *scheduler;                /* stands for the loop's own stack */
    int *errno_here;                             /* the thread's errno: finding it is a call, so it is kept */
    struct weir__task *first_ready, *last_ready; /* meaningless when no task is ready */
    size_t ready_count;
    size_t batch; /* how many tasks may still run before the kernel is asked again */
    size_t extra; /* by how many woken or spawned tasks the batch may still grow */
    struct weir__heartbeat heartbeat;
    struct weir__last_poll last_poll;
    struct weir__wheel wheel;
    struct weir__stacks stacks;
    struct weir__chunk_cache chunks;
    struct weir__account buffered; /* bytes that layers above keep for the peers of this loop */
    struct weir__random random;
    struct weir__random order; /* of shuffle.h */
    bool shuffles;
    struct weir__handles handles;          /* what programs opened: streams, channels, mailboxes … */
    struct weir__list owned;               /* by scopes: struct weir__owned of core/scope.h */
    struct weir__list spares, spare_wants; /* see spare.h */
    struct weir__scope *root;
    struct weir__guard *guard;           /* NULL: the guard is off */
    const struct weir__network *network; /* of its streams; NULL: sockets */
    struct weir__resolver *resolver;     /* of names; NULL: no name was asked for */
    struct weir__tls_turn *tls;          /* of connections with TLS; NULL: there was none */
#ifdef WITH_TSAN
    struct weir__fibers fibers;
#endif
    /* Ids of all loops differ: each loop counts in steps of the number of loops. */
    uint64_t last_task_id, task_id_step;
    uint64_t last_scope_id;
    uint64_t tickets; /* given to tasks that queue up for something on this loop */
    /* For tests, NULL otherwise: called as each wait of a task begins, and again when the task has parked. */
    void (*on_wait)(struct weir__task *task, bool parked);
    void *on_wait_arg;
    int64_t now_ns; /* the clock as last read: at least once a turn */
    int64_t trim_after_ns;
    int64_t io_due_ns;     /* when the kernel is asked though tasks are ready */
    int64_t spin_until_ns; /* a short job is under way on another core */
    unsigned runs_since_io;
    int io_results; /* of the last poll of the kernel */
    int index;
    char label[16]; /* "loop 3" */
    pthread_t thread;
    clockid_t cpu_clock; /* of the thread */
    int64_t opened_ns, opened_cpu_ns;
    _Atomic(struct weir__message *) mailbox;
    /* as of the latest turn, for other threads */
    atomic_size_t ready_seen, tasks_seen;
    _Atomic uint64_t task_id_seen;
    atomic_bool stop;
    struct weir__slices slices;
    struct weir__lag lag;
    _Atomic(struct weir__capture *) capture; /* of the watch; or NULL */
};

extern __thread struct weir__loop *weir__loop_here
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Returns: the loop of this thread; NULL: it is none. */
static inline struct weir__loop *weir__loop_current(void)
{
    return weir__loop_here;
}

void weir__loop_set_current(struct weir__loop *loop);

void weir__loop_post(struct weir__loop *loop, struct weir__message *message);

/* Returns: the CPU time the loop's thread has used. Any thread. */
int64_t weir__loop_cpu_ns(const struct weir__loop *loop);

/* The clock of the loop: monotonic and exact, virtual under simulation. */
static inline int64_t weir__loop_now_ns(const struct weir__loop *loop)
{
    return weir__io_now_ns(loop->io);
}

/* Returns: when the present slice began, in ticks of the heartbeat; exact when a task with an activity runs, else up to
 * a few short slices too early. */
static inline uint64_t weir__loop_slice_ticks(const struct weir__loop *loop)
{
    return atomic_load_explicit(&((struct weir__loop *)(uintptr_t)loop)->heartbeat.began,
                                memory_order_relaxed);
}

static inline void weir__timeout_init(struct weir__timeout *t, void (*fire)(struct weir__timeout *timeout))
{
    weir__timer_init(&t->timer);
    t->fire = fire;
}

static inline void weir__timeout_set(struct weir__loop *loop, struct weir__timeout *t, int64_t at_ns)
{
    weir__wheel_set(&loop->wheel, &t->timer, at_ns);
}

static inline void weir__timeout_cancel(struct weir__loop *loop, struct weir__timeout *t)
{
    weir__wheel_cancel(&loop->wheel, &t->timer);
}

#endif
