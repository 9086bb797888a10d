/* SPDX-License-Identifier: MIT */
/* weir_run(): the one file that knows every layer of the runtime. It begins them in order and ends them in
 * reverse. */
#include <weir/runtime.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/reserved.h"
#include "core/fault.h"
#include "core/handle.h"
#include "core/held_loop.h"
#include "core/log/log.h"
#include "core/loop_run.h"
#include "core/post.h"
#include "core/priority.h"
#include "core/runtime.h"
#include "core/scope.h"
#include "core/task.h"
#include "core/thread.h"
#include "guard/guard.h"
#include "guard/report.h"
#include "io/os.h"
#include "names/resolver.h"
#include "tls/transport/turn.h"
#include "pool/job_kind.h"
#include "pool/pool.h"
#include "pool/pool_open.h"
#include "pool/published.h"
#include "process/starter.h"
#include "symbols/place.h"
#include "symbols/symbols.h"
#include "tls/context/runtime.h"
#include "watch/profile/profile.h"
#include "watch/stall.h"
#include "watch/watch.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { STACK_BYTES = 256 << 10 }; /* sanitizers put red zones between variables */
#else
enum { STACK_BYTES = 64 << 10 };
#endif
enum { STALL_AFTER_LEAST_NS = 1000000 };
enum { TASKS_MAX = 2000000, LOOPS_MAX = 1024, SIGNAL_STACK_BYTES = 64 << 10 };

static int fill_defaults(weir_options *o)
{
    if (!weir__reserved_is_zero(o->reserved, sizeof o->reserved))
        return -EINVAL;
    if (o->loops < 0 || o->loops > LOOPS_MAX || (int)o->io < WEIR_IO_AUTO || o->io > WEIR_IO_SIM ||
        (int)o->stall_then < WEIR_STALL_LOG || o->stall_then > WEIR_STALL_ABORT || (int)o->log_level < 0 ||
        o->log_level > WEIR_LOG_ERROR || o->log_fd < 0 || (o->log_fd > 0 && o->log_sink != NULL))
        return -EINVAL;
    if (o->loops == 0)
        o->loops = 1;
    if (o->io == WEIR_IO_SIM && o->loops > 1)
        return -EINVAL;
    if (o->stack_bytes == 0)
        o->stack_bytes = STACK_BYTES;
    if (o->tasks_max == 0)
        o->tasks_max = TASKS_MAX;
    if (o->stall_after.ns == 0)
        o->stall_after.ns = WEIR__STALL_AFTER_DEFAULT_NS;
    if (o->stall_after.ns > 0 && o->stall_after.ns < STALL_AFTER_LEAST_NS)
        return -EINVAL;
    if (o->seed == 0 && o->io == WEIR_IO_SIM)
        o->seed = 1;
    if (o->seed == 0 && getrandom(&o->seed, sizeof o->seed, 0) != (ssize_t)sizeof o->seed)
        return -errno;
    return 0;
}

/* A stack for signals, so that the overflow of a task's own stack can be reported. */
struct signal_stack {
    void *memory;
    stack_t before;
};

static int signal_stack_enter(struct signal_stack *s)
{
    stack_t alt = {.ss_size = SIGNAL_STACK_BYTES};

    s->memory = alt.ss_sp = malloc(SIGNAL_STACK_BYTES);
    if (s->memory == NULL)
        return -ENOMEM;
    return sigaltstack(&alt, &s->before) == 0 ? 0 : -errno;
}

static void signal_stack_leave(struct signal_stack *s)
{
    if (s->memory != NULL)
        (void)sigaltstack(&s->before, NULL);
    free(s->memory);
}

/* --- what was left open --- */

/* A message or an operation that never comes costs a second at the end. */
enum { SETTLING_TURNS = 1000 };

static void end_handles(struct weir__loop *loop)
{
    weir__handles_end(loop);
    for (int i = 0; i < SETTLING_TURNS; i++) {
        if (!weir__handles_are_ending(loop) && !weir__io_is_closing(loop->io))
            break;
        weir__loop_settle(loop);
    }
    weir__handles_forget(loop);
}

/* --- loops other than the first --- */

struct starting {
    struct weir__loop *loop;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool opened;
    int err;
};

