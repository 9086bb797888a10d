/* SPDX-License-Identifier: MIT */
#include "supervisor/app_position.h"

#include <errno.h>
#include <stddef.h>

#include <weir/log.h>
#include <weir/pool.h>
#include <weir/task.h>

#include "supervisor/app_memory.h"
#include "supervisor/app_process.h"

enum {
    LOOK_MS = 1000,            /* at a process that runs */
    LOOK_AT_REQUESTS_MS = 200, /* where it is replaced after a number of requests */
    NO_ENTRY_MS = 100,
    FAILURES_IN_A_ROW = 5 /* of its requests: it is replaced */
};

static bool is_wanted(const struct app_position *position)
{
    const struct supervised_app *app = position->app;

    return !app->gone && !app->apps->stopping && (int)position->number <= app->settings->app.processes;
}

/* --- why a process is replaced --- */

/* What its successor may have in common with it: the next one is not started at once. */
static const char too_large[] = "memory";

static bool has_done_its_requests(const struct supervised_process *p, const struct config_app *app)
{
    const uint64_t requests = atomic_load(&p->app->block->processes[p->entry].requests);

    return app->requests > 0 && requests * 1000 >= app->requests * (uint64_t)p->spread;
}

static weir_instant old_at(const struct supervised_process *p)
{
    const struct config_app *app = &p->app->settings->app;

    return app->age.ns > 0 ? weir_add(p->started, (weir_duration){app->age.ns / 1000 * p->spread})
                           : weir_never();
}

/* Reports whether it has answered none of its latest requests. */
static bool fails(struct supervised_process *p)
{
    const struct app_process *shared = &p->app->block->processes[p->entry];
    const int64_t bad = (int64_t)atomic_load(&shared->failures);
    const int64_t good =
        (int64_t)atomic_load(&shared->requests) - bad -
        weir_shared_count_sum(p->app->apps->place.shared, &p->app->block->in_flight[p->entry]);

    if (good > p->good) {
        p->good = good;
        p->bad = bad;
    }
    return bad - p->bad >= FAILURES_IN_A_ROW;
}

/* Returns: why the position needs another process; NULL: it does not. */
static const char *why_now(const struct app_position *position)
{
    struct supervised_process *p = position->current;
    const struct config_app *app = &position->app->settings->app;

    if (p == NULL)
        return "ended";
    if (p->version != position->app->version)
        return "configuration";
    if (has_done_its_requests(p, app))
        return "requests";
    if (old_at(p).ns <= weir_now().ns)
        return "age";
    if (app->memory_bytes > 0 && p->memory_bytes > app->memory_bytes)
        return too_large;
    return fails(p) ? supervised_process_hangs : NULL;
}

/* --- memory --- */

struct measurement {
    pid_t pid;
    uint64_t limit, bytes;
};

static int measure_as_job(weir_job *job, void *arg)
{
    struct measurement *m = arg;

    (void)job;
    m->bytes = app_memory_below(m->pid, m->limit, "");
    return 0;
}

/* Measures the memory of its process now and then. */
static void measure(struct app_position *position)
{
    const struct apps_place *place = &position->app->apps->place;
    struct supervised_process *p = position->current;
    struct measurement m = {.limit = position->app->settings->app.memory_bytes};

    if (p == NULL || !p->ready || p->ended || m.limit == 0 ||
        weir_between(position->measured, weir_now()).ns < weir_ms(LOOK_MS).ns)
        return;
    position->measured = weir_now();
    m.pid = weir_process_id(p->child.process);
    if (place->memory != NULL)
        m.bytes = place->memory(place->arg, m.pid);
    else if (weir_offload(weir_pool_blocking(), "memory of an application", measure_as_job, &m) < 0)
        return;
    p->memory_bytes = m.bytes;
}

/* --- its task --- */

/* Of its process, of one that starts, and of one that leaves. */
static void tell_dropped_lines(const struct app_position *position)
{
    for (struct supervised_process *p = position->app->processes; p != NULL; p = p->next)
        if (p->number == position->number)
            app_lines_tell(&p->lines);
}

