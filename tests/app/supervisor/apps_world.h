/* SPDX-License-Identifier: MIT */
/* A world for the supervisor of applications, under simulation: applications as they behave, and gateways
 * that send them requests. What must never happen ends the test: a planned restart that meets a request.
 *
 * Threading: one loop.
 */
#ifndef TEST_APPS_WORLD_H
#define TEST_APPS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir.h>

#include "app/support/reading.h"
#include "config/app.h"
#include "support/run.h"
#include "supervisor/apps.h"

enum { WORLD_PROCESSES_MAX = 4096, WORLD_MEMBER = 1 };

/* How a process behaves. */
struct behaviour {
    int64_t starts_ms; /* until it accepts; < 0: it never does */
    int status;        /* of the answers to GET; 0: it accepts, and that is all */
    int64_t dies_ms;   /* after it accepts, or began to start if it never does; 0: it does not */
    int exits_with;    /* when it dies */
    const char *line;  /* that it writes as it dies */
    bool ignores_stop; /* SIGTERM has no effect */
    int64_t stops_ms;  /* until it has ended after SIGTERM */
    uint64_t memory_mib;
};

/* A process that was started, by its serial number. */
struct witnessed {
    pid_t pid;
    weir_instant began, accepted, asked, ended; /* ns 0: not (yet) */
    bool killed;
    int busy; /* requests it works on now */
    struct behaviour behaviour;
};

struct world {
    struct apps *apps;
    weir_shared *shared, *gateway; /* the same memory, of the supervisor and of a gateway process */
    int fd;
    weir_scope scope;
    struct config config;
    struct behaviour behaviour; /* of processes that are started from now on */
    struct witnessed processes[WORLD_PROCESSES_MAX];
    uint32_t last; /* serial number */
    bool loads;    /* gateways send requests */
    int64_t takes_ms;
    uint64_t answered, broken, refused;
    weir_scope load;
};

/* --- processes --- */

static inline uint32_t world_serial(const weir_simulated_process *self)
{
    const char *const *argv = weir_simulated_process_options(self)->argv;
    const char *dot;

    while (strstr(*argv, "/sim/") == NULL)
        argv++;
    dot = strchr(*argv, '.');
    return (uint32_t)atoi(dot + 1);
}

struct accepting {
    struct witnessed *process;
    char address[160];
};

static inline int world_accept(void *arg)
{
    struct accepting *a = arg;
    const struct behaviour *b = &a->process->behaviour;
    weir_listener *listener;
    weir_stream *stream;
    char text[512];

    if (weir_sleep(weir_ms(b->starts_ms)) < 0)
        return 0;
    assert_int_equal(weir_listen(a->address, &listener), 0);
    a->process->accepted = weir_now();
    while (weir_accept(listener, &stream) == 0) {
        if (b->status != 0 && weir_read(stream, text, sizeof text) > 0) {
            (void)snprintf(text, sizeof text, "HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n", b->status);
            (void)!weir_write(stream, text, strlen(text));
        }
        weir_stream_close(stream);
    }
    weir_listener_close(listener);
    return 0;
}

static inline weir_instant world_death(const struct behaviour *b)
{
    return b->dies_ms > 0 ? weir_after_ms(b->dies_ms + (b->starts_ms > 0 ? b->starts_ms : 0)) : weir_never();
}

/* Waits for SIGTERM. Returns: 0 it came; -WEIR_EDEADLINE it is time to die; -WEIR_ECANCELED it was killed. */
static inline int world_wait(struct witnessed *process, weir_simulated_process *self)
{
    weir_scope_auto(scope, world_death(&process->behaviour), 0);
    int got = 0;

    while (got >= 0 && (got != SIGTERM || process->behaviour.ignores_stop)) {
        got = weir_simulated_process_signal(self);
        if (got == SIGTERM)
            process->asked = weir_now();
    }
    return got < 0 ? got : 0;
}

static inline int world_process(void *arg, weir_simulated_process *self)
{
    struct world *w = arg;
    const uint32_t serial = world_serial(self);
    struct witnessed *process = &w->processes[serial];
    struct accepting accepting = {.process = process};
    weir_scope scope;
    int err;

    assert_true(serial < WORLD_PROCESSES_MAX && process->began.ns == 0);
    w->last = serial > w->last ? serial : w->last;
    process->began = weir_now();
    process->behaviour = w->behaviour;
    (void)snprintf(accepting.address, sizeof accepting.address, "unix:/sim/shop.%u/s", serial);
    weir_scope_open(&scope, weir_never(), 0);
    if (process->behaviour.starts_ms >= 0)
        (void)weir_spawn(&scope, "accept", world_accept, &accepting);
    err = world_wait(process, self);
    if (err == 0)
        err = weir_sleep(weir_ms(process->behaviour.stops_ms));
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    process->killed = err == -WEIR_ECANCELED;
    process->ended = weir_now();
    if (err == -WEIR_EDEADLINE && process->behaviour.line != NULL)
        (void)!weir_simulated_process_print(self, true, process->behaviour.line);
    return err == -WEIR_EDEADLINE ? process->behaviour.exits_with : 0;
}

static inline uint64_t world_memory(void *arg, pid_t pid)
{
    const struct world *w = arg;

    for (uint32_t i = 1; i <= w->last; i++)
        if (w->processes[i].pid == pid)
            return w->processes[i].behaviour.memory_mib << 20;
    return 0;
}

/* --- gateways --- */

static inline struct app_block *world_block(const struct world *w)
{
    struct app_block *block;

    assert_int_equal(app_block_open(w->gateway, "shop", &block), 0);
    return block;
}

