/* SPDX-License-Identifier: MIT */
#include "watch/capture.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/lock.h"
#include "core/loop.h"
#include "core/task.h"

enum { IDLE, WANTED, TAKING, TAKEN };
enum { RED_ZONE_BYTES = 128, CALLS_MAX = 1024, NUMBER = SIGURG };

/* The handler is not told to sanitizers: it goes over all that lies on the stack, and may interrupt them. */
#define UNWATCHED __attribute__((no_sanitize("address", "thread", "undefined"), noinline))

/* --- where a stack begins and ends --- */

/* From the stack pointer to the base: of the task, or of the thread's own stack. False: it is in neither, so
 * somebody has made a stack of his own. */
UNWATCHED static bool bounds_of(const struct weir__capture *c, const struct weir__task *task, uintptr_t sp,
                                uintptr_t *low, uintptr_t *end)
{
    uintptr_t bottom = 0;

    if (task != NULL && task->stack != NULL) {
        bottom = (uintptr_t)task->stack + c->loop->stacks.guard_bytes;
        *end = (uintptr_t)task;
    } else {
        *end = c->stack_end;
    }
    if (sp < bottom || sp >= *end)
        return false;
    *low = (sp - RED_ZONE_BYTES) & ~(uintptr_t)15;
    if (*low < bottom)
        *low = bottom;
    return true;
}

/* --- in the handler: nothing here may allocate, lock or fail --- */

UNWATCHED static void copy_words(void *to, const void *from, size_t bytes)
{
    const volatile uint64_t *source = from;
    volatile uint64_t *target = to;

    for (size_t i = 0; i < bytes / sizeof *source; i++)
        target[i] = source[i];
}

UNWATCHED static uintptr_t sp_of(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#else
    return (uintptr_t)context->uc_mcontext.sp;
#endif
}

UNWATCHED static void take(struct weir__capture *c, const ucontext_t *context)
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
    if (!bounds_of(c, task, sp_of(context), &low, &end))
        return;
    c->low = low;
    c->count = end - low < c->room ? end - low : c->room;
    copy_words(c->stack, (const void *)low, c->count);
}

/* The thread may have fallen asleep in a call before the signal came to it, and the call has been ended by
 * it. Then it is made again, as if nothing had been: its number stands right before it. (It may last longer
 * by what it had lasted already, which is next to nothing: who is known to sleep is sent no signal.) */
UNWATCHED static void make_call_again(ucontext_t *context)
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

/* --- the signal is the process's, so who uses it is counted for all of it --- */

/* As the kernel has it. Installed past the C library: a sanitizer's would put the handler off until the
 * thread calls it, which one that computes may never do. */
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
/* What a handler returns to; debuggers know it by these very bytes. */
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

UNWATCHED static void on_signal(int number, siginfo_t *info, void *context)
{
    struct weir__loop *loop = weir__loop_here;
    struct weir__capture *c =
        loop == NULL ? NULL
                     : __atomic_load_n((struct weir__capture **)(void *)&loop->capture, __ATOMIC_ACQUIRE);
    int wanted = WANTED, saved_errno = errno;

    if (c == NULL || !__atomic_compare_exchange_n((int *)(void *)&c->state, &wanted, TAKING, false,
                                                  __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        /* Not ours. The two that are no functions are small numbers. */
        if ((uintptr_t)before.handler > (uintptr_t)SIG_IGN)
            before.handler(number, info, context);
        return;
    }
    take(c, context);
    make_call_again(context);
    __atomic_store_n((int *)(void *)&c->state, TAKEN, __ATOMIC_SEQ_CST);
    (void)syscall(SYS_futex, &c->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = saved_errno;
}

static int set_action(const struct kernel_action *action, struct kernel_action *old)
{
    return syscall(SYS_rt_sigaction, NUMBER, action, old, sizeof action->mask) == 0 ? 0 : -errno;
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

/* --- one loop --- */

int weir__capture_open(struct weir__capture *c, struct weir__loop *loop, uintptr_t stack_end,
                       size_t stack_bytes)
{
    size_t room = stack_bytes < WEIR__CAPTURE_BYTES_MAX ? stack_bytes : WEIR__CAPTURE_BYTES_MAX;

    *c = (struct weir__capture){.loop = loop, .tid = gettid(), .stack_end = stack_end, .room = room};
    /* Only what is ever written to will take memory. */
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

    if (state == IDLE) {
        atomic_store(&c->state, WANTED);
        (void)syscall(SYS_tgkill, getpid(), c->tid, NUMBER);
        state = WANTED;
    }
    if (state != TAKEN)
        weir__futex_wait(&c->state, state, &most);
    state = atomic_load(&c->state);
    if (state == TAKING) /* a matter of microseconds, unless it is off the CPU in the midst of it */
        weir__futex_wait(&c->state, TAKING, &most);
    if (atomic_load(&c->state) != TAKEN)
        return false;
    weir__registers_of_signal(out, &c->context);
    atomic_store(&c->state, IDLE);
    return true;
}

bool weir__capture_is_asked(struct weir__capture *c)
{
    return atomic_load(&c->state) != IDLE;
}

void weir__capture_cancel(struct weir__capture *c)
{
    int wanted = WANTED;

    if (atomic_compare_exchange_strong(&c->state, &wanted, IDLE))
        return;
    while (atomic_load(&c->state) == TAKING)
        weir__futex_wait(&c->state, TAKING, NULL);
    atomic_store(&c->state, IDLE);
}

bool weir__capture_sleeper(struct weir__capture *c, const struct weir__peek *peek, uintptr_t sp)
{
    struct weir__task *task = atomic_load_explicit(&c->loop->running, memory_order_acquire);
    const struct weir__task *who = task != NULL ? task : c->loop->scheduler;
    uintptr_t low, end;

    c->count = 0;
    if (!bounds_of(c, who, sp, &low, &end))
        return false;
    c->low = sp & ~(uintptr_t)15;
    c->count = end - c->low < c->room ? end - c->low : c->room;
    if (!weir__peek(peek, (const void *)c->low, c->stack, c->count))
        c->count = 0;
    return c->count > 0;
}
