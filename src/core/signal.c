/* SPDX-License-Identifier: MIT */
/* A signal is the process's, not a loop's: which signal is caught for whom is state outside a runtime. */
#include "core/signal.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <weir/runtime.h>

#include "base/clock.h"
#include "core/lock.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "core/task.h"
#include "core/wait.h"

enum { SIGNAL_MAX = 64 };

static _Atomic(struct weir__loop *) catching_loop[SIGNAL_MAX + 1];
static _Atomic(struct weir_signals *) catching[SIGNAL_MAX + 1];
static struct sigaction before[SIGNAL_MAX + 1];
static atomic_uint_fast64_t pending;
static atomic_int handlers; /* handlers that run now, on any thread */

/* Of the one thread that waits for signals, see signal.h. */
static atomic_bool has_thread;
static uint64_t thread_numbers;
static atomic_int thread_events;               /* counts signals and nudges: the futex the thread sleeps on */
static atomic_uint times_came[SIGNAL_MAX + 1]; /* how often each came */
static unsigned times_returned[SIGNAL_MAX + 1]; /* how often each was returned */

struct signals {
    struct weir__loop *loop; /* NULL once closed */
    struct weir__task *waiter;
    uint64_t numbers;
};

static struct signals *inside(weir_signals *s)
{
    _Static_assert(sizeof(struct signals) <= sizeof(weir_signals), "weir_signals is too small");
    return (struct signals *)(void *)s;
}

static uint64_t bit(int number)
{
    return UINT64_C(1) << (number - 1);
}

static void caught(int number)
{
    int saved_errno = errno;
    struct weir__loop *loop;

    atomic_fetch_add(&handlers, 1);
    loop = atomic_load(&catching_loop[number]);
    if (loop != NULL) {
        atomic_fetch_or(&pending, bit(number));
        weir__io_wake(loop->io);
    } else { /* for the thread */
        atomic_fetch_add(&times_came[number], 1);
        atomic_fetch_add(&thread_events, 1);
        weir__futex_wake(&thread_events);
    }
    atomic_fetch_sub(&handlers, 1);
    errno = saved_errno;
}

/* Waits for handlers on other threads, which may have read the loop before it was forgotten: the loop may be
 * freed after the close. They take microseconds. */
static void await_handlers(void)
{
    while (atomic_load(&handlers) != 0)
        (void)sched_yield();
}

static void restore(uint64_t numbers)
{
    for (int n = 1; n <= SIGNAL_MAX; n++) {
        if ((numbers & bit(n)) == 0)
            continue;
        (void)sigaction(n, &before[n], NULL);
        atomic_store(&catching_loop[n], NULL);
        atomic_store(&catching[n], NULL);
        atomic_fetch_and(&pending, ~bit(n));
    }
    await_handlers();
}

/* Catches one signal. loop: NULL: for the thread. */
static int catch_one(void *owner, uint64_t *numbers, int number, struct weir__loop *loop)
{
    struct sigaction action = {.sa_handler = caught, .sa_flags = SA_RESTART | SA_ONSTACK};
    struct weir_signals *free_entry = NULL;

    if (number < 1 || number > SIGNAL_MAX || number == SIGKILL || number == SIGSTOP || number == SIGSEGV)
        return -EINVAL;
    if (!atomic_compare_exchange_strong(&catching[number], &free_entry, owner))
        return -EBUSY;
    atomic_store(&catching_loop[number], loop);
    sigfillset(&action.sa_mask);
    if (sigaction(number, &action, &before[number]) < 0) {
        int err = -errno;
        atomic_store(&catching_loop[number], NULL);
        atomic_store(&catching[number], NULL);
        return err;
    }
    *numbers |= bit(number);
    return 0;
}

int weir_signals_open(weir_signals *signals, const int *numbers, size_t count)
{
    struct weir__loop *loop = weir__calling_task(__func__)->loop;

    *inside(signals) = (struct signals){0};
    for (size_t i = 0; i < count; i++) {
        int err = catch_one(signals, &inside(signals)->numbers, numbers[i], loop);
        if (err < 0) {
            restore(inside(signals)->numbers);
            return err;
        }
    }
    inside(signals)->loop = loop;
    return 0;
}

