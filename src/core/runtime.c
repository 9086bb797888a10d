/* SPDX-License-Identifier: MIT */
#include "core/runtime.h"

#include "core/task.h"

bool weir__loop_is_held(const struct weir__loop *loop)
{
    struct weir__heartbeat *p = &((struct weir__loop *)(uintptr_t)loop)->heartbeat;
    int64_t after_ns = loop->runtime->options.stall_after.ns;
    uint64_t began = atomic_load_explicit(&p->began, memory_order_relaxed);
    uint64_t now = weir__heartbeat_ticks(p);

    if (after_ns < 0) /* nobody watches; it is held all the same */
        after_ns = WEIR__STALL_AFTER_DEFAULT_NS;
    return !atomic_load_explicit(&p->asleep, memory_order_relaxed) && now > began &&
           weir__heartbeat_ns(p, now - began) > after_ns;
}

void weir__on_held_add(struct weir_runtime *r, struct weir__on_held *hook)
{
    pthread_mutex_lock(&r->registry.lock);
    weir__list_push_back(&r->registry.on_held, &hook->node);
    pthread_mutex_unlock(&r->registry.lock);
}

void weir__on_held_remove(struct weir_runtime *r, struct weir__on_held *hook)
{
    pthread_mutex_lock(&r->registry.lock);
    weir__list_remove(&hook->node);
    pthread_mutex_unlock(&r->registry.lock);
}

void weir__on_held_tell(struct weir_runtime *r, int loop)
{
    pthread_mutex_lock(&r->registry.lock);
    weir__list_each (node, &r->registry.on_held) {
        struct weir__on_held *hook = weir__container_of(node, struct weir__on_held, node);
        hook->tell(hook, loop);
    }
    pthread_mutex_unlock(&r->registry.lock);
}

weir_runtime *weir_runtime_here(void)
{
    return weir__task_current()->loop->runtime;
}

int weir_loop_count(void)
{
    return weir__task_current()->loop->runtime->loop_count;
}

int weir_loop_index(void)
{
    return weir__task_current()->loop->index;
}

const char *weir_loop_io(void)
{
    return weir__io_backend_name(weir__task_current()->loop->io);
}

size_t weir_loop_ready(int loop)
{
    struct weir_runtime *r = weir__task_current()->loop->runtime;

    return loop >= 0 && loop < r->loop_count
               ? atomic_load_explicit(&r->loops[loop].ready_seen, memory_order_relaxed)
               : 0;
}
