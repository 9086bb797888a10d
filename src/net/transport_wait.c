/* SPDX-License-Identifier: MIT */
#include "net/transport_wait.h"

#include <errno.h>
#include <string.h>

#include "core/scope.h"
#include "core/task.h"
#include "core/wait.h"

static void ended(struct weir__io_op *op)
{
    weir__wake(weir__container_of(op, struct weir__transport_wait, op)->task, op->result);
}

static void cancel(struct weir__task *task)
{
    struct weir__transport_wait *w = task->wait_arg;

    w->cancelled = true;
    w->transport->type->cancel(w->transport, &w->op);
}

int weir__transport_wait(struct weir__transport_wait *w, const struct weir__wait_class *wait_class)
{
    int result = weir__wait_begin();

    if (result < 0)
        return result;
    if (w->stopped)
        return -WEIR_ECLOSED;
    w->task = weir__task_current();
    w->cancelled = false;
    w->op.done = ended;
    result =
        w->transport->type->submit(w->transport, &w->op) ? w->op.result : weir__park(wait_class, cancel, w);
    if (result != -ECANCELED)
        return result;
    return w->cancelled ? w->task->scope->cause : -WEIR_ECLOSED;
}

void weir__transport_wait_stop(struct weir__transport_wait *w)
{
    w->stopped = true;
    if (w->task != NULL)
        w->transport->type->cancel(w->transport, &w->op);
}

static const struct weir__wait_class closing = {"closing", NULL, .charge = WEIR_CHARGE_OTHER};

void weir__transport_wait_close(struct weir__transport *t)
{
    struct weir__transport_wait w;

    memset(&w, 0, sizeof w);
    w.transport = t;
    w.task = weir__task_current();
    w.op.done = ended;
    if (!t->type->close(t, &w.op))
        (void)weir__park(&closing, NULL, &w);
}
