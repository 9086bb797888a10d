/* SPDX-License-Identifier: MIT */
/* Reading all tasks of a loop from another thread: the time for a hundred thousand tasks, and the delay of
 * the loop meanwhile. */
#include <pthread.h>
#include <stdatomic.h>

#include "measure.h"

enum { CHILDREN = 9, TICKS = 2000, LOOKS = 9 };

struct bench {
    weir_runtime *runtime;
    int64_t parents;
    atomic_bool stop;
    bool stacks;
    double best_s, median_s;
    size_t count;
};

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- a hundred thousand tasks: nine in ten below a tenth --- */

static int wait_long(void *arg)
{
    (void)arg;
    return weir_sleep(weir_seconds(100000));
}

static int wait_for_children(void *arg)
{
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_after_ms(1000000), 0);
    for (int i = 0; i < CHILDREN; i++)
        weir_spawn(&scope, "call", wait_long, NULL);
    return weir_scope_close(&scope);
}

/* --- reading --- */

static void *look(void *arg)
{
    struct bench *b = arg;
    weir_tasks_options options = {.stacks = b->stacks};
    double s[LOOKS];

    for (int i = 0; i < LOOKS; i++) {
        weir_tasks *tasks;
        double start = now_s();
        if (weir_tasks_open(b->runtime, &options, &tasks) < 0)
            abort();
        s[i] = now_s() - start;
        b->count = weir_tasks_count(tasks);
        weir_tasks_close(tasks);
    }
    qsort(s, LOOKS, sizeof s[0], by_size);
    b->best_s = s[0];
    b->median_s = s[LOOKS / 2];
    atomic_store(&b->stop, true);
    return NULL;
}

/* --- the loop meanwhile --- */

struct lateness {
    double us[TICKS];
    int count;
};

/* A timer every millisecond, until stopped; measures its delay. */
static void tick(struct bench *b, struct lateness *l)
{
    while (!atomic_load(&b->stop) && l->count < TICKS) {
        weir_instant due = weir_after_ms(1);
        if (weir_sleep_until(due) < 0)
            return;
        l->us[l->count++] = (double)weir_between(due, weir_now()).ns / 1e3;
    }
    qsort(l->us, (size_t)l->count, sizeof l->us[0], by_size);
}

static void print_lateness(const char *what, const struct lateness *l)
{
    printf("%-40s %8.0f us p50  %8.0f us p99  %8.0f us max, of %d\n", what, l->us[l->count / 2],
           l->us[l->count * 99 / 100], l->us[l->count - 1], l->count);
}

static void look_beside(struct bench *b, const char *what, bool stacks)
{
    static struct lateness l;
    char text[64];
    pthread_t thread;

    l.count = 0;
    b->stacks = stacks;
    atomic_store(&b->stop, false);
    pthread_create(&thread, NULL, look, b);
    tick(b, &l);
    pthread_join(thread, NULL);
    snprintf(text, sizeof text, "%zu tasks%s", b->count, what);
    printf("%-40s %8.1f ms best %8.1f ms median\n", text, b->best_s * 1e3, b->median_s * 1e3);
    print_lateness("  a timer of the loop meanwhile, late by", &l);
}

static int run(void *arg)
{
    static struct lateness alone;
    struct bench *b = arg;
    weir_scope scope;

    b->runtime = weir_runtime_here();
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int64_t i = 0; i < b->parents; i++)
        weir_spawn(&scope, "parent", wait_for_children, NULL);
    for (int i = 0; i < 100; i++)
        (void)weir_sleep(weir_ms(1));
    tick(b, &alone);
    print_lateness("a timer of the loop, alone, late by", &alone);
    look_beside(b, "", false);
    look_beside(b, ", with stacks", true);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    return 0;
}

int main(int argc, char **argv)
{
    struct bench b = {.parents = operations(argc, argv, 100000) / (CHILDREN + 1)};

    return run_bench(run, &b, 0);
}
