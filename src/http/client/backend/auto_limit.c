/* SPDX-License-Identifier: MIT */
#include "http/client/backend/auto_limit.h"

#include <math.h>
#include <string.h>

enum { WHOLE = 16, ANCHOR_SHIFT = 32 };

static const int64_t WINDOW_MIN_NS = 100000000, WINDOW_MAX_NS = INT64_C(60) * 1000000000,
                     CLOSING_MAX_NS = 1000000000;

/* How much slower than for long is no reason to sink; and how much is taken for chance. */
static const double TOLERANCE = 1.5, CHANCE = 1.2;

/* The limit moves at once by no more than to half, and then by this share of the way. */
static const double GRADIENT_MIN = 0.5, SHARE = 0.3, DROPPED = 0.9;

/* What the long median takes over of a short one. */
static const double FOLLOW = 1.0 / 64, FOLLOW_DOWN = 1.0 / 4;

/* The limit has changed by enough to tell what that has done. */
static const double MOVED = 1.5;

static double look(const _Atomic uint32_t *n)
{
    return (double)atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)n, memory_order_relaxed);
}

/* --- the limit --- */

static double bounded(const struct weir__auto_limit_settings *s, double limit)
{
    return limit < s->min ? s->min : limit > s->max ? s->max : limit;
}

static double limit_of(const struct weir__auto_limit *l, const struct weir__auto_limit_settings *s)
{
    const double limit = look(&l->limit_16ths) / WHOLE;

    return limit > 0 ? bounded(s, limit) : sqrt((double)s->min * s->max);
}

static void set_limit(struct weir__auto_limit *l, const struct weir__auto_limit_settings *s, double limit)
{
    atomic_store_explicit(&l->limit_16ths, (uint32_t)(bounded(s, limit) * WHOLE), memory_order_relaxed);
}

int weir__auto_limit_now(const struct weir__auto_limit *l, const struct weir__auto_limit_settings *s)
{
    return (int)limit_of(l, s);
}

/* --- the long median --- */

static double follow(double from, double to, double share)
{
    return from + (to - from) * share;
}

static void set_anchor(struct weir__auto_limit *l, double limit, double median)
{
    const uint64_t of_limit = (uint64_t)(limit * WHOLE), of_median = (uint64_t)median;

    atomic_store_explicit(&l->anchor,
                          of_limit << ANCHOR_SHIFT | (of_median < UINT32_MAX ? of_median : UINT32_MAX),
                          memory_order_relaxed);
}

/* Whether the limit has sunk, and answers have not become faster by it: less than by its root. */
static bool is_in_vain(struct weir__auto_limit *l, double limit, double median)
{
    const uint64_t anchor = atomic_load_explicit(&l->anchor, memory_order_relaxed);
    const double limit_then = (double)(anchor >> ANCHOR_SHIFT) / WHOLE,
                 median_then = (double)(anchor & UINT32_MAX), sunk = limit_then / limit;

    if (anchor != 0 && sunk < MOVED && sunk > 1 / MOVED)
        return false;
    set_anchor(l, limit, median);
    return sunk >= MOVED && median > median_then / sqrt(sunk);
}

static double long_median(struct weir__auto_limit *l, double limit, double median, bool is_used)
{
    const double was = (double)atomic_load_explicit(&l->long_us, memory_order_relaxed);
    double is;

    if (was == 0 || !is_used)
        set_anchor(l, limit, median);
    if (was == 0)
        is = median;
    else if (median * CHANCE < was)
        is = follow(was, median, FOLLOW_DOWN);
    else if (!is_used || median < was * CHANCE)
        is = follow(was, median, FOLLOW);
    else
        is = is_in_vain(l, limit, median) && median > was ? sqrt(was * median) : was;
    atomic_store_explicit(&l->long_us, (uint64_t)(is + 0.5), memory_order_relaxed);
    return is;
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
    atomic_store_explicit(&l->in_use_max, 0, memory_order_relaxed);
    atomic_store_explicit(&l->dropped, 0, memory_order_relaxed);
    atomic_store_explicit(&l->began_ns, now_ns, memory_order_relaxed);
    atomic_store_explicit(&l->count, 0, memory_order_release);
}

