/* SPDX-License-Identifier: MIT */
#include "core/held_loop.h"

#include "core/runtime.h"

static const struct weir__registry_type held_hook = {"hook for loops that are held"};

bool weir__loop_is_held(const struct weir__loop *loop)
{
    struct weir__heartbeat *p = &((struct weir__loop *)(uintptr_t)loop)->heartbeat;
    int64_t after_ns = loop->runtime->options.stall_after.ns;
    uint64_t began = atomic_load_explicit(&p->began, memory_order_relaxed);
    uint64_t now = weir__heartbeat_ticks(p);

    if (after_ns < 0) /* stalls are not watched for; a loop can be held all the same */
        after_ns = WEIR__STALL_AFTER_DEFAULT_NS;
    return !atomic_load_explicit(&p->asleep, memory_order_relaxed) && now > began &&
           weir__heartbeat_ns(p, now - began) > after_ns;
}

void weir__held_hook_add(struct weir_runtime *runtime, struct weir__held_hook *hook)
{
    weir__registry_enter(&runtime->registry);
    weir__registry_add(&runtime->registry, &hook->registered, &held_hook);
    weir__registry_leave(&runtime->registry);
}

void weir__held_hook_remove(struct weir_runtime *runtime, struct weir__held_hook *hook)
{
    weir__registry_enter(&runtime->registry);
    weir__registry_remove(&hook->registered);
    weir__registry_leave(&runtime->registry);
}

void weir__held_hooks_call(struct weir_runtime *runtime, int loop)
{
    weir__registry_enter(&runtime->registry);
    weir__registry_each (entry, &runtime->registry, &held_hook) {
        struct weir__held_hook *hook = weir__container_of(entry, struct weir__held_hook, registered);
        hook->call(hook, loop);
    }
    weir__registry_leave(&runtime->registry);
}
