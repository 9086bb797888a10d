/* SPDX-License-Identifier: MIT */
#include "apps/choice.h"

#include <limits.h>

enum { ATTEMPTS = 4 }; /* to take a place, when others take it first */

static bool is_avoided(const struct app_avoided *avoided, uint32_t serial, weir_instant now)
{
    return atomic_load(&avoided->serial) == serial && atomic_load(&avoided->until_ns) > now.ns;
}

static bool is_ready(struct app_process *process, uint32_t serial)
{
    return atomic_load(&process->state) == APP_PROCESS_READY && atomic_load(&process->serial) == serial;
}

struct app_choice app_choose(weir_shared *shared, struct app_block *block,
                             const struct app_avoided avoided[APP_PROCESSES_MAX], uint32_t except,
                             weir_instant now)
{
    struct app_choice choice = {.entry = -1};
    int fewest = (int)atomic_load(&block->concurrency);
    int64_t used_ns = INT64_MAX;

    for (int i = 0; i < APP_PROCESSES_MAX; i++) {
        struct app_process *process = &block->processes[i];
        const uint32_t serial = atomic_load(&process->serial);
        int64_t used;
        int count;

        if (!is_ready(process, serial) || is_avoided(&avoided[i], serial, now) ||
            (except != 0 && serial == except))
            continue;
        choice.ready++;
        count = weir_shared_count_sum(shared, &block->in_flight[i]);
        used = atomic_load(&process->used_ns);
        if (count > fewest || count >= (int)atomic_load(&block->concurrency))
            continue;
        if (count == fewest && used >= used_ns)
            continue;
        choice.entry = i;
        choice.serial = serial;
        fewest = count;
        used_ns = used;
    }
    return choice;
}

bool app_choose_and_take(weir_shared *shared, struct app_block *block,
                         const struct app_avoided avoided[APP_PROCESSES_MAX], uint32_t except,
                         weir_instant now, struct app_choice *choice)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        struct app_process *process;

        *choice = app_choose(shared, block, avoided, except, now);
        if (choice->entry < 0)
            return false;
        process = &block->processes[choice->entry];
        if (!weir_shared_count_try(shared, &block->in_flight[choice->entry],
                                   (int)atomic_load(&block->concurrency)))
            continue;
        /* The supervisor says LEAVING first, then looks for requests: one of the two sees the other. */
        atomic_thread_fence(memory_order_seq_cst);
        if (is_ready(process, choice->serial)) {
            atomic_store(&process->used_ns, now.ns);
            return true;
        }
        weir_shared_count_add(shared, &block->in_flight[choice->entry], -1);
    }
    return false;
}

void app_avoid(struct app_avoided *avoided, uint32_t serial, weir_instant now)
{
    atomic_store(&avoided->serial, serial);
    atomic_store(&avoided->until_ns, weir_add(now, weir_ms(APP_AVOID_MS)).ns);
}
