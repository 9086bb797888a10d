/* SPDX-License-Identifier: MIT */
#include "edge/rate_table.h"

/* A word is a tag, which is never 0, and a time in units, modulo 2^40. 0: there is no bucket. */
enum {
    UNIT_BITS = 9, /* so that a unit is longer than a nanosecond at RATE_PER_SECOND_MAX */
    TIME_BITS = 40,
    SWEEP_BITS = 36, /* a sweep for each 2^36 units: 16 before a time returns */
    SET = 8,         /* places in a cache line; a key has two of these to choose from */
    SETS = RATE_ENTRIES / SET
};

static const uint64_t time_mask = (UINT64_C(1) << TIME_BITS) - 1, one = UINT64_C(1) << UNIT_BITS;

static const int64_t tell_ns = INT64_C(60000000000);

__extension__ typedef unsigned __int128 wide;

size_t rate_table_bytes(bool has_keys)
{
    return sizeof(struct rate_table) + (has_keys ? RATE_ENTRIES : 0) * sizeof(_Atomic uint64_t);
}

/* --- units --- */

static uint64_t units_of(const struct rate_limit *limit, uint64_t ns)
{
    return (uint64_t)((wide)ns * limit->scale >> 64);
}

/* Rounded up. */
static uint64_t ns_of(const struct rate_limit *limit, uint64_t units)
{
    const uint64_t each = limit->requests << UNIT_BITS;

    return (uint64_t)(((wide)units * limit->per_ns + each - 1) / each);
}

struct rate_limit rate_limit_of(uint64_t requests, uint64_t per_ns, uint64_t burst)
{
    struct rate_limit limit = {.per_ns = per_ns, .requests = requests, .full = burst << UNIT_BITS};

    limit.scale = (uint64_t)(((wide)requests << UNIT_BITS << 64) / per_ns);
    limit.debt_max = 2 * limit.full + units_of(&limit, 1000000000);
    return limit;
}

/* --- a bucket --- */

/* What a bucket owes: 0 if it is full. */
static uint64_t debt_of(const struct rate_limit *limit, uint64_t word, uint64_t now)
{
    const uint64_t debt = (word - now) & time_mask;

    return word != 0 && debt <= limit->debt_max ? debt : 0;
}

/* Adds a request to what a bucket owes, if that is not too much. Returns: the word after it. */
static inline __attribute__((always_inline)) uint64_t charge(const struct rate_limit *limit, uint64_t debt,
                                                             uint64_t tag, uint64_t now,
                                                             struct rate_verdict *verdict)
{
    verdict->accepted = debt + one <= limit->full;
    if (!verdict->accepted) {
        verdict->wait_ns = ns_of(limit, debt + one - limit->full);
        return 0;
    }
    verdict->left = (limit->full - debt - one) >> UNIT_BITS;
    return tag << TIME_BITS | ((now + debt + one) & time_mask);
}

static struct rate_verdict take_common(struct rate_table *table, const struct rate_limit *limit, uint64_t now)
{
    struct rate_verdict verdict = {0};
    uint64_t word = atomic_load_explicit(&table->common, memory_order_relaxed), next;

