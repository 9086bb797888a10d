/* SPDX-License-Identifier: MIT */
/* One look at a loop: decides whether its present slice is a stall, and of which kind. */
#include "base/clock.h"
#include "core/held_loop.h"
#include "watch/watch_inside.h"

enum {
    LOOKS_IN_AFTER = 5,  /* so many looks, where a slice must be looked at again before it is a stall */
    SILENT_NS = 5000000, /* asked this much CPU time ago and no answer: the signal is taken or blocked */
    STACK_IN_AFTER = 16, /* so many times after_ns a stall without a stack is held back */
};

/* --- is it a stall? --- */

/* Whether an answer is still to be expected. The thread was off the CPU when it was asked, and answers as
 * soon as it is on it. */
static bool will_answer(const struct weir__watch *w, const struct weir__watched *x)
{
    return x->evidence.at_ns - x->began_ns < STACK_IN_AFTER * w->after_ns &&
           x->evidence.cpu_ns - x->asked_cpu_ns < SILENT_NS;
}

static bool is_stall(const struct weir__watch *w, struct weir__watched *x,
                     const struct weir__thread_probe *probe, enum weir_stall_type *kind)
{
    const struct weir__case c = {.began_ns = x->began_ns,
                                 .before = x->before,
                                 .first = x->first,
                                 .now = x->evidence,
                                 .after_ns = w->after_ns,
                                 .seen_running = probe->running,
                                 .seen_blocked = probe->blocked};

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
    struct weir__thread_probe probe = {.state = weir__thread_state_look(&x->files)};
    enum weir_stall_type kind;

    if (probe.state.status == WEIR__THREAD_SLEEPS)
        weir__watch_probe_sleeping(w, x, &probe);
    else if (!weir__watch_probe_running(w, x, weir__clock_monotonic_ns() - x->began_ns, &probe))
        return weir__clock_monotonic_ns() + WEIR__WATCH_ANSWER_NS;
    /* The thread has the CPU now, or is asleep: the kernel has accounted for its time off the CPU. */
    x->evidence = weir__watch_read_evidence(x);
    if (!weir__watch_is_same(x))
        return x->evidence.at_ns;
    if (!is_stall(w, x, &probe, &kind))
        return x->evidence.at_ns + w->after_ns / LOOKS_IN_AFTER;
    if (kind == WEIR_STALL_COMPUTING && probe.running && !probe.has_stack && will_answer(w, x))
        return x->evidence.at_ns + WEIR__WATCH_ANSWER_NS;
    x->retry_ns = 2 * (x->evidence.at_ns - x->began_ns);
    if (x->dismissed && kind > WEIR_STALL_BLOCKED)
        return x->evidence.at_ns + w->after_ns;
    if (x->reported)
        weir__watch_ended(w, x);
    weir__watch_tell(w, x, kind, &probe);
    x->dismissed = x->reported && kind > WEIR_STALL_BLOCKED;
    return weir__clock_monotonic_ns() + w->after_ns;
}

/* --- a look --- */

/* A slice whose beginning is not known is looked at early, to learn how long it has lasted at least. */
static int64_t next_look(const struct weir__watch *w, const struct weir__watched *x)
{
    if (x->exact || x->same)
        return x->began_ns + w->after_ns;
    return x->began_ns + w->after_ns / LOOKS_IN_AFTER;
}

/* Returns: when to look again. */
static int64_t look_at_slice(struct weir__watch *w, struct weir__watched *x)
{
    int64_t held_ns = x->evidence.at_ns - x->began_ns;

    if (!x->reported)
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
    if (!weir__watch_see(x->loop, &view)) {
        x->quiet = 0;
        return;
    }
    same = view.runner == x->runner && view.run == x->run;
    if (same && view.asleep && x->was_asleep) {
        evidence = x->evidence;
        evidence.at_ns = weir__clock_monotonic_ns();
        x->quiet++;
    } else {
        evidence = weir__watch_read_evidence(x);
        x->quiet = 0;
    }
    if (same) {
        x->same = true;
    } else {
        if (x->reported)
            weir__watch_ended(w, x);
        weir__watch_begin_slice(x, &view, &evidence);
    }
    x->evidence = evidence;
    x->was_asleep = view.asleep;
    if (view.asleep)
        return;
    if (x->evidence.at_ns - x->began_ns >= w->after_ns)
        weir__held_hooks_call(w->runtime, x->loop->index); /* first, because the rest may take a while */
    x->next_ns = look_at_slice(w, x);
}
