/* SPDX-License-Identifier: MIT */
#include "core/loop_run.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/log.h>

#include "base/clock.h"
#include "core/account/attribution.h"
#include "core/account/slice_stamp.h"
#include "core/deadlock_report.h"
#include "core/handle.h"
#include "core/lock.h"
#include "core/loop.h"
#include "core/runtime.h"
#include "core/post.h"
#include "core/scope.h"
#include "core/shuffle.h"
#include "core/signal.h"
#include "core/task.h"

enum { CHUNKS_KEPT = 256, TRIM_STACKS = 64, RUNS_PER_IO = 32, FEW_RESULTS = 16 };
static const int64_t trim_every_ns = 1000000000, io_every_ns = 20000, settle_ns = 1000000, short_ns = 20000;

/* --- opening and closing --- */

int weir__loop_open(struct weir__loop *loop, struct weir_runtime *runtime, int index)
{
    const weir_options *o = &runtime->options;
    struct weir__io_options io = {.backend = (enum weir__io_backend_type)o->io, .seed = o->seed};
    int err;

    *loop = (struct weir__loop){.runtime = runtime, .index = index, .root = &runtime->roots[index]};
    (void)snprintf(loop->label, sizeof loop->label, "loop %d", index);
    weir__clock_ticks_init();
    loop->task_id_step = (uint64_t)runtime->loop_count;
    loop->last_task_id = (uint64_t)index + 1 - loop->task_id_step; /* wraps, and comes back */
    weir__scope_init_root(loop->root, loop);
    weir__posts_begin_loop(loop);
    weir__handles_init(&loop->handles);
    weir__list_init(&loop->owned);
    weir__list_init(&loop->spares);
    weir__list_init(&loop->spare_wants);
    weir__random_seed(&loop->random, o->seed + (uint64_t)index);
    weir__random_seed(&loop->order, ~o->seed);
    loop->shuffles = o->io == WEIR_IO_SIM && o->seed != 1;
    weir__chunk_cache_init(&loop->chunks, CHUNKS_KEPT);
    weir__account_init(&loop->buffered, &runtime->buffered_bytes);
    err = weir__stacks_init(&loop->stacks, o->stack_bytes, o->tasks_max, WEIR__GUARD_BEST);
    if (err < 0)
        return err;
    loop->scheduler = aligned_alloc(_Alignof(struct weir__task), sizeof *loop->scheduler);
    if (loop->scheduler == NULL)
        return -ENOMEM;
    *loop->scheduler = (struct weir__task){.loop = loop, .name = "the loop itself"};
    err = weir__io_open(&io, &loop->io);
    if (err < 0) {
        free(loop->scheduler);
        return err;
    }
    (void)pthread_getcpuclockid(pthread_self(), &loop->cpu_clock);
    loop->opened_ns = loop->now_ns = weir__io_now_ns(loop->io);
    loop->opened_cpu_ns = weir__loop_cpu_ns(loop);
    weir__lag_init(&loop->lag, loop->now_ns);
    weir__heartbeat_init(&loop->heartbeat, &loop->scheduler->runs, weir__io_virtual_ns(loop->io));
    loop->slices.long_ticks = weir__heartbeat_ns_ticks(&loop->heartbeat, WEIR__SLICE_LONG_NS);
    weir__io_set_heartbeat(loop->io, &loop->heartbeat);
    weir__wheel_init(&loop->wheel, loop->now_ns);
    return 0;
}

/* --- mail --- */

static bool has_mail(struct weir__loop *loop)
{
    return atomic_load_explicit(&loop->mailbox, memory_order_relaxed) != NULL;
}

static void open_mailbox(struct weir__loop *loop)
{
    struct weir__message *message, *next, *in_order = NULL;

    if (!has_mail(loop))
        return;
    message = atomic_exchange_explicit(&loop->mailbox, NULL, memory_order_acquire);
    for (; message != NULL; message = next) {
        next = message->next;
        message->next = in_order;
        in_order = message;
    }
    for (; in_order != NULL; in_order = next) {
        next = in_order->next; /* delivering may end the life of the message */
        in_order->deliver(in_order);
    }
}

/* --- the end --- */

void weir__loop_settle(struct weir__loop *loop)
{
    open_mailbox(loop);
    (void)weir__io_turn(loop->io, weir__io_now_ns(loop->io) + settle_ns);
}

void weir__loop_free(struct weir__loop *loop)
{
    open_mailbox(loop); /* what came when the last task had ended has storage that is to be freed */
    weir__attribution_close(loop);
    weir__io_free(loop->io);
    weir__stacks_free(&loop->stacks);
    weir__chunk_cache_drain(&loop->chunks);
#ifdef WITH_TSAN
    weir__fibers_free(&loop->fibers);
#endif
    free(loop->scheduler);
}

/* --- timers --- */

static void fire(struct weir__loop *loop, struct weir__timeout *timeout, int64_t now_ns)
{
    int64_t late_ns = now_ns - timeout->timer.expires_ns;

    if (__builtin_expect(late_ns <= WEIR__SLICE_LONG_NS, 1)) {
        timeout->fire(timeout);
        return;
    }
    weir__attribution_late_timer(loop, late_ns);
    timeout->fire(timeout);
    weir__attribution_late_timer(loop, 0);
}

static struct weir__list *next_expired(struct weir__loop *loop, struct weir__list *expired)
{
    if (__builtin_expect(loop->shuffles, 0) && !weir__list_is_empty(expired))
        return weir__shuffle_timer(loop, expired);
    return weir__list_pop_front(expired);
}