static void follow_medians(struct weir__auto_limit *l, const struct weir__auto_limit_settings *s,
                           uint32_t count)
{
    const double limit = limit_of(l, s), median = median_of(l, count);
    const bool is_used = look(&l->in_use_max) * 2 >= limit;
    const double gradient = TOLERANCE * long_median(l, limit, median, is_used) / median;
    double next = limit * fmax(GRADIENT_MIN, fmin(1, gradient));

    if (is_used)
        next += sqrt(limit);
    if (atomic_load_explicit(&l->dropped, memory_order_relaxed) == 0 || next < limit)
        set_limit(l, s, follow(limit, next, SHARE));
}

static bool claim(struct weir__auto_limit *l, int64_t now_ns)
{
    int64_t was = atomic_load_explicit(&l->closing_ns, memory_order_relaxed);

    if (was != 0 && now_ns >= was && now_ns - was < CLOSING_MAX_NS)
        return false;
    return atomic_compare_exchange_strong(&l->closing_ns, &was, now_ns);
}

/* A window that nothing has ended in so long says nothing any more. */
static bool is_stale(const struct weir__auto_limit *l, int64_t now_ns)
{
    const int64_t began_ns =
        atomic_load_explicit((_Atomic int64_t *)(uintptr_t)&l->began_ns, memory_order_relaxed);

    return began_ns == 0 || now_ns < began_ns - WINDOW_MAX_NS || now_ns - began_ns > WINDOW_MAX_NS;
}

static bool is_due(const struct weir__auto_limit *l, uint32_t count, int64_t now_ns)
{
    const int64_t long_ns =
        (int64_t)atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)&l->long_us, memory_order_relaxed) *
        1000;
    const int64_t age_ns =
        now_ns - atomic_load_explicit((_Atomic int64_t *)(uintptr_t)&l->began_ns, memory_order_relaxed);

    return count >= WEIR__AUTO_LIMIT_SAMPLES_MIN &&
           age_ns >= (long_ns > WINDOW_MIN_NS ? long_ns : WINDOW_MIN_NS);
}

static void close_window(struct weir__auto_limit *l, const struct weir__auto_limit_settings *s,
                         int64_t now_ns)
{
    uint32_t count;

    if (!claim(l, now_ns))
        return;
    count = atomic_load_explicit(&l->count, memory_order_acquire);
    if (is_due(l, count, now_ns)) /* another loop may have closed it just before */
        follow_medians(l, s, count);
    if (is_due(l, count, now_ns) || is_stale(l, now_ns))
        begin_window(l, now_ns);
    atomic_store(&l->closing_ns, 0);
}

/* --- what ends --- */

void weir__auto_limit_answered(struct weir__auto_limit *l, const struct weir__auto_limit_settings *s,
                               int64_t took_ns, int in_use, int64_t now_ns)
{
    const int64_t us = took_ns / 1000;
    uint32_t was = atomic_load_explicit(&l->in_use_max, memory_order_relaxed), number;

    if (is_stale(l, now_ns))
        close_window(l, s, now_ns);
    while ((int64_t)was < in_use &&
           !atomic_compare_exchange_weak_explicit(&l->in_use_max, &was, (uint32_t)in_use,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
    number = atomic_fetch_add_explicit(&l->count, 1, memory_order_relaxed);
    atomic_store_explicit(&l->samples_us[number % WEIR__AUTO_LIMIT_SAMPLES],
                          us <= 0           ? 1
                          : us > UINT32_MAX ? UINT32_MAX
                                            : (uint32_t)us,
                          memory_order_relaxed);
    if (is_due(l, number + 1, now_ns))
        close_window(l, s, now_ns);
}

void weir__auto_limit_dropped(struct weir__auto_limit *l, const struct weir__auto_limit_settings *s,
                              int64_t now_ns)
{
    const int64_t age_ns = now_ns - atomic_load_explicit(&l->began_ns, memory_order_relaxed);
    uint32_t none = 0;

    if (is_stale(l, now_ns) ||
        (age_ns > CLOSING_MAX_NS && look(&l->count) < WEIR__AUTO_LIMIT_SAMPLES_MIN && look(&l->dropped) > 0))
        begin_window(l, now_ns); /* too few are answered to end it */
    if (atomic_compare_exchange_strong(&l->dropped, &none, 1))
        set_limit(l, s, limit_of(l, s) * DROPPED);
}
