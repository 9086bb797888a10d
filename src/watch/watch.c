/* SPDX-License-Identifier: MIT */
/* The thread of the watch: when to look, at which loop. */
#include "watch/watch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "core/lock.h"
#include "core/log/log.h"
#include "core/priority.h"
#include "core/thread.h"
#include "watch/watch_inside.h"

/* QUIET_LOOKS: looks at sleeping loops before the watch sleeps until a loop wakes. They last a tenth of a
 * second, so that only loops with very little to do bear the cost of waking it. */
enum { QUIET_LOOKS = 10, SETTLING_NS = 1000000000 };

__thread bool weir__watch_here __attribute__((tls_model("initial-exec"), visibility("hidden")));

static void ring(void *arg)
{
    struct weir__watch *w = arg;

    atomic_store(&w->bell, 1);
    weir__futex_wake(&w->bell);
}

static void sleep_until(struct weir__watch *w, int64_t at_ns)
{
    int64_t left_ns = at_ns - weir__clock_monotonic_ns();
    struct timespec most = {.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};

    if (left_ns > 0)
        weir__futex_wait(&w->bell, 0, at_ns == INT64_MAX ? NULL : &most);
    atomic_store(&w->bell, 0);
}

/* --- while all loops sleep --- */

static void set_alarms(struct weir__watch *w, bool on)
{
    for (int i = 0; i < w->runtime->loop_count; i++)
        if (w->loops[i] != NULL)
            atomic_store(&w->loops[i]->loop->heartbeat.alarm, on);
}

/* Whether all loops are asleep, and have been for so many looks. */
static bool is_quiet(struct weir__watch *w, unsigned looks)
{
    for (int i = 0; i < w->runtime->loop_count; i++) {
        struct weir__watched *x = w->loops[i];
        if (x != NULL &&
            (x->quiet < looks || !atomic_load(&x->loop->heartbeat.asleep) || !weir__watch_is_same(x)))
            return false;
    }
    return true;
}

/* Asks the loops to ring when one of them wakes. Returns: false: a loop is awake. No wake is missed: the
 * alarm is set before the loops are looked at, and a loop reads the alarm after it has set itself awake. */
static bool may_sleep_on(struct weir__watch *w)
{
    bool may;

    if (!is_quiet(w, QUIET_LOOKS))
        return false;
    set_alarms(w, true);
    may = is_quiet(w, 0);
    if (!may)
        set_alarms(w, false);
    return may;
}

/* --- the thread --- */

struct weir__watched *weir__watch_hold(struct weir__watch *w, int loop)
{
    struct weir__watched *x;

    pthread_mutex_lock(&w->lock);
    x = w->loops[loop];
    if (x != NULL)
        pthread_mutex_lock(&x->lock);
    pthread_mutex_unlock(&w->lock);
    return x;
}

void weir__watch_release(struct weir__watched *x)
{
    pthread_mutex_unlock(&x->lock);
}

/* Returns: when to look again; INT64_MAX: when the bell rings. */
static int64_t look_at_all(struct weir__watch *w)
{
    int64_t next_ns = INT64_MAX;

    pthread_mutex_lock(&w->lock);
    set_alarms(w, false);
    pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < w->runtime->loop_count; i++) {
        struct weir__watched *x = weir__watch_hold(w, i);
        if (x == NULL)
            continue;
        if (x->next_ns <= weir__clock_monotonic_ns() || x->quiet >= QUIET_LOOKS)
            weir__watch_look(w, x);
        if (x->next_ns < next_ns)
            next_ns = x->next_ns;
        weir__watch_release(x);
    }
    pthread_mutex_lock(&w->lock);
    if (may_sleep_on(w))
        next_ns = INT64_MAX;
    pthread_mutex_unlock(&w->lock);
    return next_ns;
}

static void *watch_thread(void *arg)
{
    struct weir__watch *w = arg;
    struct weir__priority before;
    struct weir__log_here log;
    int64_t settled_ns = weir__clock_monotonic_ns() + SETTLING_NS;

    (void)pthread_setname_np(pthread_self(), "watch");
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    weir__priority_of_loop(&before);
    weir__watch_here = true;
    log = weir__log_enter(&w->runtime->logger, 0);
    while (!atomic_load(&w->stops)) {
        sleep_until(w, look_at_all(w));
        if (settled_ns != 0 && weir__clock_monotonic_ns() > settled_ns) {
            weir__clock_ticks_refine();
            settled_ns = 0;
        }
    }
    weir__log_leave(&log);
    return NULL;
}

