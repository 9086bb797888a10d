/* SPDX-License-Identifier: MIT */
/* The switch from one stack to another: the assembly, and what the sanitizers and the C++ runtime must be
 * told of it. All of it is inlined, for it runs at each switch.
 *
 * Threading: the loop's thread.
 */
#ifndef WEIR__CORE_SWITCH_H
#define WEIR__CORE_SWITCH_H

#include "base/sanitizer.h"
#include "core/loop.h"
#include "core/task_record.h"

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "the switch is written for x86-64 and aarch64"
#endif
void weir__switch(void **save_sp, void *load_sp);
void weir__switch_to_new(void **save_sp, void *top);

/* Of the C++ runtime, when the program has one: exceptions in flight belong to the task that threw them. */
struct cxx_globals {
    void *caught;
    unsigned uncaught;
};
extern struct cxx_globals *__cxa_get_globals(void) __attribute__((weak));

/* --- telling the sanitizers of every switch --- */

/* Always inlined: TSan counts a function's return on the fiber that is current then. */
__attribute__((always_inline)) static inline void before_switch(struct weir__loop *loop,
                                                                struct weir__task *from,
                                                                struct weir__task *to, bool from_ends)
{
    (void)loop, (void)from, (void)to, (void)from_ends;
#ifdef WITH_ASAN
    /* to->stack is NULL for the loop's own stack, whose bounds ASan reports when it is left. */
    if (to->stack != NULL)
        __sanitizer_start_switch_fiber(from_ends ? NULL : &from->asan_fake_stack,
                                       to->stack + loop->stacks.guard_bytes,
                                       loop->stacks.bytes - loop->stacks.guard_bytes);
    else
        __sanitizer_start_switch_fiber(from_ends ? NULL : &from->asan_fake_stack, to->arg, (size_t)to->id);
#endif
#ifdef WITH_TSAN
    if (from_ends)
        weir__fiber_end(&loop->fibers, from->tsan_fiber);
    __tsan_switch_to_fiber(to->tsan_fiber, 0);
#endif
}

static void after_switch(struct weir__loop *loop, struct weir__task *self, bool first_time)
{
#ifdef WITH_ASAN
    const void *bottom;
    size_t bytes;

    __sanitizer_finish_switch_fiber(first_time ? NULL : self->asan_fake_stack, &bottom, &bytes);
    /* The bounds of the loop's own stack are known only from here: they are kept as it is left. */
    if (loop->scheduler->arg == NULL) {
        loop->scheduler->arg = (void *)(uintptr_t)bottom;
        loop->scheduler->id = bytes;
    }
#endif
    (void)loop, (void)self, (void)first_time;
#ifdef WITH_TSAN
    weir__fiber_give_ended(&loop->fibers);
#endif
}

/* --- the switch --- */

/* Cold: most programs have no C++ in them, and this would cost their switch registers. */
__attribute__((noinline, cold)) static void switch_exceptions(struct weir__task *from, struct weir__task *to)
{
    struct cxx_globals *g = __cxa_get_globals();

    from->cxx_caught = g->caught;
    from->cxx_uncaught = g->uncaught;
    g->caught = to->cxx_caught;
    g->uncaught = to->cxx_uncaught;
}

/* Reports whether a stack is empty: it begins at the task's record, its top. */
static inline bool is_new(const struct weir__task *task, const void *sp)
{
    return sp == task;
}

/* Leaves the stack of a task that has ended, for good. A jump: a call that never returns would spoil the
 * prediction of those that do. */
__attribute__((noreturn, always_inline)) static inline void go_to(const struct weir__task *next, void *sp)
{
#if defined(__x86_64__)
    if (is_new(next, sp))
        __asm__ volatile("jmp weir__task_start" : : "S"(sp) : "memory");
    else
        __asm__ volatile("jmp weir__resume" : : "S"(sp) : "memory");
#else
    register void *load_sp __asm__("x1") = sp;

    if (is_new(next, sp))
        __asm__ volatile("b weir__task_start" : : "r"(load_sp) : "memory");
    else
        __asm__ volatile("b weir__resume" : : "r"(load_sp) : "memory");
#endif
    __builtin_unreachable();
}

#endif
