/* SPDX-License-Identifier: MIT */
/* The round trip of an empty job, from a task to a worker and back, and libuv's where that is installed. Both
 * sides on one core, then on two; wall time, because both sides count. Rounds alternate. */
#include <sched.h>
#include <stdbool.h>
#include <string.h>

#include "measure.h"

#ifdef WITH_LIBUV
#include <uv.h>
#endif

enum { TURNS = 31 };

static int64_t wall_ns(void)
{
    return weir_now().ns;
}

static void stay_on(unsigned cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        perror("sched_setaffinity");
}

static int move(weir_job *job, void *cpu)
{
    (void)job;
    stay_on(*(unsigned *)cpu);
    return 0;
}

static int nothing(weir_job *job, void *arg)
{
    (void)job, (void)arg;
    return 0;
}

static double with_weir(int64_t n)
{
    weir_pool *pool = weir_pool_compute();
    int64_t start = wall_ns();

    for (int64_t i = 0; i < n; i++)
        if (weir_offload(pool, "nothing", nothing, NULL) < 0)
            abort();
    return (double)(wall_ns() - start) / (double)n;
}

#ifdef WITH_LIBUV
struct peer {
    uv_loop_t loop;
    uv_work_t work;
    int64_t left;
    unsigned cpu;
};

static void uv_nothing(uv_work_t *work)
{
    (void)work;
}

static void uv_move(uv_work_t *work)
{
    stay_on(((struct peer *)work->data)->cpu);
}

static void uv_after(uv_work_t *work, int status)
{
    struct peer *p = work->data;

    if (status == 0 && --p->left > 0)
        uv_queue_work(&p->loop, work, uv_nothing, uv_after);
}

static double with_libuv(struct peer *p, int64_t n, uv_work_cb job)
{
    int64_t start = wall_ns();

    p->left = n;
    uv_queue_work(&p->loop, &p->work, job, uv_after);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    return (double)(wall_ns() - start) / (double)n;
}
#endif

static double median(double *ns)
{
    qsort(ns, TURNS, sizeof ns[0], by_size);
    return ns[TURNS / 2];
}

static void on_cores(const char *what, unsigned worker_cpu, int64_t n, void *peer)
{
    double ours[TURNS], theirs[TURNS], ratio[TURNS];
#ifdef WITH_LIBUV
    struct peer *p = peer;
#endif

    stay_on(0);
    if (weir_offload(weir_pool_compute(), "move", move, &worker_cpu) < 0)
        abort();
#ifdef WITH_LIBUV
    p->cpu = worker_cpu;
    (void)with_libuv(p, 1, uv_move);
#endif
    for (int i = 0; i < TURNS; i++) {
        ours[i] = with_weir(n);
        theirs[i] = ratio[i] = 0;
#ifdef WITH_LIBUV
        theirs[i] = with_libuv(p, n, uv_nothing);
        ratio[i] = ours[i] / theirs[i];
#endif
    }
    printf("offload and back, %s: %8.0f ns median", what, median(ours));
    if (peer != NULL)
        printf(", libuv %8.0f ns, ratio %.2f", median(theirs), median(ratio));
    printf("\n");
}

/* The CPU time of the process while it has nothing to do, shortly after its worker has worked. */
static void idle(void)
{
    struct timespec t;
    int64_t before, used;

    if (weir_offload(weir_pool_compute(), "nothing", nothing, NULL) < 0 || weir_sleep(weir_ms(50)) < 0)
        abort();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    before = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    if (weir_sleep(weir_seconds(1)) < 0)
        abort();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    used = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec - before;
    printf("idle for a second: %8.0f us of CPU\n", (double)used / 1e3);
}

static int run(void *arg)
{
    int64_t n = *(int64_t *)arg;
    void *peer = NULL;

#ifdef WITH_LIBUV
    static struct peer p;
    uv_loop_init(&p.loop);
    p.work.data = &p;
    peer = &p;
#endif
    on_cores("one core", 0, n, peer);
    on_cores("two cores", 1, n, peer);
    idle();
    return 0;
}

int main(int argc, char **argv)
{
    const weir_pool_options one = {.name = "compute", .workers = 1, .wait = weir_seconds(60)};
    weir_options options = {.pools = &one, .pool_count = 1};
    int64_t n = operations(argc, argv, 500);
    int err;

    setenv("UV_THREADPOOL_SIZE", "1", 1);
    err = weir_run(&options, run, &n);
    if (err < 0)
        fprintf(stderr, "%s\n", weir_error_text(err));
    return err < 0;
}
