/* SPDX-License-Identifier: MIT */
/* First and second attempts of several processes. Counts and budget are common to those that share memory;
 * the threshold is what each has learned. */
#include "metrics/joined_parts.h"

void joined_want_attempts(struct sums *sums, const char *name)
{
    (void)sums_want(sums, TOTALS_ATTEMPTS, (const char *const[]){name, NULL});
}

static const double thousand = 1e3;

struct snapshot_attempts joined_attempts(const struct sums *sums, const char *name)
{
    const struct sum_row *row = sums_find(sums, TOTALS_ATTEMPTS, (const char *const[]){name, NULL});
    struct snapshot_attempts a = {0};
    struct totals_row read;
    int64_t sum_ns = 0, learned = 0;

    if (row == NULL)
        return a;
    a.ended = *row->series;
    for (size_t place = 0; sums_each_apart(sums, row, &place, &read);)
        a.budget += (double)read.values[ATTEMPTS_VALUE_BUDGET_THOUSANDTHS] / thousand;
    for (size_t place = 0; sums_each_living(sums, row, &place, &read);) {
        sum_ns += read.values[ATTEMPTS_VALUE_HEDGE_AFTER_NS];
        learned += read.values[ATTEMPTS_VALUE_HEDGE_AFTER_NS] > 0;
    }
    a.hedge_after.ns = learned > 0 ? sum_ns / learned : 0;
    return a;
}
