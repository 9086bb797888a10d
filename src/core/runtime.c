/* SPDX-License-Identifier: MIT */
/* What a task may ask about its runtime and its loop. */
#include "core/runtime.h"

#include "core/misuse.h"

weir_runtime *weir_runtime_here(void)
{
    return weir__calling_task(__func__)->loop->runtime;
}

uint64_t weir_runtime_seed(const weir_runtime *runtime)
{
    return runtime->options.seed;
}

int weir_loop_count(void)
{
    return weir__calling_task(__func__)->loop->runtime->loop_count;
}

int weir_loop_index(void)
{
    return weir__calling_task(__func__)->loop->index;
}

const char *weir_loop_io(void)
{
    return weir__io_backend_name(weir__calling_task(__func__)->loop->io);
}

size_t weir_loop_ready(int loop)
{
    struct weir_runtime *r = weir__calling_task(__func__)->loop->runtime;

    return loop >= 0 && loop < r->loop_count
               ? atomic_load_explicit(&r->loops[loop].ready_seen, memory_order_relaxed)
               : 0;
}
