/* SPDX-License-Identifier: MIT */
#include "gateway/memory_limits.h"

#include <malloc.h>

#include <weir/memory.h>

#include "jobs/image_budget.h"

void memory_limits_trim(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 128 << 10);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

/* The memory that this process may use; 0: not known. */
static uint64_t memory_limit(const char *root)
{
    weir_memory_stats use = {0};
    weir_memory *memory;

    if (weir_memory_open(root, &memory) == 0) {
        weir_memory_stats_get(memory, &use);
        weir_memory_close(memory);
    }
    return use.limit_bytes;
}

uint64_t memory_limits_set(const struct config *config, const char *root)
{
    const struct config_limits *limits = &config->limits;
    const uint64_t most = 256 << 20, least = 16 << 20, limit = memory_limit(root), part = limit / 4;

    image_budget_set(limits->images_bytes ? limits->images_bytes : limit / 2);
    return limits->replies_bytes      ? limits->replies_bytes
           : part == 0 || part > most ? most
           : part < least             ? least
                                      : part;
}
