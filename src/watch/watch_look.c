/* SPDX-License-Identifier: MIT */
/* One loop: in which slice it is, since when, and whether that is a stall and of which kind. */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fence.h"
#include "core/held_loop.h"
#include "core/lock.h"
#include "core/task.h"
#include "watch/watch_inside.h"

enum {
    LOOKS_IN_AFTER = 5, /* so many, where a slice has to be looked at again before it is over */
    ANSWER_NS =
        200000, /* so long a running thread is given to answer the signal before others are looked at */
    CONFIRM_NS = 300000, /* so long a sleeper must have slept on to count as one */
    ON_CPU_NS = 20000,   /* so long a runner is watched to see whether it has a CPU */
    ENOUGH_NS = 2000000, /* looking at the books of so long says something */
    SILENT_NS = 5000000, /* who was asked so much CPU time ago has taken or blocked the signal */
    STACK_IN_AFTER = 16, /* so long a stall that has no stack yet is not told of */
    STACK_TRIES = 40,    /* so often a thread is given another moment to get the CPU */
};

/* --- the slice --- */

static _Atomic uint32_t *runner_of(struct weir__loop *loop)
{
    struct weir__task *task = atomic_load_explicit(&loop->running, memory_order_acquire);

    return task != NULL ? &task->runs : &loop->scheduler->runs;
}

bool weir__watch_is_same(struct weir__watched *x)
{
    weir__fence(memory_order_acquire);
    return runner_of(x->loop) == x->runner && atomic_load_explicit(x->runner, memory_order_acquire) == x->run;
}

/* False: it moved on meanwhile. */
static bool see(struct weir__loop *loop, struct weir__heartbeat_view *view)
{
    *view = weir__heartbeat_look(&loop->heartbeat, runner_of(loop));
    return runner_of(loop) == view->runner &&
           atomic_load_explicit(view->runner, memory_order_acquire) == view->run;
}

