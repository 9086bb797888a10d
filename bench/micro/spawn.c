/* SPDX-License-Identifier: MIT */
/* Spawn, run and end of a task, and the scope around it. */
#include "measure.h"

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

/* Spawns a batch at a time, so that few stacks are in use and stay in the cache. */
static void spawns(void *arg, int64_t n)
{
    int64_t batch = *(int *)arg;

    for (int64_t i = 0; i < n; i += batch) {
        weir_scope scope;
        weir_scope_open(&scope, weir_never(), 0);
        for (int64_t k = 0; k < batch; k++)
            weir_spawn(&scope, "nothing", nothing, NULL);
        (void)weir_scope_close(&scope);
    }
}

static int run(void *arg)
{
    static const int batches[] = {1, 8, 64};
    const struct arguments *a = arg;
    int64_t n = operations(a->argc, a->argv, 50000);

    for (int i = 0; i < 3; i++) {
        int batch = batches[i];
        char what[64];
        if (!is_wanted(a, batch))
            continue;
        snprintf(what, sizeof what, "spawn + finish, scopes of %d", batch);
        measure(what, n, spawns, &batch);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct arguments a = {argc, argv};

    return run_bench(run, &a, 0);
}
