/* SPDX-License-Identifier: MIT */
#include "metrics/collector_breakdown.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int observed_spent_open(struct observed_spent **out, size_t count)
{
    *out = calloc(count, sizeof **out);
    for (size_t i = 0; *out != NULL && i < count; i++)
        if (((*out)[i].rolling = rolling_new(OBSERVED_SPENT_NUMBERS)) == NULL)
            return -ENOMEM;
    return *out != NULL ? 0 : -ENOMEM;
}

void observed_spent_close(struct observed_spent *spent, size_t count)
{
    for (size_t i = 0; spent != NULL && i < count; i++)
        rolling_free(spent[i].rolling);
    free(spent);
}

static void look(struct observed_spent *spent, const struct metrics *metrics, size_t route)
{
    struct spent_total total;
    uint64_t numbers[OBSERVED_SPENT_NUMBERS];

    metrics_read_spent(metrics, route, &total);
    memcpy(numbers, total.kinds_ns, sizeof total.kinds_ns);
    numbers[OBSERVED_SAMPLES] = total.samples;
    rolling_see(spent->rolling, &total.run, numbers);
    memcpy(spent->slowest, total.slowest, sizeof spent->slowest);
    memcpy(spent->holder, total.holder, sizeof spent->holder);
    spent->slowest_ms = total.slowest_weight
                            ? (double)total.slowest_ns * SPENT_WEIGHT / (double)total.slowest_weight / 1e6
                            : 0;
}

void observed_spent_look(struct observed_spent *spent, const struct metrics *metrics, size_t count)
{
    for (size_t i = 0; i < count; i++)
        look(&spent[i], metrics, i);
}

void observed_spent_next(struct observed_spent *spent, const struct rolling_clock *clock, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rolling_next(spent[i].rolling, clock);
}

double observed_spent_ms(const struct rolling_window *w, enum weir_charge_kind kind)
{
    const uint64_t samples = w->numbers[OBSERVED_SAMPLES];

    return samples ? (double)w->numbers[kind] / (double)samples / 1e6 : 0;
}
