/* SPDX-License-Identifier: MIT */
/* Reads the tasks of the test's own runtime. */
#ifndef TEST_SUPPORT_TREE_H
#define TEST_SUPPORT_TREE_H

#include <string.h>

#include "support/run.h"

struct tree_look {
    const weir_tasks_options *options;
    weir_runtime *runtime;
    weir_tasks *tasks;
};

static inline bool tree_runs(const weir_tasks *tasks)
{
    for (size_t i = 0; i < weir_tasks_count(tasks); i++)
        if (weir_tasks_at(tasks, i)->state == WEIR_TASK_RUNNING)
            return true;
    return false;
}

/* A worker may be faster than the task that waits for it. */
static inline int tree_job(weir_job *job, void *arg)
{
    struct tree_look *look = arg;
    int err;

    (void)job;
    while ((err = weir_tasks_open(look->runtime, look->options, &look->tasks)) == 0 && tree_runs(look->tasks))
        weir_tasks_close(look->tasks);
    return err;
}

/* Called by a task; a worker reads the tasks, at a moment at which no task runs. */
static inline weir_tasks *look_at_tasks(const weir_tasks_options *options)
{
    struct tree_look look = {.options = options, .runtime = weir_runtime_here()};

    assert_int_equal(weir_offload(weir_pool_blocking(), "look", tree_job, &look), 0);
    assert_non_null(look.tasks);
    return look.tasks;
}

/* Finds the first task with this name. Returns: NULL if there is none. */
static inline const weir_task_info *task_named(const weir_tasks *tasks, const char *name)
{
    for (size_t i = 0; i < weir_tasks_count(tasks); i++)
        if (strcmp(weir_tasks_at(tasks, i)->name, name) == 0)
            return weir_tasks_at(tasks, i);
    return NULL;
}

/* Returns what the task with this name waits for; "" if it does not wait. */
static inline const char *wait_of(const weir_tasks *tasks, const char *name)
{
    const weir_task_info *info = task_named(tasks, name);

    if (info == NULL)
        fail_msg("there is no task \"%s\"", name);
    return info != NULL && info->waits_for != NULL ? info->waits_for : "";
}

#endif
