/* SPDX-License-Identifier: MIT */
#include "core/deadlock_report.h"

#include <weir/log.h>

#include "core/loop.h"
#include "core/scope.h"
#include "core/task.h"
#include "core/wait.h"

enum { TASKS_SHOWN = 100 };

struct report {
    size_t tasks;
};

static void report_task(struct report *r, struct weir__task *task, int depth)
{
    if (task->state != WEIR__TASK_PARKED || r->tasks++ >= TASKS_SHOWN)
        return;
    weir_log(WEIR_LOG_ERROR, "a task waits for something that cannot happen", WEIR_KV("task", task->name),
             WEIR_KV("waits_for", task->wait->words), WEIR_KV_INT("id", weir__task_id(task)),
             WEIR_KV_INT("depth", depth));
}

static void report_scope(struct report *r, const struct weir__scope *s, int depth)
{
    weir__list_each (node, &s->tasks)
        report_task(r, weir__container_of(node, struct weir__task, sibling), depth);
    weir__list_each (node, &s->children) {
        const struct weir__scope *child = weir__container_of(node, struct weir__scope, sibling);
        report_scope(r, child, child->id != 0 ? depth + 1 : depth);
    }
}

void weir__deadlock_report(struct weir__loop *loop)
{
    struct report r = {0};

    report_scope(&r, loop->root, 0);
    if (r.tasks > TASKS_SHOWN)
        weir_log(WEIR_LOG_ERROR, "further tasks wait", WEIR_KV_INT("not_shown", r.tasks - TASKS_SHOWN));
}