void weir_signals_close(weir_signals *signals)
{
    struct signals *s = inside(signals);

    weir__check_loop(s->loop, __func__, "a weir_signals");
    if (s->waiter != NULL)
        weir__misuse(__func__, "while a task waits for its signals",
                     "cancel and close the scope of that task first");
    restore(s->numbers);
    s->loop = NULL;
}

static void stop_waiting(struct weir__task *task)
{
    struct signals *s = task->wait_arg;

    s->waiter = NULL; /* a signal that comes before the task runs again must not wake it twice */
    weir__wake_cancelled(task);
}

static bool describe_signals(const struct weir__look *look, const struct weir__task *task,
                             struct weir__wait_words *out)
{
    struct signals s;
    size_t at = 0;

    if (!weir__peek(&look->peek, task->wait_arg, &s, sizeof s))
        return false;
    for (uint64_t left = s.numbers; left != 0 && at < sizeof out->text; left &= left - 1) {
        const char *name = sigabbrev_np(__builtin_ctzll(left) + 1);
        at += (size_t)snprintf(out->text + at, sizeof out->text - at, "%sSIG%s", at > 0 ? " or " : "",
                               name != NULL ? name : "?");
    }
    return at > 0;
}

static const struct weir__wait_class a_signal = {"a signal", describe_signals, .charge = WEIR_CHARGE_OTHER};

int weir_signals_wait(weir_signals *signals)
{
    struct weir__task *self = weir__calling_task(__func__);
    struct signals *s = inside(signals);
    int err;

    weir__check_loop(s->loop, __func__, "a weir_signals");
    if (s->waiter != NULL)
        weir__misuse(__func__, "while another task waits for the same signals",
                     "open a weir_signals for each task that waits, or pass the signal on by a channel");
    err = weir__wait_begin_of(self);
    while (err == 0) {
        uint64_t here = atomic_load(&pending) & s->numbers;
        if (here != 0) {
            int number = __builtin_ctzll(here) + 1;
            atomic_fetch_and(&pending, ~bit(number));
            return number;
        }
        s->waiter = self;
        err = weir__park(&a_signal, stop_waiting, s);
    }
    return err;
}

void weir__signals_deliver(struct weir__loop *loop)
{
    uint64_t here = atomic_load_explicit(&pending, memory_order_relaxed);

    for (; here != 0; here &= here - 1) {
        int number = __builtin_ctzll(here) + 1;
        struct weir_signals *s = atomic_load(&catching[number]);
        if (s != NULL && atomic_load(&catching_loop[number]) == loop && inside(s)->waiter != NULL) {
            struct weir__task *waiter = inside(s)->waiter;
            inside(s)->waiter = NULL;
            weir__wake(waiter, 0);
        }
    }
}

/* --- heard by a thread --- */

int weir__thread_signals_begin(const int *numbers, size_t count)
{
    int err = 0;

    if (atomic_exchange(&has_thread, true))
        return -EBUSY;
    thread_numbers = 0;
    for (size_t i = 0; err == 0 && i < count; i++) {
        err = catch_one(&thread_events, &thread_numbers, numbers[i], NULL);
        if (err == 0)
            times_returned[numbers[i]] = atomic_load(&times_came[numbers[i]]);
    }
    if (err < 0)
        weir__thread_signals_end();
    return err;
}

static int next_of_thread(void)
{
    for (uint64_t left = thread_numbers; left != 0; left &= left - 1) {
        int number = __builtin_ctzll(left) + 1;
        if (times_returned[number] == atomic_load(&times_came[number]))
            continue;
        times_returned[number]++;
        return number;
    }
    return 0;
}

int weir__thread_signals_wait(int64_t until_ns)
{
    int before_look = atomic_load(&thread_events);
    int number = next_of_thread();
    int64_t left_ns;

    while (number == 0 && atomic_load(&thread_events) == before_look &&
           (left_ns = until_ns - weir__clock_monotonic_ns()) > 0) {
        struct timespec most = {.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};
        weir__futex_wait(&thread_events, before_look, until_ns == INT64_MAX ? NULL : &most);
        number = next_of_thread();
    }
    return number;
}

void weir__thread_signals_nudge(void)
{
    atomic_fetch_add(&thread_events, 1);
    weir__futex_wake(&thread_events);
}

void weir__thread_signals_end(void)
{
    restore(thread_numbers);
    thread_numbers = 0;
    atomic_store(&has_thread, false);
}
