/* One switch from task to task: a number of tasks that yield in turn. */
#include "measure.h"

struct bench {
    int64_t n;
    int tasks;
};

static int yield_often(void *arg)
{
    int64_t n = *(int64_t *)arg;

    for (int64_t i = 0; i < n; i++)
        (void)weir_yield();
    return 0;
}

static void switches(void *arg, int64_t n)
{
    struct bench *b = arg;
    int64_t each = n / b->tasks;
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < b->tasks; i++)
        weir_spawn(&scope, "yielder", yield_often, &each);
    (void)weir_scope_close(&scope);
}

static int run(void *arg)
{
    static const int counts[] = {64, 1000, 10000};
    int64_t n = *(int64_t *)arg;

    for (int i = 0; i < 3; i++) {
        struct bench b = {.tasks = counts[i]};
        char what[64];
        snprintf(what, sizeof what, "switch among %d tasks", counts[i]);
        measure(what, n, switches, &b);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int64_t n = operations(argc, argv, 2000000);

    return run_bench(run, &n, 0);
}