/* --- loops come and go --- */

void weir__watch_enter(struct weir__loop *loop, const struct weir__thread *thread)
{
    struct weir__watch *w = loop->runtime->watch;
    struct weir__watched *x = w != NULL ? calloc(1, sizeof *x) : NULL;

    if (x == NULL || weir__capture_open(&x->capture, loop, thread->stack, loop->stacks.bytes) < 0) {
        free(x);
        return;
    }
    pthread_mutex_init(&x->lock, NULL);
    x->loop = loop;
    weir__thread_state_open(&x->files, thread->tid);
    weir__off_cpu_open(&x->off_cpu, thread->tid);
    loop->heartbeat.on_wake = ring;
    loop->heartbeat.on_wake_arg = w;
    pthread_mutex_lock(&w->lock);
    w->loops[loop->index] = x;
    pthread_mutex_unlock(&w->lock);
    ring(w);
}

void weir__watch_leave(struct weir__loop *loop)
{
    struct weir__watch *w = loop->runtime->watch;
    struct weir__watched *x;

    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    x = w->loops[loop->index];
    w->loops[loop->index] = NULL;
    pthread_mutex_unlock(&w->lock);
    if (x == NULL)
        return;
    pthread_mutex_lock(&x->lock); /* then no thread that has found x there uses it any more */
    pthread_mutex_unlock(&x->lock);
    atomic_store(&loop->heartbeat.alarm, false);
    loop->heartbeat.on_wake = NULL;
    loop->heartbeat.on_wake_arg = NULL;
    if (x->reported)
        weir__watch_ended(w, x);
    weir__capture_cancel(&x->capture);
    weir__capture_close(&x->capture);
    weir__off_cpu_close(&x->off_cpu);
    weir__thread_state_close(&x->files);
    pthread_mutex_destroy(&x->lock);
    free(x);
}

/* --- opening, closing --- */

/* The thread takes no signals: they are for loops. */
static int create(struct weir__watch *w)
{
    sigset_t all, before;
    int err;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    err = -pthread_create(&w->thread, NULL, watch_thread, w);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

static void free_watch(struct weir__watch *w)
{
    weir__peek_close(&w->peek);
    pthread_mutex_destroy(&w->log_lock);
    pthread_mutex_destroy(&w->lock);
    free(w->loops);
    free(w);
}

int weir__watch_open(struct weir_runtime *runtime)
{
    struct weir__watch *w;
    int err;

    if (runtime->options.io == WEIR_IO_SIM || runtime->options.stall_after.ns < 0)
        return 0;
    w = calloc(1, sizeof *w);
    if (w == NULL)
        return -ENOMEM;
    w->runtime = runtime;
    w->after_ns = runtime->options.stall_after.ns;
    pthread_mutex_init(&w->lock, NULL);
    pthread_mutex_init(&w->log_lock, NULL);
    w->loops = calloc((size_t)runtime->loop_count, sizeof(struct weir__watched *));
    err = w->loops == NULL ? -ENOMEM : weir__peek_open(&w->peek);
    if (err == 0)
        err = weir__capture_catch();
    if (err == 0) {
        err = create(w);
        if (err < 0)
            weir__capture_uncatch();
    }
    if (err < 0) {
        free_watch(w);
        return err;
    }
    runtime->watch = w;
    return 0;
}

void weir__watch_close(struct weir_runtime *runtime)
{
    struct weir__watch *w = runtime->watch;

    if (w == NULL)
        return;
    runtime->watch = NULL;
    atomic_store(&w->stops, true);
    ring(w);
    (void)pthread_join(w->thread, NULL);
    weir__capture_uncatch();
    free_watch(w);
}

/* --- reading what was found --- */

int weir_stalls_each(weir_runtime *runtime, int (*fn)(void *arg, const weir_stall *stall), void *arg)
{
    return weir__stalls_each(runtime->stalls, fn, arg);
}

int weir_stall_totals_each(weir_runtime *runtime, int (*fn)(void *arg, const weir_stall_total *total),
                           void *arg)
{
    return weir__stalls_total(runtime->stalls, fn, arg);
}
