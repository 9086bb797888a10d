/* SPDX-License-Identifier: MIT */
/* A pool whose only worker is taken, so that it refuses every job.
 *
 * Threading: the task that opens it.
 */
#ifndef TEST_APP_SUPPORT_OCCUPIED_H
#define TEST_APP_SUPPORT_OCCUPIED_H

#include "support/run.h"

struct occupied {
    weir_pool *pool; /* named "small" */
    weir_scope scope;
    int over;
};

static inline int occupied_job(weir_job *job, void *over)
{
    while (!weir_job_takes(job, weir_seconds(1000)) && weir_job_cancelled(job) == 0 &&
           __atomic_load_n((int *)over, __ATOMIC_ACQUIRE) == 0)
        continue;
    return 0;
}

static inline int occupied_task(void *arg)
{
    struct occupied *o = arg;

    return weir_offload(o->pool, "occupy", occupied_job, &o->over);
}

/* Returns when the worker is taken. On a busy machine it may begin late: the job waits as long as that takes.
 */
static inline void occupied_open(struct occupied *o)
{
    const weir_pool_options options = {
        .name = "small", .workers = 1, .queue = -1, .wait = weir_seconds(100000)};
    weir_pool_stats stats;

    o->over = 0;
    assert_int_equal(weir_pool_open(&options, &o->pool), 0);
    weir_scope_open(&o->scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&o->scope, "occupy", occupied_task, o), 0);
    do {
        assert_int_equal(weir_yield(), 0);
        weir_pool_stats_get(o->pool, &stats, NULL, NULL);
        assert_int_equal(stats.dropped, 0);
    } while (stats.running == 0);
}

static inline void occupied_close(struct occupied *o)
{
    __atomic_store_n(&o->over, 1, __ATOMIC_RELEASE);
    weir_scope_cancel(&o->scope);
    (void)weir_scope_close(&o->scope);
    weir_pool_close(o->pool);
}

#endif
