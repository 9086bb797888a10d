/* SPDX-License-Identifier: MIT */
/* The capture of one loop: asking its thread, and reading the stack of one that sleeps. */
#include "watch/capture.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/lock.h"
#include "core/loop.h"
#include "core/task.h"

enum { RED_ZONE_BYTES = 128 };

WEIR__CAPTURE_IN_HANDLER bool weir__capture_bounds(const struct weir__capture *c,
                                                   const struct weir__task *task, uintptr_t sp,
                                                   uintptr_t *low, uintptr_t *end)
{
    uintptr_t bottom = c->own.begin;

    if (task != NULL && task->stack != NULL) {
        bottom = (uintptr_t)task->stack + c->loop->stacks.guard_bytes;
        *end = (uintptr_t)task;
    } else {
        *end = c->own.end;
    }
    if (sp < bottom || sp >= *end)
        return false;
    *low = (sp - RED_ZONE_BYTES) & ~(uintptr_t)15;
    if (*low < bottom)
        *low = bottom;
    return true;
}

int weir__capture_open(struct weir__capture *c, struct weir__loop *loop, struct weir__thread_stack own,
                       size_t stack_bytes)
{
    size_t room = stack_bytes < WEIR__CAPTURE_BYTES_MAX ? stack_bytes : WEIR__CAPTURE_BYTES_MAX;

    *c = (struct weir__capture){.loop = loop, .tid = gettid(), .own = own, .room = room};
    /* Only the pages that are written to take memory. */
    c->stack = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (c->stack == MAP_FAILED)
        return -ENOMEM;
    atomic_store_explicit(&loop->capture, c, memory_order_release);
    return 0;
}

void weir__capture_close(struct weir__capture *c)
{
    atomic_store_explicit(&c->loop->capture, NULL, memory_order_release);
    (void)munmap(c->stack, c->room);
}

bool weir__capture_running(struct weir__capture *c, int64_t wait_ns, struct weir__registers *out)
{
    const struct timespec most = {.tv_nsec = (long)wait_ns};
    int state = atomic_load(&c->state);

    if (state == WEIR__CAPTURE_IDLE) {
        atomic_store(&c->state, WEIR__CAPTURE_WANTED);
        (void)syscall(SYS_tgkill, getpid(), c->tid, WEIR__CAPTURE_SIGNAL);
        state = WEIR__CAPTURE_WANTED;
    }
    if (state != WEIR__CAPTURE_TAKEN)
        weir__futex_wait(&c->state, state, &most);
    state = atomic_load(&c->state);
    if (state == WEIR__CAPTURE_TAKING) /* takes microseconds, unless the thread is off the CPU meanwhile */
        weir__futex_wait(&c->state, WEIR__CAPTURE_TAKING, &most);
    if (atomic_load(&c->state) != WEIR__CAPTURE_TAKEN)
        return false;
    weir__registers_of_signal(out, &c->context);
    atomic_store(&c->state, WEIR__CAPTURE_IDLE);
    return true;
}

bool weir__capture_is_asked(struct weir__capture *c)
{
    return atomic_load(&c->state) != WEIR__CAPTURE_IDLE;
}

void weir__capture_cancel(struct weir__capture *c)
{
    int wanted = WEIR__CAPTURE_WANTED;

    if (atomic_compare_exchange_strong(&c->state, &wanted, WEIR__CAPTURE_IDLE))
        return;
    while (atomic_load(&c->state) == WEIR__CAPTURE_TAKING)
        weir__futex_wait(&c->state, WEIR__CAPTURE_TAKING, NULL);
    atomic_store(&c->state, WEIR__CAPTURE_IDLE);
}

bool weir__capture_sleeper(struct weir__capture *c, const struct weir__peek *peek, uintptr_t sp)
{
    struct weir__task *task = atomic_load_explicit(&c->loop->running, memory_order_acquire);
    const struct weir__task *owner = task != NULL ? task : c->loop->scheduler;
    uintptr_t low, end;

    c->count = 0;
    if (!weir__capture_bounds(c, owner, sp, &low, &end))
        return false;
    c->low = sp & ~(uintptr_t)15;
    c->count = end - c->low < c->room ? end - c->low : c->room;
    if (!weir__peek(peek, (const void *)c->low, c->stack, c->count))
        c->count = 0;
    return c->count > 0;
}
