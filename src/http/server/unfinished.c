/* SPDX-License-Identifier: MIT */
#include "http/server/unfinished.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <weir/inspect.h>

#include "core/lock.h"

enum { LOOKING_MS = 300, NAMED_MAX = 5, TASKS_MAX = 10000 };

static void add(struct weir__unfinished *u, const weir_task_info *task)
{
    size_t at = strlen(u->text);

    if (u->count++ >= NAMED_MAX)
        return;
    (void)snprintf(u->text + at, sizeof u->text - at, "%s%s (%s)", at > 0 ? ", " : "", task->name,
                   task->state == WEIR_TASK_RUNNING ? "running"
                   : task->waits_for != NULL        ? task->waits_for
                                                    : "ready");
}

static void *look(void *arg)
{
    const weir_tasks_options options = {.tasks_max = TASKS_MAX};
    struct weir__unfinished *u = arg;
    weir_tasks *tasks = NULL;

    if (weir_tasks_open(u->runtime, &options, &tasks) == 0)
        for (size_t i = 0; i < weir_tasks_count(tasks); i++) {
            const weir_task_info *task = weir_tasks_at(tasks, i);
            if (task->route !=
                NULL) /* a task without a route is the server's own, and waits for the others */
                add(u, task);
        }
    weir_tasks_close(tasks);
    atomic_store(&u->ready, 1);
    weir__futex_wake(&u->ready);
    return NULL;
}

/* Looking takes locks and memory, which a held thread may have: so another thread looks. */
bool weir__unfinished_find(weir_runtime *runtime, struct weir__unfinished *u)
{
    const struct timespec most = {.tv_nsec = LOOKING_MS * 1000000L};
    pthread_t thread;

    u->runtime = runtime;
    if (pthread_create(&thread, NULL, look, u) != 0)
        return false;
    (void)pthread_detach(thread);
    weir__futex_wait(&u->ready, 0, &most);
    return atomic_load(&u->ready) != 0;
}
