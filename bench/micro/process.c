/* SPDX-License-Identifier: MIT */
/* A process from its start to its end, beside posix_spawn(3) of the same program in the same run; and how
 * long the start takes from the loop. Wall time, in alternating rounds. */
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

enum { STARTS = 20 };

static const char *const argv[] = {"/bin/true", NULL};

static int64_t wall_ns(void)
{
    return weir_now().ns;
}

static double with_spawn(void)
{
    int64_t start = wall_ns();
    int status;
    pid_t pid;

    for (int i = 0; i < STARTS; i++)
        if (posix_spawn(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ) != 0 ||
            waitpid(pid, &status, 0) < 0)
            abort();
    return (double)(wall_ns() - start) / STARTS;
}

/* Returns: the time of one process; *held_ns: what the loop's thread itself spent on it. */
static double with_weir(enum weir_process_output output, double *held_ns)
{
    weir_process_options options = {.argv = argv, .output = output};
    int64_t start = wall_ns(), used_ns = clock_ns();
    weir_process *process;
    weir_scope scope;

    for (int i = 0; i < STARTS; i++) {
        weir_scope_open(&scope, weir_never(), 0);
        if (weir_process_start(&scope, &options, &process) < 0 || weir_process_wait(process, NULL) < 0)
            abort();
        (void)weir_scope_close(&scope);
    }
    *held_ns = (double)(clock_ns() - used_ns) / STARTS;
    return (double)(wall_ns() - start) / STARTS;
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_size);
    return values[ROUNDS / 2];
}

static void print(const char *what, double ns, double peer_ns)
{
    printf("%-40s %8.0f us %8.2f of it\n", what, ns / 1e3, ns / peer_ns);
}

static int bench(void *arg)
{
    static double spawned[ROUNDS], plain[ROUNDS], lines[ROUNDS], held[ROUNDS], unused;
    double peer;

    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 2 == 0) /* what follows posix_spawn() is scheduled later on a busy machine */
            plain[i] = with_weir(WEIR_PROCESS_NULL, &held[i]);
        lines[i] = with_weir(WEIR_PROCESS_LINES, &unused);
        if (i % 2 == 1)
            plain[i] = with_weir(WEIR_PROCESS_NULL, &held[i]);
        spawned[i] = with_spawn();
    }
    peer = median(spawned);
    printf("%-40s %8.0f us\n", "posix_spawn() and waitpid()", peer / 1e3);
    print("a weir_process", median(plain), peer);
    print("a weir_process with lines", median(lines), peer);
    print("CPU time of the loop for one", median(held), peer);
    return 0;
}

int main(void)
{
    weir_options options = {.stall_after = weir_ms(-1)}; /* the peer holds the loop */

    return weir_run(&options, bench, NULL) < 0;
}
