/* SPDX-License-Identifier: MIT */
#include "http/client/attempts/budget.h"

/* All amounts are in units, fractions of one attempt. The state is one word: what is in the bucket, less the
 * one that it begins with; and how far time is ahead of the first attempts. */
enum { ONE = 1 << 14, CAP_MAX = 100000 };

static const int64_t SECOND_NS = 1000000000, RECKON_NS = 10000000;

/* Loops know the time as of their present slice. Within this, an earlier instant is such a loop's; beyond,
 * the clock has jumped. */
static const int64_t LAG_NS = INT64_C(60) * 1000000000;

enum { PART_S = 5, PART_SHIFT = 32, RECKON_FIRSTS = 256 };

struct state {
    int64_t units, lead;
};

static struct state unpack(uint64_t word)
{
    return (struct state){(int64_t)(int32_t)(uint32_t)word + ONE, (int32_t)(uint32_t)(word >> 32)};
}

static uint64_t pack(struct state s)
{
    return (uint64_t)(uint32_t)(s.lead) << 32 | (uint32_t)(s.units - ONE);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#define LOOK(b, field)                                                                                       \
    atomic_load_explicit(&((struct weir__budget *)(uintptr_t)(b))->field, memory_order_relaxed)

static bool swap(_Atomic uint64_t *word, uint64_t *was, uint64_t is)
{
    return atomic_compare_exchange_weak_explicit(word, was, is, memory_order_relaxed, memory_order_relaxed);
}

/* --- the cap --- */

static bool is_ahead(uint32_t part, uint32_t number)
{
    return part - number <= (uint32_t)(LAG_NS / SECOND_NS / PART_S);
}

/* A part that was counted in a while ago begins anew; so does one that a clock wrote that has jumped back. */
static void count(struct weir__budget *b, uint64_t firsts, int64_t now_ns)
{
    const uint32_t number = (uint32_t)(now_ns / (PART_S * SECOND_NS));
    _Atomic uint64_t *part = &b->parts[number % WEIR__BUDGET_PARTS];
    uint64_t was = atomic_load_explicit(part, memory_order_relaxed), is;

    do {
        is = is_ahead((uint32_t)(was >> PART_SHIFT), number) ? was : (uint64_t)number << PART_SHIFT;
        if ((is & UINT32_MAX) + firsts > UINT32_MAX)
            return; /* far beyond the greatest cap */
        is += firsts;
    } while (!swap(part, &was, is));
}

/* First attempts in the last ten seconds: of the oldest part, as much as is not over yet. */
static double firsts_in_window(const struct weir__budget *b, int64_t now_ns)
{
    const int64_t part_ns = PART_S * SECOND_NS;
    const uint32_t number = (uint32_t)(now_ns / part_ns);
    const double left = 1 - (double)(now_ns % part_ns) / (double)part_ns;
    double sum = 0;

    for (int i = 0; i < WEIR__BUDGET_PARTS; i++) {
        const uint64_t part = LOOK(b, parts[i]);
        const uint32_t of = (uint32_t)(part >> PART_SHIFT);
        const double firsts = (double)(part & UINT32_MAX);
        if (is_ahead(of, number) || number - of < WEIR__BUDGET_PARTS - 1)
            sum += firsts;
        else if (number - of == WEIR__BUDGET_PARTS - 1)
            sum += firsts * left;
    }
    return sum;
}

static int64_t cap_of(const struct weir__budget *b, const struct weir__budget_settings *s, int64_t now_ns,
                      uint64_t pending)
{
    const double attempts = s->extra * (firsts_in_window(b, now_ns) + (double)pending);

    return attempts >= CAP_MAX ? (int64_t)CAP_MAX * ONE : most(ONE, (int64_t)(attempts * ONE));
}

/* --- reckoning --- */

/* Units that time has added since it was reckoned last. */
static int64_t units_of(int64_t elapsed_ns)
{
    return least(elapsed_ns, 3600 * SECOND_NS) * ONE / SECOND_NS;
}

/* Takes the time that has passed, for whole units. */
static int64_t take_time(struct weir__budget *b, int64_t now_ns)
{
    int64_t was = LOOK(b, reckoned_ns), is, units;

    do {
        units = was != 0 ? most(0, units_of(now_ns - was)) : 0;
        is = now_ns - was < SECOND_NS ? was + (units * SECOND_NS + ONE - 1) / ONE : now_ns;
        if (was == 0 || now_ns < was - LAG_NS)
            is = now_ns;
        if (is == was)
            return 0;
    } while (!atomic_compare_exchange_weak_explicit(&b->reckoned_ns, &was, is, memory_order_relaxed,
                                                    memory_order_relaxed));
    return units;
}

/* Adds what grows of the larger of two sums, of which one is ahead by lead. */
static struct state gain(struct state s, int64_t by_time, int64_t by_firsts, int64_t cap)
{
    const int64_t lead = s.lead + by_time - by_firsts;

    s.units = least(cap, s.units + by_firsts + most(0, lead) - most(0, s.lead));
    s.lead = most(-cap, least(cap, lead));
    return s;
}

static int64_t units_of_firsts(const struct weir__budget_settings *s, uint64_t firsts)
{
    return (int64_t)(s->extra * (double)least((int64_t)firsts, INT32_MAX) * ONE);
}

static void reckon(struct weir__budget *b, const struct weir__budget_settings *s, int64_t now_ns)
{
    const int64_t by_time = take_time(b, now_ns);
    const uint64_t firsts = atomic_exchange_explicit(&b->pending, 0, memory_order_relaxed);
    uint64_t was = LOOK(b, state);
    int64_t cap;

    if (firsts > 0)
        count(b, firsts, now_ns);
    cap = cap_of(b, s, now_ns, 0);
    while (!swap(&b->state, &was, pack(gain(unpack(was), by_time, units_of_firsts(s, firsts), cap))))
        ;
}

static bool is_due(const struct weir__budget *b, int64_t now_ns)
{
    const int64_t since_ns = now_ns - LOOK(b, reckoned_ns);

    return since_ns >= RECKON_NS || since_ns < -LAG_NS;
}

void weir__budget_first(struct weir__budget *b, const struct weir__budget_settings *s, int64_t now_ns)
{
    const uint64_t pending = atomic_fetch_add_explicit(&b->pending, 1, memory_order_relaxed) + 1;

    if (pending % RECKON_FIRSTS == 0 || is_due(b, now_ns))
        reckon(b, s, now_ns);
}

bool weir__budget_pay(struct weir__budget *b, const struct weir__budget_settings *s, int64_t now_ns)
{
    uint64_t was;
    struct state state;

    if (!(s->extra > 0))
        return false;
    reckon(b, s, now_ns);
    was = LOOK(b, state);
    do {
        state = unpack(was);
        if (state.units < ONE)
            return false;
        state.units -= ONE;
    } while (!swap(&b->state, &was, pack(state)));
    return true;
}

/* Perhaps to above its cap, until it is reckoned next. */
void weir__budget_refund(struct weir__budget *b)
{
    uint64_t was = LOOK(b, state);
    struct state state;

    do {
        state = unpack(was);
        state.units = least((int64_t)CAP_MAX * ONE, state.units + ONE);
    } while (!swap(&b->state, &was, pack(state)));
}

/* --- looking --- */

/* What reckoning now would give. */
static struct state look(const struct weir__budget *b, const struct weir__budget_settings *s, int64_t now_ns,
                         int64_t *cap)
{
    const int64_t reckoned_ns = LOOK(b, reckoned_ns);
    const uint64_t pending = LOOK(b, pending);
    const int64_t by_time = reckoned_ns != 0 ? most(0, units_of(now_ns - reckoned_ns)) : 0;

    *cap = cap_of(b, s, now_ns, pending);
    return gain(unpack(LOOK(b, state)), by_time, units_of_firsts(s, pending), *cap);
}

double weir__budget_level(const struct weir__budget *b, const struct weir__budget_settings *s, int64_t now_ns)
{
    int64_t cap;
    const struct state state = look(b, s, now_ns, &cap);

    return (double)state.units / (double)cap;
}

double weir__budget_left(const struct weir__budget *b, const struct weir__budget_settings *s, int64_t now_ns)
{
    int64_t cap;

    return s->extra > 0 ? (double)look(b, s, now_ns, &cap).units / ONE : 0;
}