static void *loop_thread(void *arg)
{
    struct starting *s = arg;
    struct weir__loop *loop = s->loop;
    struct signal_stack signals = {0};
    struct weir__priority priority;
    struct weir__thread thread;
    struct weir__log_here log = weir__log_enter(&loop->runtime->logger, WEIR__LOG_LOOP_BYTES);
    int err = weir__loop_open(loop, loop->runtime, loop->index);

    if (err == 0) {
        err = signal_stack_enter(&signals);
        if (err < 0)
            weir__loop_free(loop);
    }
    pthread_mutex_lock(&s->lock);
    s->err = err;
    s->opened = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock); /* s is gone from here on */
    if (err < 0) {
        weir__log_leave(&log);
        return NULL;
    }
    weir__loop_set_current(loop);
    weir__priority_of_loop(&priority);
    weir__thread_enter(&thread, loop->runtime, loop, NULL);
    weir__guard_enter(loop);
    weir__watch_enter(loop, &thread);
    (void)weir__loop_turn_until(loop, NULL);
    end_handles(loop);
    weir__resolver_end(loop);
    weir__watch_leave(loop);
    weir__guard_leave(loop);
    weir__thread_leave(&thread);
    signal_stack_leave(&signals);
    weir__log_leave(&log);
    return NULL;
}

