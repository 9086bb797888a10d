/* SPDX-License-Identifier: MIT */
#include "http/client/backend/breaker.h"

#include "http/client/backend/doubling.h"

/* The state is one word: what it is, how often it has been prolonged, and until when, in milliseconds. */
enum { CLOSED, OPEN, HALF_OPEN };
enum { KIND_BITS = 2, LEVEL_BITS = 4, UNTIL_SHIFT = KIND_BITS + LEVEL_BITS, LEVEL_MAX = 15 };

/* A part of the window is one word, too: its number, requests and failures. */
enum { PART_SHIFT = 32, REQUESTS_SHIFT = 16, COUNT_MAX = 0xffff };

static const int64_t ms_ns = 1000000, most_ns = WEIR__BREAKER_OPEN_MAX_S * INT64_C(1000000000);

static uint64_t state_of(unsigned kind, unsigned level, int64_t until_ns)
{
    return (uint64_t)(until_ns / ms_ns) << UNTIL_SHIFT | (uint64_t)level << KIND_BITS | kind;
}

static unsigned kind_of(uint64_t state)
{
    return state & ((1u << KIND_BITS) - 1);
}

static unsigned level_of(uint64_t state)
{
    return state >> KIND_BITS & LEVEL_MAX;
}

static int64_t until_of(uint64_t state)
{
    return (int64_t)(state >> UNTIL_SHIFT) * ms_ns;
}

static uint64_t look(const struct weir__breaker *b)
{
    return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)&b->state, memory_order_relaxed);
}

/* How long it is open when it has been prolonged so often. */
static int64_t open_for(const struct weir__breaker_settings *s, unsigned level)
{
    return weir__doubled(s->open_ns, level, most_ns);
}

/* --- the window --- */

static uint64_t part_number(const struct weir__breaker_settings *s, int64_t now_ns)
{
    return (uint64_t)(now_ns / (s->within_ns / (WEIR__BREAKER_PARTS - 1)));
}

/* A part that was counted in a while ago begins anew. A full one counts no more: the ratio is known then. */
static void count(struct weir__breaker *b, const struct weir__breaker_settings *s, int64_t now_ns,
                  bool failed)
{
    uint64_t number = part_number(s, now_ns);
    _Atomic uint64_t *part = &b->parts[number % WEIR__BREAKER_PARTS];
    uint64_t was = atomic_load_explicit(part, memory_order_relaxed), is;

    do {
        is = was >> PART_SHIFT == (uint32_t)number ? was : number << PART_SHIFT;
        if ((is >> REQUESTS_SHIFT & COUNT_MAX) == COUNT_MAX)
            return;
        is += (UINT64_C(1) << REQUESTS_SHIFT) + failed;
    } while (
        !atomic_compare_exchange_weak_explicit(part, &was, is, memory_order_relaxed, memory_order_relaxed));
}

static bool is_too_much(struct weir__breaker *b, const struct weir__breaker_settings *s, int64_t now_ns)
{
    const uint32_t now = (uint32_t)part_number(s, now_ns);
    uint64_t requests = 0, failed = 0;

    for (int i = 0; i < WEIR__BREAKER_PARTS; i++) {
        uint64_t part = atomic_load_explicit(&b->parts[i], memory_order_relaxed);
        if (now - (uint32_t)(part >> PART_SHIFT) >= WEIR__BREAKER_PARTS)
            continue;
        requests += part >> REQUESTS_SHIFT & COUNT_MAX;
        failed += part & COUNT_MAX;
    }
    return requests >= (uint64_t)s->of && failed * 100 >= (uint64_t)s->failed_percent * requests;
}

static void forget(struct weir__breaker *b)
{
    for (int i = 0; i < WEIR__BREAKER_PARTS; i++)
        atomic_store_explicit(&b->parts[i], 0, memory_order_relaxed);
}

/* --- the state --- */

static bool change(struct weir__breaker *b, uint64_t *from, uint64_t to)
{
    return atomic_compare_exchange_strong_explicit(&b->state, from, to, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

enum weir__breaker_verdict weir__breaker_admit(struct weir__breaker *b, int64_t now_ns)
{
    uint64_t state = look(b);

    while (kind_of(state) != CLOSED) {
        if (now_ns < until_of(state))
            return WEIR__BREAKER_REFUSES;
        /* The time is over; or that of a probe, of which nothing was heard. */
        if (change(b, &state, state_of(HALF_OPEN, level_of(state), now_ns + most_ns)))
            return WEIR__BREAKER_PROBES;
    }
    return WEIR__BREAKER_PASSES;
}

static enum weir__breaker_news count_closed(struct weir__breaker *b, const struct weir__breaker_settings *s,
                                            int64_t now_ns, uint64_t state, bool failed)
{
    count(b, s, now_ns, failed);
    if (!failed || !is_too_much(b, s, now_ns) || !change(b, &state, state_of(OPEN, 0, now_ns + s->open_ns)))
        return WEIR__BREAKER_STAYS;
    atomic_store_explicit(&b->opened_ns, now_ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&b->opened, 1, memory_order_relaxed);
    return WEIR__BREAKER_OPENS;
}

static enum weir__breaker_news count_probe(struct weir__breaker *b, const struct weir__breaker_settings *s,
                                           int64_t now_ns, uint64_t state, bool failed)
{
    unsigned level = level_of(state) < LEVEL_MAX ? level_of(state) + 1 : LEVEL_MAX;

    if (failed)
        return change(b, &state, state_of(OPEN, level, now_ns + open_for(s, level))) ? WEIR__BREAKER_REOPENS
                                                                                     : WEIR__BREAKER_STAYS;
    forget(b); /* while no request is counted yet */
    return change(b, &state, state_of(CLOSED, 0, 0)) ? WEIR__BREAKER_CLOSES : WEIR__BREAKER_STAYS;
}

enum weir__breaker_news weir__breaker_count(struct weir__breaker *b, const struct weir__breaker_settings *s,
                                            int64_t now_ns, bool is_probe, bool failed)
{
    uint64_t state = look(b);

    if (kind_of(state) == CLOSED)
        return count_closed(b, s, now_ns, state, failed);
    /* Requests that began before it opened decide nothing any more. */
    return is_probe && kind_of(state) == HALF_OPEN ? count_probe(b, s, now_ns, state, failed)
                                                   : WEIR__BREAKER_STAYS;
}

void weir__breaker_forgo(struct weir__breaker *b, int64_t now_ns)
{
    uint64_t state = look(b);

    if (kind_of(state) == HALF_OPEN)
        (void)change(b, &state, state_of(OPEN, level_of(state), now_ns));
}

int64_t weir__breaker_refuses_for(const struct weir__breaker *b, int64_t now_ns)
{
    static const int64_t probe_ns = 1000000000; /* what a probe may take is not known */
    uint64_t state = look(b);

    switch (kind_of(state)) {
    case OPEN:
        return until_of(state) > now_ns ? until_of(state) - now_ns : 0;
    case HALF_OPEN:
        return probe_ns;
    default:
        return 0;
    }
}

bool weir__breaker_is_closed(const struct weir__breaker *b)
{
    return kind_of(look(b)) == CLOSED;
}
