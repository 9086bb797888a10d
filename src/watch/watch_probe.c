/* SPDX-License-Identifier: MIT */
/* The registers and the stack of a loop's thread, taken by a signal or, of one that sleeps, from outside. */
#include <time.h>

#include "base/clock.h"
#include "core/lock.h"
#include "core/task.h"
#include "watch/watch_inside.h"

enum {
    CONFIRM_NS = 300000, /* a thread counts as blocked when it is in the same sleep after this time */
    ON_CPU_NS = 20000,   /* so long a thread is observed to see whether it is on a CPU */
    ENOUGH_NS = 2000000, /* the share of CPU time says something over this time */
};

void weir__watch_pause(void)
{
    const struct timespec t = {.tv_nsec = CONFIRM_NS};

    (void)nanosleep(&t, NULL);
}

static bool is_on_cpu(const struct weir__watched *x)
{
    int64_t cpu_ns = weir__watch_cpu_ns(x), until_ns = weir__clock_monotonic_ns() + ON_CPU_NS;

    while (weir__clock_monotonic_ns() < until_ns)
        weir__cpu_relax();
    return weir__watch_cpu_ns(x) - cpu_ns >= ON_CPU_NS / 2;
}

/* Whether the thread may be sent a signal. A thread that is only ready to run may be about to fall asleep, so
 * it is sent none. A thread that has computed all the time counts as computing: if it is not on a CPU just
 * now, the watch itself may be the reason. */
static bool computes(const struct weir__watched *x)
{
    int64_t cpu_ns = weir__watch_cpu_ns(x) - x->first.cpu_ns;
    int64_t since_ns = weir__clock_monotonic_ns() - x->first.at_ns;

    return (since_ns > ENOUGH_NS && 2 * cpu_ns >= since_ns) || is_on_cpu(x);
}

/* --- for the watch --- */

bool weir__watch_probe_running(const struct weir__watch *w, struct weir__watched *x, int64_t held_ns,
                               struct weir__thread_probe *out)
{
    bool asked = weir__capture_is_asked(&x->capture);

    out->running = true;
    if (!asked)
        x->asked_cpu_ns = weir__watch_cpu_ns(x);
    if ((asked || computes(x)) &&
        weir__capture_running(&x->capture, WEIR__WATCH_ANSWER_NS, &out->registers)) {
        out->has_stack = x->capture.count > 0 && x->capture.runner == x->runner && x->capture.run == x->run;
        return true;
    }
    return held_ns >=
           4 * w->after_ns; /* the program may have taken the signal, or block it: no answer ever */
}

void weir__watch_probe_sleeping(const struct weir__watch *w, struct weir__watched *x,
                                struct weir__thread_probe *out)
{
    struct weir__thread_state later;

    weir__capture_cancel(&x->capture);
    if (out->state.call != WEIR__CALL_UNKNOWN) {
        weir__registers_of_sleeper(&out->registers, out->state.sp, out->state.pc);
        out->has_stack = weir__capture_sleeper(&x->capture, &w->peek, out->state.sp);
    }
    weir__watch_pause();
    later = weir__thread_state_look(&x->files);
    out->blocked =
        weir__thread_state_is_same(&out->state, &later) && !atomic_load(&x->loop->heartbeat.asleep);
}

/* --- for the task tree --- */

static bool take_sleeping(const struct weir__watch *w, struct weir__watched *x,
                          const struct weir__thread_state *state, struct weir__registers *out)
{
    struct weir__thread_state later;

    weir__capture_cancel(&x->capture);
    if (state->call == WEIR__CALL_UNKNOWN || !weir__capture_sleeper(&x->capture, &w->peek, state->sp))
        return false;
    weir__registers_of_sleeper(out, state->sp, state->pc);
    later = weir__thread_state_look(&x->files);
    return weir__thread_state_is_same(state, &later);
}

static bool take_running(struct weir__watched *x, const struct weir__task *task, struct weir__registers *out)
{
    if (!weir__capture_is_asked(&x->capture) && !(weir__watch_is_same(x) ? computes(x) : is_on_cpu(x)))
        return false;
    return weir__capture_running(&x->capture, WEIR__WATCH_ANSWER_NS, out) && x->capture.count > 0 &&
           x->capture.runner == &task->runs;
}

bool weir__watch_probe_task(const struct weir__watch *w, struct weir__watched *x,
                            const struct weir__task *task, struct weir__registers *out)
{
    struct weir__thread_state state = weir__thread_state_look(&x->files);

    return state.status == WEIR__THREAD_SLEEPS ? take_sleeping(w, x, &state, out)
                                               : take_running(x, task, out);
}
