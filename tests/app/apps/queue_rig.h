/* SPDX-License-Identifier: MIT */
/* An application with processes that are only entries of its block, for tests of its queue.
 *
 * Threading: a test's first task.
 */
#ifndef TEST_APP_APPS_QUEUE_RIG_H
#define TEST_APP_APPS_QUEUE_RIG_H

#include <string.h>
#include <unistd.h>

#include "apps/queue.h"
#include "support/run.h"

struct app_rig {
    struct config_app app;
    struct config config;
    int fd;
    weir_shared *shared;
    struct app_gate *gate;
    struct app_queue *queue; /* of loop 0 */
};

static inline void app_rig_join(struct app_rig *r, int fd, int member, int loops)
{
    r->fd = fd;
    r->app.name = "shop";
    r->config.apps = &r->app;
    r->config.app_count = 1;
    assert_int_equal(weir_shared_open(fd, member, &r->shared), 0);
    assert_int_equal(app_gate_open(&r->config, r->shared, "/nowhere", loops, &r->gate), 0);
}

static inline void app_rig_open_queue(struct app_rig *r)
{
    const weir_client_options none = {0};

    if (strcmp(weir_loop_io(), "sim") != 0)
        assert_int_equal(app_gate_listen(r->gate), 0);
    assert_int_equal(app_queue_open(&r->gate->apps[0], &none, &r->queue), 0);
}

/* Opens it with so many processes that are ready, of one place each. */
static inline void app_rig_open(struct app_rig *r, int processes)
{
    struct app_block *block;
    int fd;

    assert_int_equal(weir_shared_make(1 << 20, &fd), 0);
    app_rig_join(r, fd, 0, 1);
    app_rig_open_queue(r);
    block = r->gate->apps[0].block;
    atomic_store(&block->concurrency, 1);
    for (int i = 0; i < processes; i++) {
        atomic_store(&block->processes[i].serial, (uint32_t)i + 1);
        atomic_store(&block->processes[i].state, APP_PROCESS_READY);
    }
}

static inline struct app_block *app_rig_block(struct app_rig *r)
{
    return r->gate->apps[0].block;
}

static inline int app_rig_waiting(struct app_rig *r)
{
    return weir_shared_count_sum(r->shared, &app_rig_block(r)->waiting);
}

static inline int app_rig_in_flight(struct app_rig *r, int entry)
{
    return weir_shared_count_sum(r->shared, &app_rig_block(r)->in_flight[entry]);
}

/* Whatever has happened: no place is taken, no request waits. */
static inline void app_rig_close(struct app_rig *r)
{
    assert_int_equal(app_rig_waiting(r), 0);
    assert_int_equal(atomic_load(&app_rig_block(r)->waiting_since_ns[weir_shared_member(r->shared)]), 0);
    for (int i = 0; i < APP_PROCESSES_MAX; i++)
        assert_int_equal(weir_shared_count_of(&app_rig_block(r)->in_flight[i], weir_shared_member(r->shared)),
                         0);
    app_queue_close(r->queue);
    while (r->queue != NULL && atomic_load(&r->gate->apps[0].slots[0].woken))
        assert_int_equal(weir_yield(), 0);
    app_gate_close(r->gate);
    weir_shared_close(r->shared);
    (void)close(r->fd);
}

/* --- several loops, each with a queue --- */

enum { APP_RIG_LOOPS = 2 };

struct app_loops {
    struct app_rig rig; /* its queue is not used */
    struct app_queue *queues[APP_RIG_LOOPS];
};

/* By weir_loop_call() on each of them. */
static inline int app_loops_open(void *arg)
{
    struct app_loops *l = arg;
    const weir_client_options none = {0};

    return app_queue_open(&l->rig.gate->apps[0], &none, &l->queues[weir_loop_index()]);
}

static inline int app_loops_close(void *arg)
{
    struct app_loops *l = arg;

    app_queue_close(l->queues[weir_loop_index()]);
    return 0;
}

#endif