/* As a gateway process does: takes a place, and looks whether the process still gets requests. */
static inline bool world_take(struct world *w, struct app_block *block, size_t *entry, uint32_t *serial)
{
    for (size_t i = 0; i < APP_PROCESSES_MAX; i++) {
        struct app_process *p = &block->processes[i];
        const int concurrency = (int)atomic_load(&block->concurrency);
        *serial = atomic_load(&p->serial);
        if (atomic_load(&p->state) != APP_PROCESS_READY ||
            !weir_shared_count_try(w->gateway, &block->in_flight[i], concurrency))
            continue;
        if (atomic_load(&p->state) == APP_PROCESS_READY && atomic_load(&p->serial) == *serial) {
            *entry = i;
            atomic_fetch_add(&p->requests, 1);
            return true;
        }
        weir_shared_count_add(w->gateway, &block->in_flight[i], -1);
    }
    return false;
}

/* A request: while it is worked on, its process has not been asked to end. */
static inline void world_request(struct world *w)
{
    struct app_block *block = world_block(w);
    struct witnessed *process;
    uint32_t serial;
    size_t entry;

    if (!world_take(w, block, &entry, &serial)) {
        w->refused++;
        return;
    }
    process = &w->processes[serial];
    process->busy++;
    process->pid = atomic_load(&block->processes[entry].pid);
    (void)weir_sleep(weir_ms((int64_t)weir_random_below((uint64_t)w->takes_ms * 2 + 1)));
    process->busy--;
    if (process->ended.ns != 0 || process->asked.ns != 0)
        w->broken++;
    else
        w->answered++;
    weir_shared_count_add(w->gateway, &block->in_flight[entry], -1);
}

static inline int world_load(void *arg)
{
    struct world *w = arg;

    while (weir_cancelled() == 0) {
        if (w->loads)
            world_request(w);
        (void)weir_sleep(weir_ms(1 + (int64_t)weir_random_below(10)));
    }
    return 0;
}

static inline size_t world_count(const struct world *w, enum app_process_state state)
{
    const struct app_block *block = world_block(w);
    size_t n = 0;

    for (size_t i = 0; i < APP_PROCESSES_MAX; i++)
        n += atomic_load(&block->processes[i].state) == (uint32_t)state;
    return n;
}

/* Waits until so many processes are ready. */
static inline void world_wait_ready(const struct world *w, size_t n)
{
    while (world_count(w, APP_PROCESS_READY) != n)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
}

/* How many processes run. */
static inline size_t world_alive(const struct world *w)
{
    size_t n = 0;

    for (uint32_t i = 1; i <= w->last; i++)
        n += w->processes[i].began.ns != 0 && w->processes[i].ended.ns == 0;
    return n;
}

/* --- the supervisor --- */

/* Puts a configuration into force: the keys of shop beside its command; "": there is no shop. */
static inline void world_configure(struct world *w, const char *keys)
{
    char text[1024];
    struct config old = w->config;

    (void)snprintf(text, sizeof text,
                   "apps: {%s%s%s}\nlisten: 127.0.0.1:1\nroutes:\n  - {path: /, respond: {body: x}}\n",
                   *keys != '\0' ? "shop: {command: [x, '{socket}'], " : "", keys, *keys != '\0' ? "}" : "");
    reading_fine(text, &w->config);
    assert_int_equal(apps_configure(w->apps, &w->config), 0);
    config_free(&old);
}

static inline struct world *world_open(void)
{
    struct world *w = calloc(1, sizeof *w);
    struct apps_place place = {
        .folder = "/sim", .starts = 2, .simulate = world_process, .memory = world_memory, .arg = w};

    assert_non_null(w);
    w->behaviour = (struct behaviour){.starts_ms = 20, .stops_ms = 5};
    assert_int_equal(weir_shared_make(1 << 22, &w->fd), 0);
    assert_int_equal(weir_shared_open(w->fd, 0, &w->shared), 0);
    assert_int_equal(weir_shared_open(w->fd, WORLD_MEMBER, &w->gateway), 0);
    place.shared = w->shared;
    weir_scope_open(&w->scope, weir_never(), 0);
    assert_int_equal(apps_open(&w->scope, &place, &w->apps), 0);
    weir_scope_open(&w->load, weir_never(), 0);
    return w;
}

/* Sends requests by so many tasks. */
static inline void world_begin_load(struct world *w, int tasks, int64_t takes_ms)
{
    w->loads = true;
    w->takes_ms = takes_ms;
    for (int i = 0; i < tasks; i++)
        assert_int_equal(weir_spawn(&w->load, "load", world_load, w), 0);
}

static inline void world_end_load(struct world *w)
{
    w->loads = false;
    while (weir_shared_count_sum(w->gateway, &world_block(w)->in_flight[0]) > 0)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
}

/* Ends all in order, and checks that nothing is left. */
static inline void world_close(struct world *w)
{
    weir_scope_cancel(&w->load);
    (void)weir_scope_close(&w->load);
    apps_stop(w->apps);
    assert_int_equal(world_alive(w), 0);
    assert_int_equal(world_count(w, APP_PROCESS_NONE), APP_PROCESSES_MAX);
    weir_scope_cancel(&w->scope);
    (void)weir_scope_close(&w->scope);
    apps_close(w->apps);
    weir_shared_close(w->shared);
    weir_shared_close(w->gateway);
    close(w->fd);
    config_free(&w->config);
    free(w);
}

#endif
