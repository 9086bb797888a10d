/* SPDX-License-Identifier: MIT */
/* The signal handler that takes the registers and the stack of the thread it interrupts. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/lock.h"
#include "core/loop.h"
#include "core/task.h"
#include "watch/capture.h"

enum { CALLS_MAX = 1024 };

/* --- in the handler, which must not allocate, lock or fail --- */

WEIR__CAPTURE_IN_HANDLER static void copy_words(void *to, const void *from, size_t bytes)
{
    const volatile uint64_t *source = from;
    volatile uint64_t *target = to;

    for (size_t i = 0; i < bytes / sizeof *source; i++)
        target[i] = source[i];
}

WEIR__CAPTURE_IN_HANDLER static uintptr_t sp_of(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#else
    return (uintptr_t)context->uc_mcontext.sp;
#endif
}

WEIR__CAPTURE_IN_HANDLER static void take(struct weir__capture *c, const ucontext_t *context)
{
    struct weir__task *task =
        __atomic_load_n((struct weir__task **)(void *)&c->loop->running, __ATOMIC_RELAXED);
    uintptr_t low, end;

    if (task == NULL)
        task = c->loop->scheduler;
    c->runner = &task->runs;
    c->run = __atomic_load_n((uint32_t *)(void *)&task->runs, __ATOMIC_RELAXED);
    copy_words(&c->context.uc_mcontext, &context->uc_mcontext, sizeof context->uc_mcontext);
    c->count = 0;
    if (!weir__capture_bounds(c, task, sp_of(context), &low, &end))
        return;
    c->low = low;
    c->count = end - low < c->room ? end - low : c->room;
    copy_words(c->stack, (const void *)low, c->count);
}

/* Restarts a system call that the signal has ended: the thread may have fallen asleep in it before the signal
 * came. The number of the call stands in the code right before it. (A call with a timeout may so last longer
 * by the time it had lasted already. That is next to nothing: a thread known to sleep is sent no signal.) */
WEIR__CAPTURE_IN_HANDLER static void make_call_again(ucontext_t *context)
{
#if defined(__x86_64__)
    greg_t *r = context->uc_mcontext.gregs;
    const volatile unsigned char *code =
        (const volatile unsigned char *)r[REG_RIP] - 7; /* mov $number, %eax; syscall */
    unsigned number;

    if (r[REG_RAX] != -EINTR || code[5] != 0x0f || code[6] != 0x05 || code[0] != 0xb8)
        return;
    number = code[1] | (unsigned)code[2] << 8 | (unsigned)code[3] << 16 | (unsigned)code[4] << 24;
    if (number >= CALLS_MAX || number == SYS_rt_sigsuspend) /* which waits for any signal */
        return;
    r[REG_RIP] -= 2;
    r[REG_RAX] = (greg_t)number;
#else
    (void)context; /* the first argument is gone: its register has the result */
#endif
}

/* --- the action of the signal: one for the process, with a count of its users --- */

/* The kernel's own form. The handler is installed past the C library: a sanitizer would put it off until the
 * thread makes a call, which a thread that computes may never do. */
struct kernel_action {
    void (*handler)(int number, siginfo_t *info, void *context);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static pthread_mutex_t catching = PTHREAD_MUTEX_INITIALIZER;
static int catchers;
static struct kernel_action before;

#if defined(__x86_64__)
#ifndef SA_RESTORER
#define SA_RESTORER 0x04000000
#endif
/* Returns from the handler. Debuggers recognise it by these very bytes. */
void weir__signal_return(void);
__asm__(".text\n"
        ".hidden weir__signal_return\n"
        ".globl weir__signal_return\n"
        ".type weir__signal_return, @function\n"
        "weir__signal_return:\n"
        "    movq $15, %rax\n"
        "    syscall\n"
        ".size weir__signal_return, .-weir__signal_return\n");
#endif

WEIR__CAPTURE_IN_HANDLER static void on_signal(int number, siginfo_t *info, void *context)
{
    struct weir__loop *loop = weir__loop_here;

    struct weir__capture *c =
        loop == NULL ? NULL
                     : __atomic_load_n((struct weir__capture **)(void *)&loop->capture, __ATOMIC_ACQUIRE);
    int wanted = WEIR__CAPTURE_WANTED, saved_errno = errno;

    if (c == NULL || !__atomic_compare_exchange_n((int *)(void *)&c->state, &wanted, WEIR__CAPTURE_TAKING,
                                                  false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        /* Not asked by us. SIG_DFL and SIG_IGN are small numbers, not functions. */
        if ((uintptr_t)before.handler > (uintptr_t)SIG_IGN)
            before.handler(number, info, context);
        return;
    }
    take(c, context);
    make_call_again(context);
    __atomic_store_n((int *)(void *)&c->state, WEIR__CAPTURE_TAKEN, __ATOMIC_SEQ_CST);
    (void)syscall(SYS_futex, &c->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = saved_errno;
}

static int set_action(const struct kernel_action *action, struct kernel_action *old)
{
    return syscall(SYS_rt_sigaction, WEIR__CAPTURE_SIGNAL, action, old, sizeof action->mask) == 0 ? 0
                                                                                                  : -errno;
}

int weir__capture_catch(void)
{
    struct kernel_action action = {
        .handler = on_signal, .flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK, .mask = ~UINT64_C(0)};
    int err = 0;

#if defined(__x86_64__)
    action.flags |= SA_RESTORER;
    action.restorer = weir__signal_return;
#endif
    pthread_mutex_lock(&catching);
    if (catchers == 0)
        err = set_action(&action, &before);
    if (err == 0)
        catchers++;
    pthread_mutex_unlock(&catching);
    return err;
}

void weir__capture_uncatch(void)
{
    pthread_mutex_lock(&catching);
    if (--catchers == 0)
        (void)set_action(&before, NULL);
    pthread_mutex_unlock(&catching);
}
