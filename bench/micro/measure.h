/* SPDX-License-Identifier: MIT */
/* Micro-benchmarks: CPU time, best and median of many short rounds, because a shared machine only adds time.
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

/* The step: a unit to which times of the same run are compared, because machines differ, and one machine from
 * hour to hour. A multiplication and an addition, in a chain of dependent operations. */
enum { STEPS = 400000 };

static inline double step_ns(void)
{
    uint64_t value = (uint64_t)clock_ns();
    int64_t start = clock_ns();

    for (int i = 0; i < STEPS; i++) {
        value = value * UINT64_C(6364136223846793005) + 1;
        __asm__ volatile("" : "+r"(value));
    }
    return (double)(clock_ns() - start) / STEPS;
}

/* Arguments of the program: operations in a round, and one of several sizes. */
struct arguments {
    int argc;
    char **argv;
};

/* Returns the number of operations in a round: the first argument, for callgrind, otherwise n. */
static inline int64_t operations(int argc, char **argv, int64_t n)
{
    return argc > 1 ? atoll(argv[1]) : n;
}

/* Reports whether this size is to be measured: the second argument names one; without it all are. */
static inline bool is_wanted(const struct arguments *a, int size)
{
    return a->argc < 3 || atoi(a->argv[2]) == size;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Runs fn(arg, n) ROUNDS times and prints the time of one of the n operations, also in steps. */
static inline void measure(const char *what, int64_t n, void (*fn)(void *arg, int64_t n), void *arg)
{
    double ns[ROUNDS], steps[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        int64_t start;
        steps[i] = step_ns();
        start = clock_ns();
        fn(arg, n);
        ns[i] = (double)(clock_ns() - start) / (double)n;
        steps[i] = ns[i] / steps[i];
    }
    qsort(ns, ROUNDS, sizeof ns[0], by_size);
    qsort(steps, ROUNDS, sizeof steps[0], by_size);
    printf("%-40s %8.1f ns best %8.1f ns median %8.2f steps\n", what, ns[0], ns[ROUNDS / 2],
           steps[ROUNDS / 2]);
}

/* Runs fn as the first task. No benchmark here uses the kernel, so any kernel interface will do. */
static inline int run_bench(int (*fn)(void *arg), void *arg, size_t tasks_max)
{
    weir_options options = {.io = WEIR_IO_EPOLL, .tasks_max = tasks_max};
    int err = weir_run(&options, fn, arg);

    if (err < 0)
        fprintf(stderr, "%s\n", weir_error_text(err));
    return err < 0;
}

#endif
