/* SPDX-License-Identifier: MIT */
#include "http/client/attempts/attempts.h"

#include <errno.h>

/* How much later requests are hedged when the budget is empty; from this level on nothing is added. */
static const double STRETCH = 0.6, LEVEL_ENOUGH = 0.5;

static const int64_t PUSHBACK_MAX_NS = INT64_C(600) * 1000000000;

/* Of which the learned percentile is where none is wanted for hedging: for what waits for a slow answer. */
static const double SHARE_OTHERWISE = 0.95;

static void count(_Atomic uint64_t *n)
{
    (void)atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

void weir__attempts_init(struct weir__attempts *a, const struct weir__attempts_settings *settings,
                         struct weir__attempts_common *common)
{
    *a = (struct weir__attempts){.settings = settings, .common = common};
    weir__latency_init(&a->latency,
                       settings->hedge.percentile > 0 ? settings->hedge.percentile / 100 : SHARE_OTHERWISE);
}

void weir__attempts_end(struct weir__attempts *a)
{
    weir__latency_free(&a->latency);
}

/* --- when --- */

void weir__attempts_first(struct weir__attempts *a, int64_t now_ns)
{
    weir__budget_first(&a->common->budget, &a->settings->budget, now_ns);
}

/* The threshold, without what an empty budget adds. */
static int64_t threshold(struct weir__attempts *a, int64_t now_ns)
{
    const weir_hedge_options *o = &a->settings->hedge;
    int64_t ns;

    if (!weir__attempts_hedges(a->settings))
        return 0;
    ns = o->after.ns > 0 ? o->after.ns : weir__latency_percentile(&a->latency, now_ns);
    return ns > 0 && ns < o->floor.ns ? o->floor.ns : ns;
}

/* With the want of budget it rises, so that what was learned too low is paid by no request in particular. */
int64_t weir__attempts_hedge_after(struct weir__attempts *a, int64_t now_ns)
{
    int64_t after_ns = threshold(a, now_ns);
    const double level =
        after_ns > 0 ? weir__budget_level(&a->common->budget, &a->settings->budget, now_ns) : 1;

    if (level < LEVEL_ENOUGH)
        after_ns += (int64_t)((double)after_ns * STRETCH * (LEVEL_ENOUGH - level) / LEVEL_ENOUGH);
    atomic_store_explicit(&a->after_ns, after_ns, memory_order_relaxed);
    atomic_store_explicit(&a->learned, a->latency.learned, memory_order_relaxed);
    return after_ns;
}

/* --- whether --- */

static bool is_pushed_back(const struct weir__attempts *a, int64_t now_ns)
{
    const int64_t until_ns = atomic_load_explicit(&a->common->pushback_until_ns, memory_order_relaxed);

    /* One that is further away was written before the clock jumped back. */
    return until_ns > now_ns && until_ns - now_ns <= PUSHBACK_MAX_NS;
}

static bool is_wanted(const struct weir__attempts_settings *s, enum weir_attempt_kind kind)
{
    return kind == WEIR_ATTEMPT_HEDGE ? weir__attempts_hedges(s) : s->retry.on != 0;
}

int weir__attempts_pay(struct weir__attempts *a, enum weir_attempt_kind kind, int64_t left_ns, int64_t now_ns,
                       enum weir_attempt_denial *why)
{
    enum weir_attempt_denial denial;

    if (is_pushed_back(a, now_ns))
        denial = WEIR_ATTEMPT_PUSHBACK;
    else if (left_ns <= weir__latency_median(&a->latency, now_ns))
        denial = WEIR_ATTEMPT_TOO_LATE;
    else if (!is_wanted(a->settings, kind) ||
             !weir__budget_pay(&a->common->budget, &a->settings->budget, now_ns))
        denial = WEIR_ATTEMPT_NO_BUDGET;
    else
        return 0;
    weir__attempts_deny(a, denial);
    if (why != NULL)
        *why = denial;
    return -WEIR_EBUSY;
}

void weir__attempts_refund(struct weir__attempts *a)
{
    weir__budget_refund(&a->common->budget);
}

void weir__attempts_deny(struct weir__attempts *a, enum weir_attempt_denial why)
{
    count(&a->common->denied[why]);
}

/* --- what is seen --- */

void weir__attempts_took(struct weir__attempts *a, int64_t took_ns, int64_t now_ns)
{
    weir__latency_record(&a->latency, took_ns, now_ns);
}

void weir__attempts_pushback(struct weir__attempts *a, int64_t period_ns, int64_t now_ns)
{
    const int64_t until_ns = now_ns + (period_ns < PUSHBACK_MAX_NS ? period_ns : PUSHBACK_MAX_NS);
    int64_t was = atomic_load_explicit(&a->common->pushback_until_ns, memory_order_relaxed);

    if (period_ns <= 0)
        return;
    while ((was < until_ns || was - now_ns > PUSHBACK_MAX_NS) &&
           !atomic_compare_exchange_weak_explicit(&a->common->pushback_until_ns, &was, until_ns,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

void weir__attempts_ended(struct weir__attempts *a, enum weir_attempt_kind kind,
                          enum weir_attempt_outcome outcome)
{
    count(&a->common->ended[kind][outcome]);
}

void weir__attempts_beaten(struct weir__attempts *a, int64_t took_ns)
{
    const int64_t saved_ns = weir__latency_remaining(&a->latency, took_ns);

    if (saved_ns > 0)
        (void)atomic_fetch_add_explicit(&a->common->saved_ns, (uint64_t)saved_ns, memory_order_relaxed);
}

int64_t weir__attempts_percentile(struct weir__attempts *a, int64_t now_ns)
{
    return weir__latency_percentile(&a->latency, now_ns);
}

int64_t weir__attempts_median(struct weir__attempts *a, int64_t now_ns)
{
    return weir__latency_median(&a->latency, now_ns);
}

/* --- statistics --- */

static uint64_t look(const _Atomic uint64_t *n)
{
    return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)n, memory_order_relaxed);
}

void weir__attempts_read(const struct weir__attempts_common *common,
                         const struct weir__attempts_settings *settings, int64_t now_ns,
                         weir_attempts_stats *out)
{
    *out = (weir_attempts_stats){
        .hedge_saved = {(int64_t)look(&common->saved_ns)},
        .budget = weir__budget_left(&common->budget, &settings->budget, now_ns),
    };
    for (int i = 0; i < WEIR_ATTEMPT_KINDS; i++)
        for (int j = 0; j < WEIR_ATTEMPT_OUTCOMES; j++)
            out->attempts[i][j] = look(&common->ended[i][j]);
    for (int i = 0; i < WEIR_ATTEMPT_DENIALS; i++)
        out->denied[i] = look(&common->denied[i]);
}

void weir__attempts_read_learned(const struct weir__attempts *a, struct weir__attempts_learned *best)
{
    const uint64_t samples = look(&a->learned);
    const int64_t after_ns =
        atomic_load_explicit((_Atomic int64_t *)(uintptr_t)&a->after_ns, memory_order_relaxed);

    if (after_ns > 0 && samples >= best->samples)
        *best = (struct weir__attempts_learned){after_ns, samples};
}
