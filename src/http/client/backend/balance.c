/* SPDX-License-Identifier: MIT */
#include "http/client/backend/balance.h"

#include <string.h>

#include "base/hash.h"

void weir__balance_candidates(const struct weir__backend_common *common, const uint8_t *here, int count,
                              struct weir__candidates *out)
{
    out->count = 0;
    for (int i = 0; i < count; i++)
        if (weir__instance_is_used(&common->instances[here[i]]))
            out->numbers[out->count++] = here[i];
    out->panics = out->count == 0;
    for (int i = 0; out->panics && i < count; i++)
        out->numbers[i] = here[i];
    if (out->panics)
        out->count = count;
}

static int in_use(const struct weir__backend_common *common, int number)
{
    return weir__backend_sum(common, &common->counts.of_instance[number]);
}

int weir__balance_least(const struct weir__backend_common *common, const struct weir__candidates *c,
                        struct weir__random *random)
{
    int first, second;

    if (c->count == 1)
        return c->numbers[0];
    first = (int)weir__random_below(random, (uint64_t)c->count);
    second = (int)weir__random_below(random, (uint64_t)c->count - 1);
    second += second >= first; /* another one */
    return in_use(common, c->numbers[second]) < in_use(common, c->numbers[first]) ? c->numbers[second]
                                                                                  : c->numbers[first];
}

static int next_in_turn(struct weir__backend_common *common, const struct weir__candidates *c)
{
    uint32_t turn = atomic_fetch_add_explicit(&common->turn, 1, memory_order_relaxed);

    return c->numbers[turn % (uint32_t)c->count];
}

int weir__balance_round_robin(struct weir__backend_common *common, const struct weir__candidates *c,
                              int limit)
{
    const int share = limit / c->count + (limit % c->count > 0);
    int number = next_in_turn(common, c);

    for (int i = 1; limit > 0 && i < c->count && in_use(common, number) >= share; i++)
        number = next_in_turn(common, c);
    return number;
}

/* --- hashing --- */

uint64_t weir__balance_hash_of(const char *text)
{
    return weir__hash_add(WEIR__HASH, text, strlen(text));
}

int weir__balance_hash(const uint64_t *hashes, const struct weir__candidates *c, const char *key)
{
    const uint64_t of_key = weir__balance_hash_of(key);
    uint64_t best = 0;
    int chosen = c->numbers[0];

    for (int i = 0; i < c->count; i++) {
        /* Multiplied, so that equal texts as key and address do not cancel each other out. */
        uint64_t score = weir__hash_mix(of_key * UINT64_C(0x9e3779b97f4a7c15) ^ hashes[c->numbers[i]]);
        if (score >= best) {
            best = score;
            chosen = c->numbers[i];
        }
    }
    return chosen;
}