/* Waits until then, and at most for a second. */
static int wait_for_news(struct app_position *position, weir_instant until)
{
    const weir_instant look = weir_after_ms(LOOK_MS);
    weir_scope scope;
    int err;

    tell_dropped_lines(position);
    weir_scope_open(&scope, until.ns < look.ns ? until : look, 0);
    err = weir_event_wait(&position->news);
    weir_event_reset(&position->news);
    if (err < 0 && weir_scope_expired(&scope))
        err = 0;
    (void)weir_scope_close(&scope);
    return err;
}

static int wait_until_due(struct app_position *position)
{
    const bool counts = position->app->settings->app.requests > 0;
    const weir_instant look = weir_after_ms(counts ? LOOK_AT_REQUESTS_MS : LOOK_MS);
    const weir_instant old = old_at(position->current);

    return wait_for_news(position, old.ns < look.ns ? old : look);
}

static bool take_turn(struct app_position *position)
{
    struct supervised_app *app = position->app;

    if (position->current != NULL && app->replacing != NULL && app->replacing != position)
        return false;
    if (position->current != NULL)
        app->replacing = position;
    return true;
}

static void end_turn(struct app_position *position)
{
    if (position->app->replacing != position)
        return;
    position->app->replacing = NULL;
    supervised_app_tell(position->app);
}

/* Lets go of a process that has ended. */
static void collect(struct app_position *position)
{
    if (position->current == NULL || !position->current->finished)
        return;
    supervised_process_drop(position->current);
    position->current = NULL;
    position->not_before = weir_after(backing_off_next(&position->backing_off));
}

/* Waits until a successor is ready, or will not be. */
static int wait_for_successor(struct app_position *position, const struct supervised_process *next)
{
    int err = 0;

    while (err == 0 && !next->finished && !(next->ready && !next->ended) &&
           next->version == position->app->version && is_wanted(position))
        err = wait_for_news(position, weir_never());
    return err;
}

/* Starts a process; when it is ready, the one that runs leaves. */
static int succeed(struct app_position *position, const char *why)
{
    struct supervised_process *next = NULL;
    int err = supervised_process_begin(position, &next);

    if (err == -ENOSPC || err == -ENOMEM) {
        position->not_before = weir_after_ms(NO_ENTRY_MS);
        return 0;
    }
    if (err == 0)
        err = wait_for_successor(position, next);
    if (next == NULL)
        return err;
    if (err == 0 && next->ready && !next->finished) {
        if (position->current != NULL)
            supervised_process_leave(position->current, why);
        supervised_process_drop(position->current);
        position->current = next;
        if (why == too_large || why == supervised_process_hangs)
            position->not_before = weir_after(backing_off_next(&position->backing_off));
        return 0;
    }
    if (next->finished && next->leave == NULL)
        position->not_before = weir_after(backing_off_next(&position->backing_off));
    if (!next->finished)
        supervised_process_leave(next, is_wanted(position) ? "configuration" : "not wanted");
    supervised_process_drop(next);
    return err;
}

static int step(struct app_position *position)
{
    const char *why;
    int err;

    measure(position);
    collect(position);
    why = why_now(position);
    if (why == NULL)
        return wait_until_due(position);
    if (weir_between(weir_now(), position->not_before).ns > 0)
        return wait_for_news(position, position->not_before);
    if (!supervised_app_may_start(position->app) || !take_turn(position))
        return wait_for_news(position, weir_after_ms(LOOK_MS));
    err = succeed(position, why);
    end_turn(position);
    return err;
}

static int keep(void *arg)
{
    struct app_position *position = arg;
    struct supervised_app *app = position->app;
    int err = 0;

    weir_task_set_name("%s, position %u", app->name, position->number);
    while (err == 0 && is_wanted(position))
        err = step(position);
    if (position->current != NULL)
        supervised_process_leave(position->current, app->apps->stopping ? "stop" : "not wanted");
    supervised_process_drop(position->current);
    position->current = NULL;
    position->alive = false;
    supervised_app_task_ended(app);
    return 0;
}

int app_position_open(struct app_position *position)
{
    int err;

    position->not_before = weir_now();
    position->backing_off = (struct backing_off){0};
    if (position->alive)
        return 0;
    weir_event_init(&position->news);
    position->measured = weir_now();
    err = weir_spawn(position->app->apps->scope, "position of an application", keep, position);
    if (err < 0)
        return err;
    position->alive = true;
    supervised_app_task_begun(position->app);
    return 0;
}
