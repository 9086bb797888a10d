/* SPDX-License-Identifier: MIT */
/* The stack of a running task, for readers of the task tree. */
#include <string.h>

#include "core/task.h"
#include "watch/watch.h"
#include "watch/watch_inside.h"

enum { TRIES = 40 }; /* so many chances a thread has to get the CPU */

static bool runs_there(const struct weir__loop *loop, const struct weir__task *task, uint64_t id)
{
    return atomic_load_explicit(&loop->running, memory_order_acquire) == task &&
           atomic_load_explicit(&task->id, memory_order_acquire) == id;
}

bool weir__watch_stack(struct weir_runtime *runtime, int loop, const struct weir__task *task, uint64_t id,
                       struct weir__registers *registers, struct weir__stack_copy *copy, char *bytes,
                       size_t room)
{
    struct weir__watch *w = runtime->watch;
    struct weir__watched *x = w != NULL && !weir__watch_here ? weir__watch_hold(w, loop) : NULL;
    bool taken = false;

    if (x == NULL)
        return false;
    for (int i = 0; i < TRIES && !taken && runs_there(x->loop, task, id); i++) {
        if (i > 0)
            weir__watch_pause();
        taken = weir__watch_probe_task(w, x, task, registers);
    }
    weir__capture_cancel(
        &x->capture); /* so that a late answer to this call is not taken for one to the watch */
    taken = taken && runs_there(x->loop, task, id);
    if (taken) {
        *copy = (struct weir__stack_copy){.bytes = bytes, .low = x->capture.low, .count = x->capture.count};
        copy->count = copy->count < room ? copy->count : room;
        memcpy(bytes, x->capture.stack, copy->count);
    }
    weir__watch_release(x);
    return taken;
}
