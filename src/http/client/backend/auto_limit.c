/* SPDX-License-Identifier: MIT */
#include "http/client/backend/auto_limit.h"

#include <math.h>

enum { WHOLE = 128 };

static const double WINDOW_MIN_NS = 100000000;
static const int64_t WINDOW_MAX_NS = INT64_C(60) * 1000000000, CLOSING_MAX_NS = 1000000000;

/* How long the limit takes from nothing to its start value while all is quiet. */
static const double RETURN_NS = 30e9;

/* How much slower than for long is no reason to sink, beside what chance explains. */
static const double TOLERANCE = 1.15, CHANCE_AT_FIRST = 0.2;

/* The limit moves at once by no more than to half, and then by this share of the way. */
static const double GRADIENT_MIN = 0.5, SHARE = 0.3, DROPPED = 0.9;

/* What averages take over of a new value. Medians are averaged as logarithms. */
static const double FOLLOW_LONG = 1.0 / 64, FOLLOW_DOWN = 1.0 / 8, FOLLOW_SHORT = 1.0 / 2,
                    FOLLOW_VAIN = 2.0 / 3, FOLLOW_CHANCE = 1.0 / 16;

/* By how much the limit has to change to tell what that has done: by more where chance is greater. */
static const double MOVED_MIN = 1.15, MOVED_MAX = 1.5;

/* Of what ends in a window, so much may be dropped; and so much of what is dropped whatever the limit is.
 * When more is, the backend is not to be asked more than it must. */
static const double DROPS = 0.05, DROPS_FACTOR = 1.5, DROPS_MAX = 0.2;

static double look(const _Atomic uint32_t *n)
{
    return (double)atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)n, memory_order_relaxed);
}

static int64_t look_ns(const _Atomic int64_t *n)
{
    return atomic_load_explicit((_Atomic int64_t *)(uintptr_t)n, memory_order_relaxed);
}

static void set(_Atomic uint32_t *n, double value)
{
    atomic_store_explicit(n, (uint32_t)(value + 0.5), memory_order_relaxed);
}

/* --- the limit --- */

static double bounded(const struct weir__auto_limit_settings *s, double limit)
{
    return limit < s->min ? s->min : limit > s->max ? s->max : limit;
}

static double start_of(const struct weir__auto_limit_settings *s)
{
    return sqrt((double)s->min * s->max);
}

static double limit_of(const struct weir__auto_limit *l, const struct weir__auto_limit_settings *s)
{
    const double limit = look(&l->limit_128ths) / WHOLE;

    return limit > 0 ? bounded(s, limit) : start_of(s);
}

static void set_limit(struct weir__auto_limit *l, const struct weir__auto_limit_settings *s, double limit)
{
    set(&l->limit_128ths, bounded(s, limit) * WHOLE);
}

int weir__auto_limit_now(const struct weir__auto_limit *l, const struct weir__auto_limit_settings *s)
{
    return (int)limit_of(l, s);
}

/* --- medians --- */

static double follow(double from, double to, double share)
{
    return from + (to - from) * share;
}

static double between(double from, double to, double share)
{
    return exp(follow(log(from), log(to), share));
}

/* By how much medians in a row differ, as a factor: 1 or more. */
static double chance_of(struct weir__auto_limit *l, double median)
{
    const double last = look(&l->median_us), was = look(&l->chance_1000ths) / 1000;
    const double is = last > 0 ? follow(was, fabs(log(median / last)), FOLLOW_CHANCE) : CHANCE_AT_FIRST;

    set(&l->median_us, median);
    set(&l->chance_1000ths, is * 1000);
    return exp(is);
}

static double short_of(struct weir__auto_limit *l, double median)
{
    const double was = look(&l->short_us);
    const double is = was > 0 ? between(was, median, FOLLOW_SHORT) : median;

    set(&l->short_us, is);
    return is;
}

/* --- whether sinking helps --- */

struct now {
    double limit, median, drops; /* drops: their share of all */
    double chance;               /* see chance_of() */
    bool is_used, is_least;
};

struct vain {
    bool slow, dropped;
};

static void begin_then(struct weir__auto_limit *l, const struct now *now)
{
    set(&l->then_128ths, now->limit * WHOLE);
    set(&l->then_us, now->median);
    set(&l->then_drops_1000ths, now->drops * 1000);
}

/* Tells, once the limit has sunk by enough, what has not become better by it: by less than its root. At its
 * least it cannot sink, and nothing gets better by that. */
