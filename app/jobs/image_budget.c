/* SPDX-License-Identifier: MIT */
#include "jobs/image_budget.h"

#include <errno.h>
#include <stdatomic.h>

#include <weir/error.h>

static struct {
    _Atomic(uint64_t) most, held;
} budget;

void image_budget_set(uint64_t bytes)
{
    atomic_store(&budget.most, bytes);
}

uint64_t image_budget(void)
{
    return atomic_load(&budget.most);
}

int image_budget_take(uint64_t bytes)
{
    const uint64_t most = image_budget();
    uint64_t held;

    if (most > 0 && bytes > most)
        return -EFBIG;
    held = atomic_fetch_add(&budget.held, bytes);
    if (most == 0 || held + bytes <= most)
        return 0;
    image_budget_give(bytes);
    return -WEIR_EBUSY;
}

void image_budget_give(uint64_t bytes)
{
    atomic_fetch_sub(&budget.held, bytes);
}
