/* SPDX-License-Identifier: MIT */
#include "core/loop.h"

#include <time.h>

#include <weir/time.h>

#include "base/clock.h"

__thread struct weir__loop *weir__loop_here __attribute__((tls_model("initial-exec"), visibility("hidden")));

void weir__loop_set_current(struct weir__loop *loop)
{
    weir__loop_here = loop;
}

weir_instant weir_now(void)
{
    return (weir_instant){weir__loop_here != NULL ? weir__io_now_ns(weir__loop_here->io)
                                                  : weir__clock_monotonic_ns()};
}

void weir__loop_post(struct weir__loop *loop, struct weir__message *message)
{
    struct weir__message *head = atomic_load_explicit(&loop->mailbox, memory_order_relaxed);

    do
        message->next = head;
    while (!atomic_compare_exchange_weak_explicit(&loop->mailbox, &head, message, memory_order_release,
                                                  memory_order_relaxed));
    /* Whoever finds the box empty wakes; the others' messages are found on the same visit. */
    if (head == NULL)
        weir__io_wake(loop->io);
}

int64_t weir__loop_cpu_ns(const struct weir__loop *loop)
{
    struct timespec t;

    if (clock_gettime(loop->cpu_clock, &t) < 0) /* the loop's thread has ended */
        return loop->opened_cpu_ns;
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}
