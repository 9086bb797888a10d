/* SPDX-License-Identifier: MIT */
/* The memory of a parked task, page tables included. */
#include <string.h>

#include "measure.h"

static int park(void *arg)
{
    return weir_event_wait(arg);
}

/* Reads a line of /proc/self/status, in bytes. */
static int64_t status_bytes(const char *key)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];

    long long kib = 0;

    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            kib = atoll(line + strlen(key));
    fclose(f);
    return kib * 1024;
}

static int run(void *arg)
{
    int64_t n = *(int64_t *)arg;
    int64_t made = 0;
    int64_t resident = status_bytes("VmRSS:"), tables = status_bytes("VmPTE:");
    int64_t start = clock_ns();
    weir_event event;
    weir_scope scope;

    weir_event_init(&event);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    while (made < n && weir_spawn(&scope, "parked", park, &event) == 0)
        if (++made % 1000 == 0)
            (void)weir_yield();
    (void)weir_yield();
    (void)weir_yield();
    printf("%lld parked tasks in %.1f s: %.0f bytes each resident, %.0f in page tables\n", (long long)made,
           (double)(clock_ns() - start) / 1e9, (double)(status_bytes("VmRSS:") - resident) / (double)made,
           (double)(status_bytes("VmPTE:") - tables) / (double)made);
    if (made < n)
        printf("no more can be had: the limit of tasks, of memory, or vm.max_map_count\n");
    weir_event_set(&event);
    (void)weir_scope_close(&scope);
    return 0;
}

int main(int argc, char **argv)
{
    int64_t n = operations(argc, argv, 100000);

    return run_bench(run, &n, (size_t)n + 1);
}
