/* SPDX-License-Identifier: MIT */
#include "core/account/attribution.h"

#include <unistd.h>

#include "base/guard_exempt.h"

static const int64_t evidence_every_ns = 10 * WEIR__SLICE_LONG_NS;

/* --- evidence: the scheduler's counts --- */

void weir__attribution_open(struct weir__loop *loop)
{
    struct weir__last_poll *h = &loop->last_poll;

    if (h->has_evidence || loop->heartbeat.virtual_ns != NULL)
        return;
    weir__off_cpu_open(&h->evidence, gettid());
    h->has_evidence = true;
    h->evidence_due = 0;
}

void weir__attribution_close(struct weir__loop *loop)
{
    if (loop->last_poll.has_evidence)
        weir__off_cpu_close(&loop->last_poll.evidence);
}

static struct weir__off_cpu_time read_evidence(struct weir__loop *loop)
{
    struct weir__last_poll *h = &loop->last_poll;
    struct weir__off_cpu_time since;

    weir__guard_exempt_begin();
    since = weir__off_cpu_look(&h->evidence);
    weir__guard_exempt_end();
    h->evidence_due =
        weir__loop_slice_ticks(loop) + weir__heartbeat_ns_ticks(&loop->heartbeat, evidence_every_ns);
    return since;
}

void weir__attribution_read_evidence(struct weir__loop *loop)
{
    if (loop->last_poll.has_evidence)
        (void)read_evidence(loop);
    else
        loop->last_poll.evidence_due = UINT64_MAX;
}

void weir__attribution_look(struct weir__loop *loop, struct weir__slice *slice)
{
    uint64_t whole = slice->ended - slice->began;
    struct weir__off_cpu_time since;

    slice->starved = slice->throttled = 0;
    if (!loop->last_poll.has_evidence)
        return;
    since = read_evidence(loop);
    slice->throttled = weir__heartbeat_ns_ticks(&loop->heartbeat, (int64_t)since.throttled_ns);
    slice->starved = weir__heartbeat_ns_ticks(&loop->heartbeat, (int64_t)since.starved_ns);
    if (slice->throttled > whole)
        slice->throttled = whole;
    if (slice->starved > whole - slice->throttled)
        slice->starved = whole - slice->throttled;
}

/* --- waking --- */

void weir__attribution_late_timer(struct weir__loop *loop, int64_t late_ns)
{
    struct weir__last_poll *h = &loop->last_poll;
    uint64_t late = weir__heartbeat_ns_ticks(&loop->heartbeat, late_ns);

    h->polling_since = late_ns > 0 ? weir__loop_slice_ticks(loop) : 0;
    h->blind_since = late > loop->slices.long_ticks ? h->polling_since - late : 0;
}

/* Returns: since when the activity of l may have been ready, though the loop learns of it now; else now. */
static uint64_t ready_since(const struct weir__loop *loop, const struct weir__ledger *l, uint64_t now)
{
    const struct weir__last_poll *h = &loop->last_poll;
    uint64_t since = l->mark > h->blind_since ? l->mark : h->blind_since;

    /* What comes after the loop has slept had not come before. */
    if (h->blind_since == 0 || now - h->polling_since > loop->slices.long_ticks / 16 ||
        h->polling_since < since + loop->slices.long_ticks)
        return now;
    return since;
}

void weir__attribution_wake_exactly(struct weir__task *task, struct weir__ledger *l)
{
    struct weir__loop *loop = task->loop;
    const struct weir__task *by = weir__running(loop);
    uint64_t now = weir__loop_slice_ticks(loop), since = now;

    if (by == NULL)
        since = ready_since(loop, l, now);
    else if (by->activity != task->activity)
        since = now = weir__heartbeat_ticks(&loop->heartbeat);
    weir__ledger_wake_since(l, &task->waited, now, since);
}

/* --- switching --- */

static uint64_t part(uint64_t of, uint64_t overlap, uint64_t whole)
{
    return (uint64_t)((double)of * (double)overlap / (double)whole);
}

/* An activity was ready for long and did not run: notes which task held the loop, and how much of the time no
 * task is the cause of. */
__attribute__((noinline, cold)) static void name_holder(struct weir__loop *loop, struct weir__ledger *l,
                                                        uint64_t from, uint64_t to)
{
    const struct weir__slice *slice, *longest = NULL;
    uint64_t most = 0, starved = 0, throttled = 0;

    for (unsigned i = 0; (slice = weir__slice_latest(&loop->slices, i)) != NULL && slice->ended > from; i++) {
        uint64_t begin = slice->began > from ? slice->began : from;
        uint64_t end = slice->ended < to ? slice->ended : to;
        uint64_t overlap = end > begin ? end - begin : 0;
        starved += part(slice->starved, overlap, slice->ended - slice->began);
        throttled += part(slice->throttled, overlap, slice->ended - slice->began);
        if (overlap <= most)
            continue;
        most = overlap;
        longest = slice;
    }
    if (longest != NULL)
        weir__ledger_hold(l, most, longest->task, longest->route);
    if (starved + throttled > 0)
        weir__ledger_off_cpu(l, false, starved, throttled);
}

void weir__attribution_change(struct weir__loop *loop, struct weir__task *from, struct weir__task *to,
                              uint64_t ticks, const struct weir__slice *held)
{
    struct weir__ledger *l = weir__attribution_ledger(from);

    if (l != NULL) {
        weir__ledger_leave(l, ticks);
        if (held != NULL)
            weir__ledger_off_cpu(l, true, held->starved, held->throttled);
    }
    l = weir__attribution_ledger(to);
    if (l != NULL) {
        uint64_t ready = weir__ledger_enter(l, ticks);
        if (__builtin_expect(ready > loop->slices.long_ticks, 0))
            name_holder(loop, l, ticks - ready, ticks);
    }
}
