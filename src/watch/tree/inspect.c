/* SPDX-License-Identifier: MIT */
/* The public functions of the task tree. */
#include <errno.h>
#include <stdlib.h>

#include "base/reserved.h"
#include "watch/tree/inspect_inside.h"

static int take_all(weir_runtime *runtime, const weir_tasks_options *o, weir_tasks *tasks)
{
    int err = weir__inspect_walk(runtime, o->stacks, tasks);

    if (err == 0)
        err = weir__inspect_rank(tasks);
    if (err < 0)
        return err;
    weir__inspect_filter(tasks, o->filter);
    return weir__inspect_order(tasks, o->tasks_max);
}

int weir_tasks_open(weir_runtime *runtime, const weir_tasks_options *options, weir_tasks **out)
{
    weir_tasks_options o = options != NULL ? *options : (weir_tasks_options){0};
    weir_tasks *tasks;
    int err;

    *out = NULL;
    if (!weir__reserved_is_zero(o.reserved, sizeof o.reserved))
        return -EINVAL;
    tasks = calloc(1, sizeof *tasks);
    err = tasks != NULL ? take_all(runtime, &o, tasks) : -ENOMEM;
    if (err < 0) {
        weir_tasks_close(tasks);
        tasks = NULL;
    }
    *out = tasks;
    return err;
}

size_t weir_tasks_count(const weir_tasks *tasks)
{
    return tasks->given;
}

int weir_tasks_loop_count(const weir_tasks *tasks)
{
    return tasks->loop_count;
}

size_t weir_tasks_on_loop(const weir_tasks *tasks, int loop)
{
    return loop >= 0 && loop < tasks->loop_count ? tasks->on_loop[loop] : 0;
}

bool weir_tasks_are_truncated(const weir_tasks *tasks)
{
    return tasks->is_cut;
}

const weir_task_info *weir_tasks_at(const weir_tasks *tasks, size_t i)
{
    return i < tasks->given ? &tasks->seen[tasks->order[i]].info : NULL;
}

void weir_tasks_close(weir_tasks *tasks)
{
    if (tasks == NULL)
        return;
    weir__intern_free(&tasks->texts);
    free(tasks->seen);
    free(tasks->order);
    free(tasks->on_loop);
    free(tasks);
}