static void fire_timers(struct weir__loop *loop, int64_t now_ns)
{
    struct weir__list expired, *node;

    weir__list_init(&expired);
    weir__wheel_advance(&loop->wheel, now_ns, &expired);
    while ((node = next_expired(loop, &expired)) != NULL) {
        struct weir__timer *timer = weir__container_of(node, struct weir__timer, node);
        fire(loop, weir__container_of(timer, struct weir__timeout, timer), now_ns);
    }
}

static bool is_finished(struct weir__loop *loop, const bool *done)
{
    bool asked = done != NULL ? *done : atomic_load_explicit(&loop->stop, memory_order_acquire);

    return asked && loop->root->live == 0 && weir__posts_are_over(loop);
}

/* Nothing can ever happen again: reports the tasks that wait, then fails every wait, so that the tasks end.
 */
static int break_deadlock(struct weir__loop *loop)
{
    weir__deadlock_report(loop);
    if (loop->root->cause == -EDEADLK) {
        weir_log(WEIR_LOG_ERROR, "tasks are left that nothing can wake");
        abort();
    }
    weir__scope_cancel(loop->root, -EDEADLK);
    return -EDEADLK;
}

/* Waits awake for a few microseconds: a job on another core is about to end, in less time than falling asleep
 * and being woken takes. */
static void await_short_job(struct weir__loop *loop)
{
    while (!has_mail(loop) && weir__io_now_ns(loop->io) < loop->spin_until_ns)
        weir__cpu_relax();
    loop->spin_until_ns = 0;
}

/* Asking the kernel costs as much as ten switches: while there is other work it is asked now and then. */
static bool is_io_due(struct weir__loop *loop, int64_t now_ns, bool has_work)
{
    if (has_work && ++loop->runs_since_io < RUNS_PER_IO && now_ns < loop->io_due_ns)
        return false;
    loop->runs_since_io = 0;
    loop->io_due_ns = now_ns + io_every_ns;
    return true;
}

/* Decides how many results of the kernel are taken at once. What few of them touch is in the CPU's cache
 * still when the tasks that they start run. Where tasks take long, or others are ready, all results are
 * taken, so that all that waits is seen to wait. */
static unsigned batch_of(const struct weir__loop *loop, int64_t now_ns, bool has_work)
{
    const int64_t spent_ns = now_ns - loop->lag.late_ns; /* since the last poll */

    return !has_work && spent_ns <= loop->io_results * short_ns ? FEW_RESULTS : WEIR__IO_BATCH_MAX;
}

static int ask_kernel(struct weir__loop *loop, int64_t now_ns, int64_t next_ns, bool has_work)
{
    uint64_t sleep_ticks = weir__heartbeat_sleep_total(&loop->heartbeat);
    int result;

    weir__io_set_batch(loop->io, batch_of(loop, now_ns, has_work));
    weir__attribution_ask(loop);
    weir__lag_look(&loop->lag, now_ns);
    result = weir__io_turn(loop->io, next_ns);
    loop->io_results = result > 0 ? result : 0;
    sleep_ticks = weir__heartbeat_sleep_total(&loop->heartbeat) - sleep_ticks;
    if (sleep_ticks > 0)
        weir__lag_sleep(&loop->lag, weir__heartbeat_ns(&loop->heartbeat, sleep_ticks), next_ns);
    return result;
}

static void show(struct weir__loop *loop)
{
    atomic_store_explicit(&loop->ready_seen, loop->ready_count, memory_order_relaxed);
    atomic_store_explicit(&loop->tasks_seen, loop->stacks.count - loop->stacks.idle_count,
                          memory_order_relaxed);
    atomic_store_explicit(&loop->task_id_seen, loop->last_task_id, memory_order_relaxed);
}

/* Begins a slice of the loop itself: a turn in which no task runs. */
static void begin_own_slice(struct weir__loop *loop)
{
    weir__heartbeat_run(&loop->scheduler->runs);
    if (weir__heartbeat_is_stamp_due(&loop->heartbeat))
        weir__slice_stamp_switch(loop, loop->scheduler, loop->scheduler);
}

int weir__loop_turn_until(struct weir__loop *loop, const bool *done)
{
    int result = 0;

    while (!is_finished(loop, done)) {
        int64_t now_ns, next_ns;
        bool has_work;

        open_mailbox(loop);
        weir__signals_deliver(loop);
        weir__attribution_turn(loop);
        if (loop->ready_count > 0)
            weir__tasks_run(loop);
        else
            begin_own_slice(loop);
        if (is_finished(loop, done))
            break;
        loop->now_ns = now_ns = weir__io_now_ns(loop->io);
        next_ns = weir__wheel_next_ns(&loop->wheel);
        if (next_ns <= now_ns) {
            fire_timers(loop, now_ns);
            next_ns = weir__wheel_next_ns(&loop->wheel);
        }
        if (loop->ready_count == 0 && now_ns >= loop->trim_after_ns) {
            weir__stacks_trim(&loop->stacks, TRIM_STACKS);
            weir__io_pipes_trim(loop->io);
            loop->trim_after_ns = now_ns + trim_every_ns;
        }
        show(loop);
        if (loop->ready_count == 0 && loop->spin_until_ns > now_ns)
            await_short_job(loop);
        has_work = loop->ready_count > 0 || has_mail(loop);
        if (has_work)
            next_ns = 0;
        if (is_io_due(loop, now_ns, has_work) && ask_kernel(loop, now_ns, next_ns, has_work) == -EDEADLK)
            result = break_deadlock(loop);
    }
    return result;
}