static struct vain look_back(struct weir__auto_limit *l, const struct now *now)
{
    const double then = look(&l->then_128ths) / WHOLE, sunk = then / now->limit;
    const double median = fmax(look(&l->then_us), now->median),
                 drops = fmax(look(&l->then_drops_1000ths) / 1000, now->drops);
    const double moved = fmin(MOVED_MAX, MOVED_MIN * now->chance * now->chance);
    struct vain vain = {false, false};

    if (!now->is_used || then == 0 || sunk <= 1 / moved) {
        begin_then(l, now);
    } else if (now->is_least) {
        vain = (struct vain){true, true};
    } else if (sunk >= moved) {
        vain = (struct vain){now->median > median / sqrt(sunk), now->drops > drops / sqrt(sunk)};
        begin_then(l, now);
    } else {
        set(&l->then_us, median);
        set(&l->then_drops_1000ths, drops * 1000);
    }
    return vain;
}

static double long_of(struct weir__auto_limit *l, const struct now *now, bool is_vain)
{
    const double was = look(&l->long_us), chance = now->chance;
    double is = was;

    if (was == 0)
        is = now->median;
    else if (now->median * chance * TOLERANCE < was)
        is = between(was, now->median, FOLLOW_DOWN);
    else if (!now->is_used || now->median < was * chance)
        is = between(was, now->median, FOLLOW_LONG);
    else if (is_vain)
        is = between(was, now->median, FOLLOW_VAIN);
    set(&l->long_us, is);
    return is;
}

static void follow_drops(struct weir__auto_limit *l, const struct now *now, bool is_vain)
{
    const double was = look(&l->drops_1000ths) / 1000;

    if (is_vain)
        set(&l->drops_1000ths, fmin(DROPS_MAX, now->drops) * 1000);
    else if (!now->is_used || now->drops < was)
        set(&l->drops_1000ths, fmin(DROPS_MAX, follow(was, now->drops, FOLLOW_LONG)) * 1000);
}

/* --- a window's end --- */

static double median_of(struct weir__auto_limit *l, uint32_t count)
{
    uint32_t sorted[WEIR__AUTO_LIMIT_SAMPLES];

    if (count > WEIR__AUTO_LIMIT_SAMPLES)
        count = WEIR__AUTO_LIMIT_SAMPLES;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t sample = atomic_load_explicit(&l->samples_us[i], memory_order_relaxed);
        uint32_t at = i;
        for (; at > 0 && sorted[at - 1] > sample; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = sample;
    }
    return sorted[count / 2] > 0 ? sorted[count / 2] : 1;
}

static void begin_window(struct weir__auto_limit *l, int64_t now_ns)
{
    set(&l->answered, 0);
    set(&l->dropped, 0);
    set(&l->in_use_max, 0);
    set(&l->has_sunk, 0);
    atomic_store_explicit(&l->began_ns, now_ns, memory_order_relaxed);
}

static bool is_used(const struct weir__auto_limit *l, double limit)
{
    return look(&l->in_use_max) * 2 >= limit;
}

/* What a limit below its start value gains by a window without trouble or demand. */
static double returned(const struct weir__auto_limit_settings *s, double limit, double window_ns)
{
    const double start = start_of(s);

    return fmax(limit, fmin(start, limit + start * window_ns / RETURN_NS));
}

/* Of a window with too few answers to learn from. They tell whether all is quiet. */
static void move_by_few(struct weir__auto_limit *l, const struct weir__auto_limit_settings *s,
                        int64_t window_ns)
{
    const uint32_t answered = atomic_load_explicit(&l->answered, memory_order_relaxed);
    const double limit = limit_of(l, s), slowest = TOLERANCE * look(&l->long_us);

    if (window_ns > 0 && answered > 0 && look(&l->dropped) == 0 && !is_used(l, limit) &&
        (slowest == 0 || median_of(l, answered) <= slowest))
        set_limit(l, s, returned(s, limit, (double)window_ns));
}

static void move(struct weir__auto_limit *l, const struct weir__auto_limit_settings *s, int64_t window_ns)
{
    const uint32_t answered = atomic_load_explicit(&l->answered, memory_order_relaxed);
    const bool has_median = answered >= WEIR__AUTO_LIMIT_SAMPLES_MIN;
    const double median = has_median ? median_of(l, answered) : fmax(1, look(&l->short_us)),
                 chance = has_median ? chance_of(l, median) : MOVED_MAX;
    const double dropped = look(&l->dropped);
    const struct now now = {.limit = limit_of(l, s),
                            .median = has_median ? short_of(l, median) : median,
                            .drops = dropped / (dropped + answered),
                            .chance = chance,
                            .is_used = is_used(l, limit_of(l, s)),
                            .is_least = limit_of(l, s) <= s->min};
    const struct vain vain = look_back(l, &now);
    double gradient = 1, next;

    follow_drops(l, &now, vain.dropped);
    if (has_median)
        gradient = TOLERANCE * chance * long_of(l, &now, vain.slow) / now.median;
    next = now.is_used ? now.limit * fmax(GRADIENT_MIN, fmin(1, gradient)) : now.limit;
    if (now.is_used && gradient >= 1 && look(&l->has_sunk) == 0)
        next += sqrt(now.limit);
    next = follow(now.limit, next, SHARE);
    if (!now.is_used && gradient >= 1 && dropped == 0)
        next = returned(s, next, (double)window_ns);
    set_limit(l, s, next);
}