static int start_loop(struct weir_runtime *r, int index)
{
    struct weir__loop *loop = &r->loops[index];
    struct starting s = {
        .loop = loop, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    pthread_t thread;
    int err;

    loop->runtime = r;
    loop->index = index;
    err = -pthread_create(&thread, NULL, loop_thread, &s);
    if (err < 0)
        return err;
    pthread_mutex_lock(&s.lock);
    while (!s.opened)
        pthread_cond_wait(&s.changed, &s.lock);
    pthread_mutex_unlock(&s.lock);
    if (s.err < 0)
        pthread_join(thread, NULL);
    else
        loop->thread = thread;
    return s.err;
}

static void free_loop(struct weir__loop *loop)
{
    weir__loop_free(loop);
    weir__resolver_free(loop->resolver);
    weir__tls_turn_free(loop->tls);
}

static void stop_loops(struct weir_runtime *r, int started)
{
    for (int i = 1; i < started; i++) {
        atomic_store_explicit(&r->loops[i].stop, true, memory_order_release);
        weir__io_wake(r->loops[i].io);
    }
    for (int i = 1; i < started; i++)
        pthread_join(r->loops[i].thread, NULL);
    weir__pools_close(r);       /* a worker that sent a job home may still be waking the loop */
    weir__names_stop(r->names); /* so may the thread that looks at files */
    weir__starter_stop(r->starter);
    for (int i = 1; i < started; i++)
        free_loop(&r->loops[i]);
}

/* --- all loops --- */

struct first_task {
    struct weir_runtime *runtime;
    int (*fn)(void *);
    void *arg;
    int result;
    bool done;
};

static int run_first_task(void *arg)
{
    struct first_task *first = arg;

    first->result = first->fn(first->arg);
    weir__scope_check_innermost(&first->runtime->posts->first, "a task");
    weir__posts_close(first->runtime);
    first->done = true;
    return first->result;
}

static int run_loops(struct weir_runtime *r, struct first_task *first)
{
    struct weir__loop *loop = &r->loops[0];
    struct weir__priority priority = {0};
    struct weir__thread thread;
    int started = 1;
    int err = 0;

    while (err == 0 && started < r->loop_count) {
        err = start_loop(r, started);
        if (err == 0)
            started++;
    }
    weir__loop_set_current(loop);
    if (r->options.io != WEIR_IO_SIM)
        weir__priority_of_loop(&priority);
    weir__thread_enter(&thread, r, loop, NULL);
    weir__guard_enter(loop);
    weir__watch_enter(loop, &thread);
    if (err == 0)
        err = weir__spawn(&r->posts->first, "main", run_first_task, first, NULL);
    if (err == 0)
        err = weir__loop_turn_until(loop, &first->done);
    end_handles(loop);
    weir__resolver_end(loop);
    weir__watch_leave(loop);
    weir__guard_leave(loop);
    weir__priority_restore(&priority);
    weir__thread_leave(&thread);
    weir__loop_set_current(NULL);
    weir__posts_end(r);
    stop_loops(r, started);
    return err;
}

/* --- the runtime --- */

/* What does not depend on loops, and cannot fail. */
static void init_parts(struct weir_runtime *r)
{
    weir__stalls_init(r->stalls);
    weir__tls_runtime_init(r->tls);
    weir__registry_init(&r->registry);
    weir__registry_init(&r->shared);
    weir__sentences_init(&r->sentences);
    weir__threads_init(r->threads, &weir__profile_hooks);
    weir__publishers_init(r->publishers);
    weir__starter_init(r->starter);
}

static void free_parts(struct weir_runtime *r)
{
    weir__starter_free(r->starter);
    weir__publishers_free(r->publishers);
    weir__profile_runtime_ends(r->threads);
    weir__threads_free(r->threads);
    weir__stalls_free(r->stalls);
    weir__sentences_free(&r->sentences);
    weir__registry_destroy(&r->shared);
    weir__registry_destroy(&r->registry);
}

/* What there is of each loop. */
static int make_tables(struct weir_runtime *r)
{
    r->loop_count = r->options.loops;
    r->loops = calloc((size_t)r->loop_count, sizeof *r->loops);
    r->roots = calloc((size_t)r->loop_count, sizeof *r->roots);
    r->posts->of_loop = calloc((size_t)r->loop_count, sizeof *r->posts->of_loop);
    return r->loops == NULL || r->roots == NULL || r->posts->of_loop == NULL ? -ENOMEM : 0;
}

static void free_tables(struct weir_runtime *r)
{
    free(r->posts->of_loop);
    free(r->roots);
    free(r->loops);
}

/* Runs all loops, of which the first is open, beside pools, guard and watch. */
static int run_beside_pools(struct weir_runtime *r, struct first_task *first)
{
    int err = weir__pools_open(r);

    if (err < 0)
        return err;
    weir__guard_runtime_begins(r);
    err = weir__watch_open(r);
    if (err == 0)
        err = run_loops(r, first); /* and closes the pools */
    else
        weir__pools_close(r);
    weir__watch_close(r);
    weir__guard_runtime_ends(r);
    return err;
}

static int run(struct weir_runtime *r, struct first_task *first)
{
    struct signal_stack signals = {0};
    int err;

    init_parts(r);
    err = make_tables(r);
    if (err == 0)
        err = weir__symbols_open(&r->symbols);
    if (err == 0)
        err = signal_stack_enter(&signals);
    if (err == 0) {
        weir__faults_handle();
        err = weir__loop_open(&r->loops[0], r, 0);
    }
    if (err == 0) {
        err = run_beside_pools(r, first);
        free_loop(&r->loops[0]);
    }
    weir__tls_runtime_free(r->tls);
    signal_stack_leave(&signals);
    weir__symbols_close(r->symbols);
    free_tables(r);
    free_parts(r);
    return err < 0 ? err : first->result;
}

/* A runtime with everything its layers keep in it. */
struct whole {
    struct weir_runtime runtime;
    struct weir__posts posts;
    struct weir__threads threads;
    struct weir__names names;
    struct weir__pools pools;
    struct weir__job_kinds kinds;
    struct weir__publishers publishers;
    struct weir__starter starter;
    struct weir__guard_reporter guard_reporter;
    struct weir__stalls stalls;
    struct weir__tls_runtime tls;
};

static struct weir_runtime *put_together(struct whole *whole)
{
    struct weir_runtime *r = &whole->runtime;

    r->posts = &whole->posts;
    r->threads = &whole->threads;
    r->names = &whole->names;
    r->pools = &whole->pools;
    r->kinds = &whole->kinds;
    r->publishers = &whole->publishers;
    r->starter = &whole->starter;
    r->guard_reporter = &whole->guard_reporter;
    r->stalls = &whole->stalls;
    r->tls = &whole->tls;
    r->on_locks_held = weir__guard_holds_locks;
    r->name_place = weir__symbols_describe_place;
    return r;
}

/* Begins the log of a runtime. Returns: 0; < 0: nothing has begun. */
static int log_begins(struct weir_runtime *r, bool is_real)
{
    const weir_options *o = &r->options;
    int fd = o->log_sink != NULL ? -1 : o->log_fd > 0 ? o->log_fd : STDERR_FILENO;
    int err;

    weir__logger_init(&r->logger, fd, o->log_level, o->log_json);
    err = is_real ? weir__log_runtime_begins(&r->logger) : 0;
    if (err < 0 || fd == STDERR_FILENO)
        return err;
    err = weir__log_writer_open(&r->logger, fd, o->log_sink, o->log_sink_arg, is_real);
    if (err < 0 && is_real)
        weir__log_runtime_ends();
    return err;
}

static void log_ends(struct weir_runtime *r, bool is_real)
{
    if (r->logger.writer != NULL)
        weir__log_writer_close(r->logger.writer);
    if (is_real)
        weir__log_runtime_ends();
}

int weir_run(const weir_options *options, int (*fn)(void *arg), void *arg)
{
    struct whole whole = {.runtime.options = options != NULL ? *options : (weir_options){0}};
    struct weir_runtime *r = put_together(&whole);
    struct first_task first = {.runtime = r, .fn = fn, .arg = arg};
    struct weir__log_here log;
    bool is_real;
    int err;

    if (weir__loop_current() != NULL)
        return -EBUSY;
    err = fill_defaults(&r->options);
    is_real = r->options.io != WEIR_IO_SIM;
    if (err == 0)
        err = weir__names_open(r->names, r->options.resolver,
                               is_real ? &weir__dns_source : &weir__simulated_source, !is_real);
    if (err < 0)
        return err;
    if (is_real)
        weir__io_os_make_room();
    err = log_begins(r, is_real);
    if (err == 0) {
        log = weir__log_enter(&r->logger, is_real ? WEIR__LOG_LOOP_BYTES : 0);
        err = run(r, &first);
        weir__log_leave(&log);
        log_ends(r, is_real);
    }
    weir__names_free(r->names);
    return err;
}
