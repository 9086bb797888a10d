/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "metrics/joined_parts.h"

size_t joined_count(const struct sums *sums, enum totals_part part, bool with_gone)
{
    size_t count = 0;

    for (const struct sum_row *row = sums_first(sums, part); row != NULL; row = sums_next(row))
        count += joined_lists(row, with_gone);
    return count;
}

void *joined_room(void *items, size_t count, size_t bytes)
{
    void *more = realloc(items, (count + 1) * bytes);

    if (more == NULL)
        free(items);
    return more;
}
