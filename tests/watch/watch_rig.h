/* SPDX-License-Identifier: MIT */
/* A runtime whose stalls are remembered, and tasks that hold its loop until the watch has seen them. */
#ifndef TEST_WATCH_WATCH_RIG_H
#define TEST_WATCH_WATCH_RIG_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/account/activity.h"
#include "core/task.h"
#include "support/run.h"

enum { TEXT_BYTES = 4096 };

/* What the hook saw, and how it lets the task go. */
struct rig {
    atomic_int seen[WEIR_STALL_TYPES]; /* of each kind */
    atomic_int all;
    int pipe[2]; /* gets a byte when a blocked stall was seen */
    int written; /* bytes the hook has written */
    /* the first stall of the awaited kind, as text; written before it is counted */
    enum weir_stall_type awaited;
    char stack[TEXT_BYTES], task[64], route[64], scope[128], hint[256], spawned[64];
    bool ongoing, has_route;
    int64_t held_ns;
    int loop;
    weir_runtime *runtime;
};

static inline void remember(struct rig *r, const weir_stall *s)
{
    r->stack[0] = '\0';
    for (size_t i = 0; i < s->stack_depth; i++)
        snprintf(r->stack + strlen(r->stack), sizeof r->stack - strlen(r->stack), "%s;",
                 s->stack[i].function);
    snprintf(r->task, sizeof r->task, "%s", s->task);
    r->has_route = s->route != NULL;
    snprintf(r->route, sizeof r->route, "%s", r->has_route ? s->route : "");
    snprintf(r->scope, sizeof r->scope, "%s", s->task_path);
    snprintf(r->hint, sizeof r->hint, "%s", s->hint != NULL ? s->hint : "");
    snprintf(r->spawned, sizeof r->spawned, "%s",
             s->spawned_at.function != NULL ? s->spawned_at.function : "");
    r->ongoing = s->ongoing;
    r->held_ns = s->held.ns;
    r->loop = s->loop;
}

static inline void on_stall(void *arg, const weir_stall *s)
{
    struct rig *r = arg;

    if (s->type == r->awaited && strncmp(s->task, "holder", 6) == 0 && atomic_load(&r->seen[s->type]) == 0) {
        remember(r, s);
        if (s->type == WEIR_STALL_BLOCKED && write(r->pipe[1], "x", 1) == 1)
            r->written++;
        atomic_fetch_add(&r->seen[s->type], 1);
    }
    atomic_fetch_add(&r->all, 1);
}

static inline void run_on(enum weir_io io, struct rig *r, int loops, int (*fn)(void *arg))
{
    weir_options options = {.io = io, .loops = loops, .on_stall = on_stall, .on_stall_arg = r};

    assert_int_equal(pipe2(r->pipe, O_CLOEXEC), 0);
    assert_int_equal(weir_run(&options, fn, r), 0);
    close(r->pipe[0]);
    close(r->pipe[1]);
}

/* Runs fn on io_uring and epoll. A simulation has no watch. */
static inline void run_watched(enum weir_stall_type awaited, int loops, int (*fn)(void *arg))
{
    static const enum weir_io all[] = {WEIR_IO_URING, WEIR_IO_EPOLL};

    for (size_t i = 0; i < 2; i++) {
        struct rig r = {.awaited = awaited};
        if (io_is_here(all[i]))
            run_on(all[i], &r, loops, fn);
    }
}

static inline int spawn_and_wait(int (*fn)(void *arg), void *arg)
{
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "holder", fn, arg);
    return weir_scope_close(&scope);
}

/* --- tasks that hold the loop --- */

static volatile unsigned sink;

/* Computes until a stall of the awaited kind was seen; yields now and then, and tries again. */
__attribute__((noinline)) static void compute_until_seen(struct rig *r)
{
    weir_instant until = weir_after(weir_seconds(20));

    while (atomic_load(&r->seen[r->awaited]) == 0 && weir_now().ns < until.ns) {
        int seen = atomic_load(&r->all);
        while (atomic_load(&r->all) == seen)
            for (int i = 0; i < 1000; i++)
                sink = sink * 7 + 1;
        (void)weir_yield();
    }
}

static inline int computes(void *arg)
{
    struct weir__activity activity = {.route = "/report/{id}"};

    weir_task_set_name("holder of %s", "this");
    weir__task_set_activity(weir__task_current(), &activity);
    compute_until_seen(arg);
    weir__task_set_activity(weir__task_current(), NULL);
    return 0;
}

__attribute__((noinline)) static int read_until_seen(struct rig *r)
{
    char byte;
    int n = (int)read(r->pipe[0], &byte, 1);

    return n == 1 ? 0 : -errno;
}

static inline int reads(void *arg)
{
    int err = read_until_seen(arg);

    sink++; /* keeps a frame for this function */
    return err;
}

static inline int sees_blocked(void *arg)
{
    struct rig *r = arg;

    assert_int_equal(spawn_and_wait(reads, r), 0); /* not -EINTR */
    assert_string_equal(r->task, "holder");
    assert_false(r->has_route);
    assert_non_null(strstr(r->stack, "read_until_seen;reads;weir__task_main;"));
    assert_non_null(strstr(r->hint, "instead of read: weir_read()"));
    assert_true(r->ongoing);
    return 0;
}

#endif