static int64_t cpu_ns_of(clockid_t clock)
{
    struct timespec t = {0};

    (void)clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* What was spent up to now, going on from the last time. */
static struct weir__evidence read_evidence(struct weir__watched *x)
{
    struct weir__off_cpu_time off = weir__off_cpu_look(&x->off_cpu);

    return (struct weir__evidence){.at_ns = weir__clock_monotonic_ns(),
                                   .cpu_ns = cpu_ns_of(x->loop->cpu_clock),
                                   .starved_ns = x->evidence.starved_ns + (int64_t)off.starved_ns,
                                   .throttled_ns = x->evidence.throttled_ns + (int64_t)off.throttled_ns};
}

static void begin(struct weir__watched *x, const struct weir__heartbeat_view *view,
                  const struct weir__evidence *evidence)
{
    uint64_t ticks = weir__clock_ticks();

    weir__capture_cancel(&x->capture);
    x->runner = view->runner;
    x->run = view->run;
    x->exact = view->exact;
    x->same = x->told = x->dismissed = false;
    x->began_ticks = view->began;
    x->first = *evidence;
    x->began_ns = evidence->at_ns;
    x->before = *evidence;
    if (!view->exact)
        return;
    if (ticks > view->began)
        x->began_ns -= weir__clock_ticks_ns(ticks - view->began);
    x->before = x->evidence;
}

/* --- is it a stall? --- */

static void nap(int64_t ns)
{
    const struct timespec t = {.tv_nsec = (long)ns};

    (void)nanosleep(&t, NULL);
}

static bool is_on_cpu(const struct weir__watched *x)
{
    int64_t cpu_ns = cpu_ns_of(x->loop->cpu_clock), until_ns = weir__clock_monotonic_ns() + ON_CPU_NS;

    while (weir__clock_monotonic_ns() < until_ns)
        weir__cpu_relax();
    return cpu_ns_of(x->loop->cpu_clock) - cpu_ns >= ON_CPU_NS / 2;
}

/* Who is only ready to run is sent no signal: it may be about to fall asleep. Who has been computing all the
 * time is perhaps not on a CPU just now because the watch is. */
static bool computes(const struct weir__watched *x)
{
    int64_t cpu_ns = cpu_ns_of(x->loop->cpu_clock) - x->first.cpu_ns;
    int64_t since_ns = weir__clock_monotonic_ns() - x->first.at_ns;

    return (since_ns > ENOUGH_NS && 2 * cpu_ns >= since_ns) || is_on_cpu(x);
}

/* Takes its registers and stack by a signal. False: it has not answered yet. */
static bool sight_runner(const struct weir__watch *w, struct weir__watched *x, int64_t held_ns,
                         struct weir__task_viewing *out)
{
    bool asked = weir__capture_is_asked(&x->capture);

    out->running = true;
    if (!asked)
        x->asked_cpu_ns = cpu_ns_of(x->loop->cpu_clock);
    if ((asked || computes(x)) && weir__capture_running(&x->capture, ANSWER_NS, &out->registers)) {
        out->has_stack = x->capture.count > 0 && x->capture.runner == x->runner && x->capture.run == x->run;
        return true;
    }
    return held_ns >= 4 * w->after_ns; /* it may never: somebody has taken the signal, or blocks it */
}

/* Takes its stack from outside. It counts when it is in the same call a little later: who only passes through
 * one, or is being woken, does not block. */
static void sight_sleeper(const struct weir__watch *w, struct weir__watched *x,
                          struct weir__task_viewing *out)
{
    struct weir__thread_state later;

    weir__capture_cancel(&x->capture);
    if (out->where.call != -2) {
        weir__registers_of_sleeper(&out->registers, out->where.sp, out->where.pc);
        out->has_stack = weir__capture_sleeper(&x->capture, &w->peek, out->where.sp);
    }
    nap(CONFIRM_NS);
    later = weir__thread_state_look(&x->files);
    out->blocked =
        weir__thread_state_is_same(&out->where, &later) && !atomic_load(&x->loop->heartbeat.asleep);
}

/* It was off the CPU when it was asked: it answers as soon as it is on it. */
static bool will_answer(const struct weir__watch *w, const struct weir__watched *x)
{
    return x->evidence.at_ns - x->began_ns < STACK_IN_AFTER * w->after_ns &&
           x->evidence.cpu_ns - x->asked_cpu_ns < SILENT_NS;
}

static bool is_stall(const struct weir__watch *w, struct weir__watched *x,
                     const struct weir__task_viewing *view, enum weir_stall_kind *kind)
{
    const struct weir__case c = {.began_ns = x->began_ns,
                                 .before = x->before,
                                 .first = x->first,
                                 .now = x->evidence,
                                 .after_ns = w->after_ns,
                                 .seen_running = view->running,
                                 .seen_blocked = view->blocked};

    switch (weir__verdict_of(&c)) {
    case WEIR__VERDICT_COMPUTING:
        *kind = WEIR_STALL_COMPUTING;
        return true;
    case WEIR__VERDICT_BLOCKED:
        *kind = WEIR_STALL_BLOCKED;
        return true;
    case WEIR__VERDICT_STARVED:
        *kind = WEIR_STALL_STARVED;
        return true;
    case WEIR__VERDICT_THROTTLED:
        *kind = WEIR_STALL_THROTTLED;
        return true;
    case WEIR__VERDICT_NONE:
        break;
    }
    return false;
}

/* Returns: when to look again. */
static int64_t examine(struct weir__watch *w, struct weir__watched *x)
{
    struct weir__task_viewing view = {.where = weir__thread_state_look(&x->files)};
    enum weir_stall_kind kind;

    if (view.where.state == WEIR__THREAD_SLEEPS)
        sight_sleeper(w, x, &view);
    else if (!sight_runner(w, x, weir__clock_monotonic_ns() - x->began_ns, &view))
        return weir__clock_monotonic_ns() + ANSWER_NS;
    x->evidence = read_evidence(x); /* it has the CPU now, or is asleep: what it waited is in the books */
    if (!weir__watch_is_same(x))
        return x->evidence.at_ns;
    if (!is_stall(w, x, &view, &kind))
        return x->evidence.at_ns + w->after_ns / LOOKS_IN_AFTER;
    if (kind == WEIR_STALL_COMPUTING && view.running && !view.has_stack && will_answer(w, x))
        return x->evidence.at_ns + ANSWER_NS;
    x->retry_ns = 2 * (x->evidence.at_ns - x->began_ns);
    if (x->dismissed && kind > WEIR_STALL_BLOCKED)
        return x->evidence.at_ns + w->after_ns;
    if (x->told)
        weir__watch_ended(w, x);
    weir__watch_tell(w, x, kind, &view);
    x->dismissed = x->told && kind > WEIR_STALL_BLOCKED;
    return weir__clock_monotonic_ns() + w->after_ns;
}

/* --- for who looks at all tasks --- */

static bool runs_there(const struct weir__loop *loop, const struct weir__task *task, uint64_t id)
{
    return atomic_load_explicit(&loop->running, memory_order_acquire) == task &&
           atomic_load_explicit(&task->id, memory_order_acquire) == id;
}

static bool take_sleeper(const struct weir__watch *w, struct weir__watched *x,
                         const struct weir__thread_state *where, struct weir__registers *out)
{
    struct weir__thread_state later;

    weir__capture_cancel(&x->capture);
    if (where->call == -2 || !weir__capture_sleeper(&x->capture, &w->peek, where->sp))
        return false;
    weir__registers_of_sleeper(out, where->sp, where->pc);
    later = weir__thread_state_look(&x->files);
    return weir__thread_state_is_same(where, &later);
}

static bool take_runner(struct weir__watched *x, const struct weir__task *task, struct weir__registers *out)
{
    if (!weir__capture_is_asked(&x->capture) && !(weir__watch_is_same(x) ? computes(x) : is_on_cpu(x)))
        return false;
    return weir__capture_running(&x->capture, ANSWER_NS, out) && x->capture.count > 0 &&
           x->capture.runner == &task->runs;
}

static bool take_once(const struct weir__watch *w, struct weir__watched *x, const struct weir__task *task,
                      struct weir__registers *out)
{
    struct weir__thread_state where = weir__thread_state_look(&x->files);

    return where.state == WEIR__THREAD_SLEEPS ? take_sleeper(w, x, &where, out) : take_runner(x, task, out);
}

bool weir__watch_stack(struct weir_runtime *runtime, int loop, const struct weir__task *task, uint64_t id,
                       struct weir__registers *registers, struct weir__stack_copy *copy, char *bytes,
                       size_t room)
{
    struct weir__watch *w = runtime->watch;
    struct weir__watched *x = w != NULL && !weir__watch_here ? weir__watch_hold(w, loop) : NULL;
    bool taken = false;

    if (x == NULL)
        return false;
    for (int i = 0; i < STACK_TRIES && !taken && runs_there(x->loop, task, id); i++) {
        if (i > 0)
            nap(CONFIRM_NS);
        taken = take_once(w, x, task, registers);
    }
    weir__capture_cancel(&x->capture); /* an answer to us is none to the watch */
    taken = taken && runs_there(x->loop, task, id);
    if (taken) {
        *copy = (struct weir__stack_copy){.bytes = bytes, .low = x->capture.low, .count = x->capture.count};
        copy->count = copy->count < room ? copy->count : room;
        memcpy(bytes, x->capture.stack, copy->count);
    }
    weir__watch_release(x);
    return taken;
}

/* --- a look --- */

static int64_t next_look(const struct weir__watch *w, const struct weir__watched *x)
{
    if (x->exact || x->same)
        return x->began_ns + w->after_ns;
    return x->began_ns +
           w->after_ns / LOOKS_IN_AFTER; /* to know of one that lasts since about when it does */
}

/* Returns: when to look again. */
static int64_t look_at_slice(struct weir__watch *w, struct weir__watched *x)
{
    int64_t held_ns = x->evidence.at_ns - x->began_ns;

    if (!x->told)
        return held_ns < w->after_ns ? next_look(w, x) : examine(w, x);
    weir__watch_goes_on(w, x, held_ns);
    return x->dismissed && held_ns >= x->retry_ns ? examine(w, x) : x->evidence.at_ns + w->after_ns;
}

void weir__watch_look(struct weir__watch *w, struct weir__watched *x)
{
    struct weir__heartbeat_view view;
    struct weir__evidence evidence;
    bool same;

    x->next_ns = weir__clock_monotonic_ns() + w->after_ns;
    if (!see(x->loop, &view)) {
        x->quiet = 0;
        return;
    }
    same = view.runner == x->runner && view.run == x->run;
    if (same && view.asleep && x->was_asleep) {
        evidence = x->evidence;
        evidence.at_ns = weir__clock_monotonic_ns();
        x->quiet++;
    } else {
        evidence = read_evidence(x);
        x->quiet = 0;
    }
    if (same) {
        x->same = true;
    } else {
        if (x->told)
            weir__watch_ended(w, x);
        begin(x, &view, &evidence);
    }
    x->evidence = evidence;
    x->was_asleep = view.asleep;
    if (view.asleep)
        return;
    if (x->evidence.at_ns - x->began_ns >= w->after_ns)
        weir__held_hooks_call(w->runtime, x->loop->index); /* first of all: the rest may take a while */
    x->next_ns = look_at_slice(w, x);
}
