/* SPDX-License-Identifier: MIT */
/* The signal handler that samples a thread, its timer, and its installation. */
#include "watch/profile/sample.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/account/activity.h"
#include "core/runtime.h"
#include "core/task.h"
#include "pool/job.h"
#include "pool/pool.h"
#include "watch/profile/profile_inside.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNSANITIZED __attribute__((no_sanitize("address", "thread"), noinline))
#else
#define UNSANITIZED
#endif

/* --- in the handler, which must not allocate, lock or fail --- */

static void add_text(char *out, const char *text)
{
    size_t at = strnlen(out, WEIR__SAMPLE_NAME_BYTES - 1);

    while (at < WEIR__SAMPLE_NAME_BYTES - 1 && *text != '\0')
        out[at++] = *text++;
    out[at] = '\0';
}

static void take_route(struct weir__sample *sample, const struct weir__task *task)
{
    bool known = task != NULL && task->activity != NULL && task->activity->route != NULL;

    add_text(sample->route, known ? task->activity->route : "-");
}

static void take_loop(struct weir__sample *sample, const struct weir__loop *loop)
{
    char number[] = {(char)('0' + loop->index / 100 % 10), (char)('0' + loop->index / 10 % 10),
                     (char)('0' + loop->index % 10), '\0'};

    add_text(sample->route, "-");
    add_text(sample->task, "loop ");
    add_text(sample->task, number + (loop->index < 10 ? 2 : loop->index < 100 ? 1 : 0));
}

static void take_job(struct weir__sample *sample, const struct weir__thread *thread)
{
    const weir_job *job = atomic_load_explicit(&thread->job, memory_order_relaxed), *outermost = job;

    while (outermost != NULL && outermost->outer != NULL)
        outermost = outermost->outer;
    take_route(sample, outermost != NULL ? outermost->task : NULL);
    add_text(sample->task, thread->worker->pool->name);
    if (job != NULL) {
        add_text(sample->task, ": ");
        add_text(sample->task, job->name);
    }
}

/* Copies word by word, and without sanitizers, because it reads all that lies on the stack. */
UNSANITIZED static void copy_stack(struct weir__sample *sample, uintptr_t end)
{
    const volatile uint64_t *from;
    uint64_t *to = (void *)sample->stack;

    sample->low = sample->registers.general[WEIR__REGISTER_SP] & ~UINT64_C(7);
    sample->count = sample->low < end ? end - sample->low : 0;
    if (sample->count > WEIR__SAMPLE_STACK_BYTES)
        sample->count = WEIR__SAMPLE_STACK_BYTES;
    from = (const volatile uint64_t *)sample->low;
    for (size_t i = 0; i < sample->count / sizeof *to; i++)
        to[i] = from[i];
}

/* Whether the stack pointer is in the stack of the task. During a switch it is still in the stack of the task
 * before, for some instructions, while the next counts as running already. */
static bool is_on(const struct weir__task *task, uintptr_t sp)
{
    return task != NULL && task->stack != NULL && sp >= (uintptr_t)task->stack && sp < (uintptr_t)task;
}

static void take(struct weir__thread *thread, struct weir__sample *sample, const void *context)
{
    const struct weir__task *task = thread->loop != NULL ? weir__running(thread->loop) : NULL;
    uintptr_t sp;

    weir__registers_of_signal(&sample->registers, context);
    sp = sample->registers.general[WEIR__REGISTER_SP];
    sample->route[0] = sample->task[0] = '\0';
    if (thread->worker != NULL) {
        take_job(sample, thread);
    } else if (is_on(task, sp)) {
        take_route(sample, task);
        add_text(sample->task, task->name);
    } else {
        take_loop(sample, thread->loop);
    }
    if (is_on(task, sp))
        copy_stack(sample, (uintptr_t)task);
    else if (sp >= thread->stack.begin && sp < thread->stack.end)
        copy_stack(sample, thread->stack.end);
    else
        sample->count = 0;
}

static void on_timer(int number, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    struct weir__thread *thread = weir__thread_here;
    struct weir__samples *samples;

    (void)number, (void)info;
    if (thread == NULL)
        return;
    atomic_store(&thread->in_handler, true);
    samples = atomic_load(&thread->samples);
    if (samples != NULL) {
        uint32_t written = atomic_load_explicit(&samples->written, memory_order_relaxed);
        if (written - atomic_load_explicit(&samples->read, memory_order_acquire) == WEIR__SAMPLES_KEPT) {
            atomic_fetch_add_explicit(&samples->lost, 1, memory_order_relaxed);
        } else {
            take(thread, &samples->ring[written % WEIR__SAMPLES_KEPT], context);
            atomic_store_explicit(&samples->written, written + 1, memory_order_release);
        }
    }
    atomic_store(&thread->in_handler, false);
    errno = saved_errno;
}

/* --- the action of the signal: one for the process, with a count of its users --- */

static pthread_mutex_t catching = PTHREAD_MUTEX_INITIALIZER;
static int catchers;
static struct sigaction before;

int weir__sampling_catch(void)
{
    struct sigaction action = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    int err = 0;

    sigfillset(&action.sa_mask);
    pthread_mutex_lock(&catching);
    if (catchers == 0 && sigaction(SIGPROF, &action, &before) < 0)
        err = -errno;
    else
        catchers++;
    pthread_mutex_unlock(&catching);
    return err;
}

/* Ignores SIGPROF rather than restoring its default: a signal still on its way would end the program. */
void weir__sampling_uncatch(void)
{
    struct sigaction restored;

    pthread_mutex_lock(&catching);
    if (--catchers == 0) {
        restored = before;
        if (restored.sa_handler == SIG_DFL)
            restored.sa_handler = SIG_IGN;
        (void)sigaction(SIGPROF, &restored, NULL);
    }
    pthread_mutex_unlock(&catching);
}

/* --- one thread --- */

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid /* glibc has no name for it */
#endif

/* The kernel's number for the CPU clock of a thread; clock_getcpuclockid(3) knows only processes. */
static clockid_t cpu_clock_of(pid_t tid)
{
    return (clockid_t)(~(unsigned)tid << 3 | 6u);
}

static int begin_timer(struct weir__thread *thread, int hz)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF};
    struct itimerspec period = {.it_interval.tv_nsec = 1000000000L / hz,
                                .it_value.tv_nsec = 1000000000L / hz};

    event.sigev_notify_thread_id = thread->tid;
    if (hz == 1)
        period = (struct itimerspec){.it_interval.tv_sec = 1, .it_value.tv_sec = 1};
    if (timer_create(cpu_clock_of(thread->tid), &event, &thread->timer) < 0)
        return -errno;
    thread->has_timer = true;
    return timer_settime(thread->timer, 0, &period, NULL) < 0 ? -errno : 0;
}

int weir__sampling_begin(struct weir_profile *profile, struct weir__thread *thread)
{
    struct weir__samples *samples = calloc(1, sizeof *samples);
    int err;

    if (samples == NULL)
        return -ENOMEM;
    samples->next = atomic_load_explicit(&profile->samples, memory_order_relaxed);
    atomic_store_explicit(&profile->samples, samples, memory_order_release);
    atomic_store(&thread->samples, samples);
    err = begin_timer(thread, profile->hz);
    if (err < 0)
        weir__sampling_end(thread);
    return err;
}

void weir__sampling_end(struct weir__thread *thread)
{
    if (thread->has_timer)
        (void)timer_delete(thread->timer);
    thread->has_timer = false;
    atomic_store(&thread->samples, NULL);
    while (atomic_load(&thread->in_handler))
        sched_yield();
}
