/* SPDX-License-Identifier: MIT */
#include "watch/verdict.h"

/* This share of a slice counts as most of it. Less than half, because looks are not exact to the microsecond.
 */
enum { MOST_PERCENT = 40 };

struct share {
    int64_t least_ns, most_ns;
};

static int64_t max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The share of the slice in a sum. early_ns: what the sum grew by between the readings around the beginning
 * of the slice; late_ns: since then. */
static struct share share_of(const struct weir__case *c, int64_t early_ns, int64_t late_ns)
{
    int64_t before_ns = c->began_ns - c->before.at_ns;
    int64_t after_ns = c->first.at_ns - c->began_ns;

    return (struct share){late_ns + max(0, early_ns - before_ns), late_ns + min(early_ns, after_ns)};
}

static int64_t waited(const struct weir__evidence *b)
{
    return b->starved_ns + b->throttled_ns;
}

static int64_t rest(const struct weir__evidence *from, const struct weir__evidence *to)
{
    return max(0, to->at_ns - from->at_ns - (to->cpu_ns - from->cpu_ns) - (waited(to) - waited(from)));
}

static bool is_most(int64_t ns, int64_t held_ns)
{
    return ns >= held_ns * MOST_PERCENT / 100;
}

static enum weir__verdict wait_verdict(const struct weir__case *c)
{
    int64_t throttled_ns = c->now.throttled_ns - c->before.throttled_ns;

    return 2 * throttled_ns > waited(&c->now) - waited(&c->before) ? WEIR__VERDICT_THROTTLED
                                                                   : WEIR__VERDICT_STARVED;
}

/* For a thread that had the CPU most of the time it was ready. */
static enum weir__verdict fault_verdict(const struct weir__case *c, int64_t held_ns, struct share cpu,
                                        struct share off)
{
    bool computed = is_most(cpu.least_ns, held_ns) && cpu.least_ns >= off.least_ns;
    bool slept = is_most(off.least_ns, held_ns) && off.least_ns > cpu.least_ns;

    if (computed && c->seen_running)
        return WEIR__VERDICT_COMPUTING;
    if (slept && c->seen_blocked)
        return WEIR__VERDICT_BLOCKED;
    /* It alternates: the stack that is reported should be that of what it did most. */
    if (held_ns < 2 * c->after_ns)
        return WEIR__VERDICT_NONE;
    if (computed)
        return WEIR__VERDICT_COMPUTING;
    if (c->seen_blocked)
        return WEIR__VERDICT_BLOCKED;
    /* Never seen asleep, yet not on the CPU: time was stolen, or the kernel keeps no accounts of waiting. */
    return slept && c->seen_running && held_ns >= 3 * c->after_ns ? WEIR__VERDICT_STARVED
                                                                  : WEIR__VERDICT_NONE;
}

enum weir__verdict weir__verdict_of(const struct weir__case *c)
{
    int64_t held_ns = c->now.at_ns - c->began_ns;
    struct share cpu = share_of(c, c->first.cpu_ns - c->before.cpu_ns, c->now.cpu_ns - c->first.cpu_ns);

    struct share wait =
        share_of(c, waited(&c->first) - waited(&c->before), waited(&c->now) - waited(&c->first));
    struct share off = share_of(c, rest(&c->before, &c->first), rest(&c->first, &c->now));

    if (held_ns < c->after_ns)
        return WEIR__VERDICT_NONE;
    if (is_most(wait.least_ns, held_ns) && wait.least_ns >= max(cpu.least_ns, off.least_ns))
        return wait_verdict(c);
    if (2 * wait.most_ns <= held_ns)
        return fault_verdict(c, held_ns, cpu, off);
    return held_ns >= 4 * c->after_ns ? wait_verdict(c) : WEIR__VERDICT_NONE;
}
