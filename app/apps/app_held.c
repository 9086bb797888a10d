/* SPDX-License-Identifier: MIT */
#include "apps/app_held.h"

enum { NEARLY_ALL_PERCENT = 70 };

/* What a thread has done between the two readings. */
struct span {
    int64_t cpu_ns, delay_ns;
    bool blocked, stopped; /* at both */
};

const char *app_held_name(enum app_held how)
{
    static const char *const names[] = {"not held", "computing", "blocked", "stopped", "starved"};

    return names[how];
}

static int64_t wanted(struct span s)
{
    return s.cpu_ns + s.delay_ns;
}

/* A thread that was not there before has done all of it since. */
static struct span span_of(const struct proc_family *before, const struct proc_thread *now)
{
    for (size_t i = 0; i < before->count; i++) {
        const struct proc_thread *was = &before->threads[i];
        if (was->tid == now->tid && was->pid == now->pid)
            return (struct span){now->cpu_ns - was->cpu_ns, now->delay_ns - was->delay_ns,
                                 was->doing == PROC_BLOCKED && now->doing == PROC_BLOCKED,
                                 was->doing == PROC_STOPPED && now->doing == PROC_STOPPED};
    }
    return (struct span){now->cpu_ns, now->delay_ns, false, false};
}

/* One process of the family: its threads stand one after another. Threads that share a lock of the
 * interpreter share one CPU, so their time counts together. */
static struct app_held_by held_of(const struct proc_family *before, const struct proc_family *now,
                                  size_t from, size_t to, int places)
{
    const int64_t nearly_all_ns = (now->at_ns - before->at_ns) * NEARLY_ALL_PERCENT / 100;
    struct span all = {0, 0, false, false}, most = {-1, 0, false, false};
    struct app_held_by by = {.how = APP_NOT_HELD};
    const struct proc_thread *busiest = NULL, *sleeper = NULL, *stopped = NULL;
    int sleepers = 0;

    for (size_t i = from; i < to; i++) {
        const struct proc_thread *thread = &now->threads[i];
        const struct span span = span_of(before, thread);
        const bool sleeps = span.blocked && wanted(span) < nearly_all_ns / 2;

        all.cpu_ns += span.cpu_ns;
        all.delay_ns += span.delay_ns;
        if (wanted(span) > wanted(most)) {
            most = span;
            busiest = thread;
        }
        if (span.stopped && (stopped == NULL || thread->tid == thread->pid))
            stopped = thread;
        if (sleeps && (sleeper == NULL || thread->tid == thread->pid))
            sleeper = thread;
        if (sleeps)
            sleepers += thread->tid == thread->pid ? places : 1;
    }
    if (busiest != NULL && wanted(all) >= nearly_all_ns)
        by = (struct app_held_by){all.cpu_ns >= all.delay_ns ? APP_COMPUTING : APP_STARVED, busiest->pid,
                                  busiest->tid};
    else if (stopped != NULL)
        by = (struct app_held_by){APP_STOPPED, stopped->pid, stopped->tid};
    else if (sleeper != NULL && sleepers >= places)
        by = (struct app_held_by){APP_BLOCKED, sleeper->pid, sleeper->tid};
    return by;
}

struct app_held_by app_held_of(const struct proc_family *before, const struct proc_family *now, int places)
{
    struct app_held_by worst = {.how = APP_NOT_HELD}, by;

    for (size_t from = 0, to; from < now->count; from = to) {
        for (to = from + 1; to < now->count && now->threads[to].pid == now->threads[from].pid; to++)
            ;
        by = held_of(before, now, from, to, places);
        if (worst.how == APP_NOT_HELD || by.how == APP_COMPUTING)
            worst = by;
        if (worst.how == APP_COMPUTING)
            return worst;
    }
    return worst;
}
