/* SPDX-License-Identifier: MIT */
/* One switch from task to task: a number of tasks that yield in turn. */
#include "measure.h"

struct bench {
    int tasks;
    bool stop;
};

static int yield_on(void *arg)
{
    struct bench *b = arg;

    while (!b->stop)
        (void)weir_yield();
    return 0;
}

/* For each yield of this task, every other task yields once. */
static void switches(void *arg, int64_t n)
{
    struct bench *b = arg;

    for (int64_t i = 0; i < n; i += b->tasks)
        (void)weir_yield();
}

static int run(void *arg)
{
    static const int counts[] = {2, 64, 1000, 10000};
    const struct arguments *a = arg;
    int64_t n = operations(a->argc, a->argv, 200000);

    for (int i = 0; i < 4; i++) {
        struct bench b = {.tasks = counts[i]};
        weir_scope scope;
        char what[64];
        if (!is_wanted(a, b.tasks))
            continue;
        weir_scope_open(&scope, weir_never(), 0);
        for (int k = 1; k < b.tasks; k++)
            weir_spawn(&scope, "yielder", yield_on, &b);
        (void)weir_yield();
        snprintf(what, sizeof what, "switch among %d tasks", counts[i]);
        measure(what, n, switches, &b);
        b.stop = true;
        (void)weir_scope_close(&scope);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct arguments a = {argc, argv};

    return run_bench(run, &a, 0);
}
