/* SPDX-License-Identifier: MIT */
/* Measuring in the small: CPU time, best and median of many short rounds, because a shared machine only adds.
 */
#ifndef BENCH_MICRO_MEASURE_H
#define BENCH_MICRO_MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <weir.h>

enum { ROUNDS = 51 };

static inline int64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* How many operations a round has: the first argument, for callgrind, or else n. */
static inline int64_t operations(int argc, char **argv, int64_t n)
{
    return argc > 1 ? atoll(argv[1]) : n;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Runs fn(arg, n) ROUNDS times and prints what one of the n operations took. */
static inline void measure(const char *what, int64_t n, void (*fn)(void *arg, int64_t n), void *arg)
{
    double ns[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        int64_t start = clock_ns();
        fn(arg, n);
        ns[i] = (double)(clock_ns() - start) / (double)n;
    }
    qsort(ns, ROUNDS, sizeof ns[0], by_size);
    printf("%-40s %8.1f ns best %8.1f ns median\n", what, ns[0], ns[ROUNDS / 2]);
}

/* Runs fn as the first task; the kernel has no part in any of this, so any of its interfaces will do. */
static inline int run_bench(int (*fn)(void *arg), void *arg, size_t tasks_max)
{
    weir_options options = {.io = WEIR_IO_EPOLL, .tasks_max = tasks_max};
    int err = weir_run(&options, fn, arg);

    if (err < 0)
        fprintf(stderr, "%s\n", weir_error_text(err));
    return err < 0;
}

#endif
