/* SPDX-License-Identifier: MIT */
#include "core/wait_io.h"

#include <errno.h>
#include <string.h>

#include <weir/error.h>

#include "core/loop.h"
#include "core/scope.h"
#include "core/task.h"
#include "core/wait.h"

static void ended(struct weir__io_op *op)
{
    struct weir__io_wait *w = weir__container_of(op, struct weir__io_wait, op);

    w->closing = op->file->closing;
    weir__wake(w->task, op->result);
}

static void cancel(struct weir__task *task)
{
    struct weir__io_wait *w = task->wait_arg;

    w->cancelled = true;
    weir__io_cancel(task->loop->io, &w->op);
}

int weir__io_wait(struct weir__io_wait *w, const struct weir__wait_class *kind)
{
    int result = weir__wait_begin();

    if (result < 0)
        return result;
    if (w->stopped)
        return -WEIR_ECLOSED;
    w->task = weir__task_current();
    w->cancelled = false;
    w->op.done = ended;
    if (weir__io_submit(w->task->loop->io, &w->op)) {
        w->closing = w->op.file->closing;
        result = w->op.result;
    } else {
        result = weir__park(kind, cancel, w);
    }
    if (result != -ECANCELED)
        return result;
    return w->closing || !w->cancelled ? -WEIR_ECLOSED : w->task->scope->cause;
}

void weir__io_wait_stop(struct weir__io_wait *w)
{
    w->stopped = true;
    if (w->task != NULL)
        weir__io_cancel(w->task->loop->io, &w->op);
}

static const struct weir__wait_class closing = {"closing", NULL, .charge = WEIR_CHARGE_OTHER};

void weir__io_wait_close(struct weir__io_file *file)
{
    struct weir__io_wait w;

    memset(&w, 0, sizeof w);
    w.task = weir__task_current();
    w.op.done = ended;
    w.op.type = WEIR__IO_CLOSE;
    w.op.file = file;
    if (!weir__io_close_file(w.task->loop->io, file, &w.op))
        (void)weir__park(&closing, NULL, &w);
}
