/* SPDX-License-Identifier: MIT */
/* One large job on a pool of two workers, and the same job on one worker: wall time. Rounds alternate. */
#include "measure.h"

enum { ITEMS = 20000, TURNS = 15 };

static volatile uint64_t results[ITEMS];

static int work(weir_job *job, size_t begin, size_t end, void *arg)
{
    uint64_t steps = *(uint64_t *)arg;

    (void)job;
    for (size_t i = begin; i < end; i++) {
        uint64_t x = i + 1;
        for (uint64_t k = 0; k < steps; k++)
            x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        results[i] = x;
    }
    return 0;
}

static double seconds(int workers, uint64_t steps)
{
    weir_offload_options options = {.workers_max = workers};
    weir_instant start = weir_now();

    if (weir_offload_each_with(weir_pool_compute(), "work", work, ITEMS, &steps, &options) < 0)
        abort();
    return (double)weir_between(start, weir_now()).ns / 1e9;
}

static int run(void *arg)
{
    uint64_t steps = *(uint64_t *)arg;
    double one[TURNS], two[TURNS], ratio[TURNS];

    for (int i = 0; i < TURNS; i++) {
        one[i] = seconds(1, steps);
        two[i] = seconds(2, steps);
        ratio[i] = one[i] / two[i];
    }
    qsort(one, TURNS, sizeof one[0], by_size);
    qsort(two, TURNS, sizeof two[0], by_size);
    qsort(ratio, TURNS, sizeof ratio[0], by_size);
    printf("one worker %.1f ms, two %.1f ms (best of %d); two are %.2f times as fast (median), %.2f (best), "
           "time ratio %.3f\n",
           one[0] * 1e3, two[0] * 1e3, TURNS, ratio[TURNS / 2], ratio[TURNS - 1], 1 / ratio[TURNS / 2]);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t steps = (uint64_t)operations(argc, argv, 2000);
    weir_pool_options pool = {.name = "compute", .workers = 2};
    weir_options options = {.io = WEIR_IO_EPOLL, .pools = &pool, .pool_count = 1};
    int err = weir_run(&options, run, &steps);

    if (err < 0)
        fprintf(stderr, "%s\n", weir_error_text(err));
    return err < 0;
}