static bool claim(struct weir__auto_limit *l, int64_t now_ns)
{
    int64_t was = look_ns(&l->closing_ns);

    if (was != 0 && now_ns >= was && now_ns - was < CLOSING_MAX_NS)
        return false;
    return atomic_compare_exchange_strong(&l->closing_ns, &was, now_ns);
}

/* A window that nothing has ended in so long says nothing any more. */
static bool is_stale(const struct weir__auto_limit *l, int64_t now_ns)
{
    const int64_t began_ns = look_ns(&l->began_ns);

    return began_ns == 0 || now_ns < began_ns - WINDOW_MAX_NS || now_ns - began_ns > WINDOW_MAX_NS;
}

/* As long as an answer takes: before that nothing is seen of what the limit has done. */
static bool is_due(const struct weir__auto_limit *l, int64_t now_ns)
{
    return look(&l->answered) + look(&l->dropped) >= WEIR__AUTO_LIMIT_SAMPLES_MIN &&
           (double)(now_ns - look_ns(&l->began_ns)) >= fmax(WINDOW_MIN_NS, look(&l->long_us) * 1000);
}

static void close_window(struct weir__auto_limit *l, const struct weir__auto_limit_settings *s,
                         int64_t now_ns)
{
    const bool is_ripe = !is_stale(l, now_ns);
    int64_t window_ns;

    if ((is_ripe && !is_due(l, now_ns)) || !claim(l, now_ns))
        return;
    window_ns = now_ns - look_ns(&l->began_ns);
    if (is_ripe && is_due(l, now_ns)) /* another loop may have closed it just before */
        move(l, s, window_ns);
    else if (is_stale(l, now_ns))
        move_by_few(l, s, window_ns);
    if (is_stale(l, now_ns) || is_due(l, now_ns))
        begin_window(l, now_ns);
    atomic_store(&l->closing_ns, 0);
}

/* --- what ends --- */

static void note_in_use(struct weir__auto_limit *l, uint32_t in_use)
{
    uint32_t was = atomic_load_explicit(&l->in_use_max, memory_order_relaxed);

    while (was < in_use && !atomic_compare_exchange_weak_explicit(&l->in_use_max, &was, in_use,
                                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

void weir__auto_limit_answered(struct weir__auto_limit *l, const struct weir__auto_limit_settings *s,
                               int64_t took_ns, int in_use, int64_t now_ns)
{
    const int64_t us = took_ns / 1000;
    uint32_t number;

    if (is_stale(l, now_ns))
        close_window(l, s, now_ns);
    note_in_use(l, (uint32_t)in_use);
    number = atomic_fetch_add_explicit(&l->answered, 1, memory_order_relaxed);
    set(&l->samples_us[number % WEIR__AUTO_LIMIT_SAMPLES], fmax(0, fmin((double)us, INT32_MAX)));
    close_window(l, s, now_ns);
}

/* Of fewer than make a window, the share is not known: then it is reckoned as if the others had been
 * answered. */
static bool is_too_much(const struct weir__auto_limit *l)
{
    const double dropped = look(&l->dropped), ended = dropped + look(&l->answered);
    const double share = DROPS + DROPS_FACTOR * look(&l->drops_1000ths) / 1000;

    return dropped >= share * fmax(ended, WEIR__AUTO_LIMIT_SAMPLES_MIN);
}

void weir__auto_limit_dropped(struct weir__auto_limit *l, const struct weir__auto_limit_settings *s,
                              int in_use, int64_t now_ns)
{
    uint32_t none = 0;

    if (is_stale(l, now_ns))
        close_window(l, s, now_ns);
    note_in_use(l, (uint32_t)in_use);
    (void)atomic_fetch_add_explicit(&l->dropped, 1, memory_order_relaxed);
    if (is_too_much(l) && atomic_compare_exchange_strong(&l->has_sunk, &none, 1))
        set_limit(l, s, limit_of(l, s) * DROPPED);
    close_window(l, s, now_ns);
}
