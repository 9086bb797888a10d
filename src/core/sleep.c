/* SPDX-License-Identifier: MIT */
/* Sleeping: the wait of a task for an instant. */
#include <weir/task.h>

#include <stdio.h>

#include <weir/time.h>

#include "core/loop.h"
#include "core/misuse.h"
#include "core/task.h"
#include "core/wait.h"

struct sleeper {
    struct weir__timeout timeout;
    struct weir__task *task;
};

static void sleep_ends(struct weir__timeout *timeout)
{
    weir__wake(weir__container_of(timeout, struct sleeper, timeout)->task, 0);
}

/* The timer goes first: it may have expired in the same turn and be about to fire. */
static void sleep_cancelled(struct weir__task *task)
{
    struct sleeper *sleeper = task->wait_arg;

    weir__timeout_cancel(task->loop, &sleeper->timeout);
    weir__wake_cancelled(task);
}

static bool describe_sleep(const struct weir__look *look, const struct weir__task *task,
                           struct weir__wait_words *out)
{
    const struct sleeper *there = task->wait_arg;
    struct sleeper sleeper;
    int64_t left_ms;

    if (!weir__peek(&look->peek, there, &sleeper, sizeof sleeper))
        return false;
    left_ms = (sleeper.timeout.timer.expires_ns - look->now_ns) / 1000000;
    if (left_ms < 0)
        left_ms = 0;
    if (sleeper.timeout.timer.node.next == &there->timeout.timer.node) /* the timer is in no list */
        (void)snprintf(out->text, sizeof out->text, "sleeping for ever");
    else if (left_ms < 1000)
        (void)snprintf(out->text, sizeof out->text, "sleeping for another %d ms", (int)left_ms);
    else
        (void)snprintf(out->text, sizeof out->text, "sleeping for another %lld.%d s",
                       (long long)left_ms / 1000, (int)(left_ms / 100 % 10));
    return true;
}

static const struct weir__wait_class sleeping = {"sleeping", describe_sleep, .charge = WEIR_CHARGE_TIMER};

/* Inlined, so that the public function is on the stack; inspect_names.c leaves this name out. */
static inline __attribute__((always_inline)) int weir__sleep_until(struct weir__task *self,
                                                                   weir_instant until)
{
    struct sleeper sleeper = {.task = self};
    int err = weir__wait_begin_of(self);

    if (err < 0)
        return err;
    if (until.ns <= weir_now().ns)
        return 0;
    weir__timeout_init(&sleeper.timeout, sleep_ends);
    if (!weir_is_never(until))
        weir__timeout_set(self->loop, &sleeper.timeout, until.ns);
    return weir__park(&sleeping, sleep_cancelled, &sleeper);
}

int weir_sleep_until(weir_instant until)
{
    return weir__sleep_until(weir__calling_task(__func__), until);
}

int weir_sleep(weir_duration d)
{
    return weir__sleep_until(weir__calling_task(__func__), weir_after(d));
}
