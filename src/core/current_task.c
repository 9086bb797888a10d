/* SPDX-License-Identifier: MIT */
/* What a task may ask about itself, its name, and the random numbers of its loop. */
#include <weir/task.h>

#include <stdarg.h>
#include <stdio.h>

#include <weir/random.h>
#include <weir/scope.h>

#include "base/fence.h"
#include "base/random.h"
#include "core/misuse.h"
#include "core/scope.h"

int weir_cancelled(void)
{
    return weir__calling_task(__func__)->scope->cause;
}

weir_instant weir_deadline(void)
{
    return (weir_instant){weir__calling_task(__func__)->scope->deadline_ns};
}

bool weir_in_task(void)
{
    struct weir__loop *loop = weir__loop_current();

    return loop != NULL && weir__running(loop) != NULL;
}

const char *weir_task_name(void)
{
    return weir__calling_task(__func__)->name;
}

void weir_task_set_name(const char *format, ...)
{
    struct weir__task *self = weir__calling_task(__func__);
    va_list args;

    uint32_t names = atomic_load_explicit(&self->names, memory_order_relaxed);

    atomic_store_explicit(&self->names, names + 1, memory_order_relaxed);
    weir__fence(memory_order_release);
    va_start(args, format);
    (void)vsnprintf(self->own_name, sizeof self->own_name, format, args);
    va_end(args);
    self->name = self->own_name;
    atomic_store_explicit(&self->names, names + 2, memory_order_release);
}

uint64_t weir_random_u64(void)
{
    return weir__random_u64(&weir__calling_task(__func__)->loop->random);
}

uint64_t weir_random_below(uint64_t n)
{
    return weir__random_below(&weir__calling_task(__func__)->loop->random, n);
}