    do {
        next = charge(limit, debt_of(limit, word, now), 1, now, &verdict);
    } while (verdict.accepted &&
             !atomic_compare_exchange_weak_explicit(&table->common, &word, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return verdict;
}

/* --- the table --- */

/* Removes the buckets that are full, before their times could be taken for later ones. */
static __attribute__((noinline)) void sweep(struct rate_table *table, const struct rate_limit *limit,
                                            uint64_t now, uint64_t step)
{
    uint64_t swept = atomic_load_explicit(&table->swept, memory_order_relaxed);

    if (swept >= step || !atomic_compare_exchange_strong_explicit(&table->swept, &swept, step,
                                                                  memory_order_relaxed, memory_order_relaxed))
        return;
    if (swept == 0)
        return; /* the table is new */
    for (size_t i = 0; i < RATE_ENTRIES; i++) {
        uint64_t word = atomic_load_explicit(&table->entries[i], memory_order_relaxed);
        if (word != 0 && debt_of(limit, word, now) == 0)
            (void)atomic_compare_exchange_strong_explicit(&table->entries[i], &word, 0, memory_order_relaxed,
                                                          memory_order_relaxed);
    }
}

/* The bucket of a tag in a set. Returns: NULL: there is none. */
static _Atomic uint64_t *find(_Atomic uint64_t *set, uint64_t tag, uint64_t *word)
{
    for (int i = 0; i < SET; i++) {
        *word = atomic_load_explicit(&set[i], memory_order_relaxed);
        if (*word >> TIME_BITS == tag)
            return &set[i];
    }
    return NULL;
}

/* The first place of a set that can be taken, and how many there are. The place that the tag has got
 * meanwhile counts for more than all of a set: so two first requests of a key, of which one is quicker, do
 * not take two places. If both see the same, they choose the same. */
static _Atomic uint64_t *find_free(_Atomic uint64_t *set, const struct rate_limit *limit, uint64_t tag,
                                   uint64_t now, uint64_t *word, int *count)
{
    _Atomic uint64_t *first = NULL;

    *count = 0;
    for (int i = SET; i-- > 0;) {
        const uint64_t seen = atomic_load_explicit(&set[i], memory_order_relaxed);
        if (seen >> TIME_BITS == tag) {
            *word = seen;
            *count = SET + 1;
            return &set[i];
        }
        if (debt_of(limit, seen, now) > 0)
            continue;
        first = &set[i];
        *word = seen;
        ++*count;
    }
    return first;
}

/* A place for a new tag: in the set that has more of them, so that both fill evenly. NULL: there is none. */
static _Atomic uint64_t *choose(_Atomic uint64_t *const sets[2], const struct rate_limit *limit, uint64_t tag,
                                uint64_t now, uint64_t *word)
{
    _Atomic uint64_t *places[2];
    uint64_t words[2] = {0};
    int counts[2], more;

    for (int i = 0; i < 2; i++)
        places[i] = find_free(sets[i], limit, tag, now, &words[i], &counts[i]);
    more = counts[1] > counts[0];
    *word = words[more];
    return places[more];
}

/* Where the bucket of a hash may lie. */
struct key {
    uint64_t tag;
    _Atomic uint64_t *sets[2]; /* never the same */
};

static inline struct key key_of(struct rate_table *table, uint64_t hash)
{
    const uint64_t high = hash >> TIME_BITS;
    const size_t first = hash % SETS, second = first ^ (hash / SETS % SETS | 1);

    return (struct key){high != 0 ? high : 1, {&table->entries[first * SET], &table->entries[second * SET]}};
}

/* Counts a request in the bucket that has its key. Returns: false: it has none, or another request was
 * counted there meanwhile. */
static inline bool take_known(const struct key *key, const struct rate_limit *limit, uint64_t now,
                              struct rate_verdict *verdict)
{
    uint64_t word = 0, next;
    _Atomic uint64_t *at = find(key->sets[0], key->tag, &word);

    if (at == NULL)
        at = find(key->sets[1], key->tag, &word);
    if (at == NULL)
        return false;
    next = charge(limit, debt_of(limit, word, now), key->tag, now, verdict);
    return !verdict->accepted || atomic_compare_exchange_strong_explicit(
                                     at, &word, next, memory_order_relaxed, memory_order_relaxed);
}

/* The same, and where the key has no bucket it gets one, or shares the common one. */
static __attribute__((noinline)) struct rate_verdict take_new(struct rate_table *table,
                                                              const struct rate_limit *limit, uint64_t hash,
                                                              uint64_t now)
{
    const struct key key = key_of(table, hash);
    struct rate_verdict verdict = {0};

    while (!take_known(&key, limit, now, &verdict)) {
        uint64_t word = 0, next;
        _Atomic uint64_t *at = choose(key.sets, limit, key.tag, now, &word);

        if (at == NULL) {
            verdict = take_common(table, limit, now);
            verdict.shared = true;
            break;
        }
        next = charge(limit, debt_of(limit, word, now), key.tag, now, &verdict);
        if (!verdict.accepted || atomic_compare_exchange_strong_explicit(
                                     at, &word, next, memory_order_relaxed, memory_order_relaxed))
            break;
    }
    return verdict;
}

struct rate_verdict rate_table_take(struct rate_table *table, const struct rate_limit *limit, uint64_t hash,
                                    int64_t now_ns)
{
    const uint64_t now = units_of(limit, (uint64_t)now_ns), step = now >> SWEEP_BITS;
    const struct key key = key_of(table, hash);
    struct rate_verdict verdict = {0};

    if (atomic_load_explicit(&table->swept, memory_order_relaxed) < step)
        sweep(table, limit, now, step);
    return take_known(&key, limit, now, &verdict) ? verdict
                                                  : take_new(table, limit, hash, now); /* most are known */
}

struct rate_verdict rate_table_take_common(struct rate_table *table, const struct rate_limit *limit,
                                           int64_t now_ns)
{
    return take_common(table, limit, units_of(limit, (uint64_t)now_ns));
}

/* --- how full it is --- */

bool rate_table_tells_shared(struct rate_table *table, int64_t now_ns)
{
    int64_t told = atomic_load_explicit(&table->told_ns, memory_order_relaxed);

    if (told != 0 && told <= now_ns && now_ns - told < tell_ns)
        return false;
    return atomic_compare_exchange_strong_explicit(&table->told_ns, &told, now_ns != 0 ? now_ns : 1,
                                                   memory_order_relaxed, memory_order_relaxed);
}

size_t rate_table_taken(struct rate_table *table, const struct rate_limit *limit, int64_t now_ns)
{
    const uint64_t now = units_of(limit, (uint64_t)now_ns);
    size_t count = 0;

    for (size_t i = 0; i < RATE_ENTRIES; i++)
        count += debt_of(limit, atomic_load_explicit(&table->entries[i], memory_order_relaxed), now) > 0;
    return count;
}

/* --- the seed --- */

void rate_table_seed(struct rate_table *table, const uint64_t random[2], uint64_t seed[2])
{
    for (int i = 0; i < 2; i++) {
        seed[i] = 0;
        if (atomic_compare_exchange_strong(&table->seed[i], &seed[i], random[i] | 1))
            seed[i] = random[i] | 1;
    }
}
