/* SPDX-License-Identifier: MIT */
#include "supervisor/app_process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/log.h>
#include <weir/random.h>
#include <weir/task.h>

#include "supervisor/app_ready.h"

enum {
    SPREAD_LEAST = 900,
    SPREAD_MOST = 1100,
    LOOK_MS_MIN = 5, /* at what a process that leaves still has to do */
    LOOK_MS_MAX = 100,
    UNREADY_STOP_S = 5 /* a process that was never ready has nothing to finish */
};

static struct app_process *shared_of(const struct supervised_process *p)
{
    return &p->app->block->processes[p->entry];
}

static void set_state(const struct supervised_process *p, enum app_process_state state)
{
    atomic_store(&shared_of(p)->state, (uint32_t)state);
}

static int in_flight(const struct supervised_process *p)
{
    return weir_shared_count_sum(p->app->apps->place.shared, &p->app->block->in_flight[p->entry]);
}

/* --- the log --- */

const char supervised_process_hangs[] = "answers no request";

#define NAMED(p) WEIR_KV("app", (p)->app->name), WEIR_KV_INT("process", (p)->number)

/* A daemon leaves a child, and ends: it seems to have ended well. */
static bool ended_well_too_early(const struct supervised_process *p)
{
    return p->ended && !p->ready && !p->late && p->leave == NULL && p->end.signal == 0 && p->end.status == 0;
}

static void log_end(struct supervised_process *p)
{
    char how[WEIR_PROCESS_END_BYTES] = "";
    const bool expected = p->leave != NULL;

    if (ended_well_too_early(p))
        (void)snprintf(how, sizeof how, "exited with status 0; it must stay in the foreground");
    else if (p->ended)
        (void)weir_process_end_text(&p->end, how);
    else if (p->err < 0)
        (void)snprintf(how, sizeof how, "%s", weir_error_text(p->err));
    if (!expected)
        (void)snprintf(p->app->last_end, sizeof p->app->last_end, "%s", p->late ? "not ready in time" : how);
    weir_log(expected && p->leave != supervised_process_hangs ? WEIR_LOG_INFO : WEIR_LOG_WARN,
             expected    ? "process of an application has left"
             : !p->ended ? "process of an application cannot be started"
             : p->ready  ? "process of an application has ended"
                         : "process of an application has ended before it was ready",
             NAMED(p), WEIR_KV_INT("pid", p->child.pid), expected ? WEIR_KV("why", p->leave) : weir_kv_none(),
             how[0] != '\0' ? WEIR_KV("end", how) : weir_kv_none(),
             WEIR_KV_DURATION("lived", weir_between(p->started, weir_now())),
             WEIR_KV_INT("requests", atomic_load(&shared_of(p)->requests)),
             expected || p->lines.last[0] == '\0' ? weir_kv_none() : WEIR_KV("last_line", p->lines.last));
}

/* --- waiting --- */

/* Waits for news until an instant. Returns: 0 there are some, or it has passed; the scope's code. */
static int wait_until(struct supervised_process *p, weir_instant until)
{
    weir_scope_auto(scope, until, 0);
    int err;

    err = weir_event_wait(&p->wake);
    weir_event_reset(&p->wake);
    return err < 0 && weir_scope_expired(&scope) ? 0 : err;
}

/* The task that waits for its end. */
static int watch_end(void *arg)
{
    struct supervised_process *p = arg;

    if (weir_process_wait(p->child.process, &p->end) < 0)
        return 0;
    p->ended = true;
    if (p->readying != NULL)
        weir_scope_cancel(p->readying);
    weir_event_set(&p->wake);
    return 0;
}

/* --- its life --- */

/* Returns: 0 it is ready, has ended, or is to leave: see there; the scope's code. */
static int get_ready(struct supervised_process *p)
{
    const struct config_app *app = &p->settings->app;
    int status = 0, err;
    weir_scope scope;

    weir_scope_open(&scope, weir_after(app->ready_within), 0);
    p->readying = &scope;
    err = app_ready_wait(app, p->child.socket, &status);
    p->readying = NULL;
    p->late = err < 0 && weir_scope_expired(&scope);
    (void)weir_scope_close(&scope);
    if (p->ended || p->leave != NULL)
        return 0;
    if (err == 0)
        p->ready = true;
    else if (p->late)
        weir_log(WEIR_LOG_WARN, "process of an application is not ready in time", NAMED(p),
                 WEIR_KV_DURATION("within", app->ready_within),
                 status != 0 ? WEIR_KV_INT("status", status) : weir_kv_none(),
                 p->lines.last[0] != '\0' ? WEIR_KV("last_line", p->lines.last) : weir_kv_none());
    return p->late ? 0 : err;
}

static void become_ready(struct supervised_process *p)
{
    struct supervised_app *app = p->app;

    set_state(p, APP_PROCESS_READY);
    app->failed = 0;
    app_block_break(app->block, NULL);
    supervised_app_ring(app);
    weir_log(WEIR_LOG_INFO, "process of an application is ready", NAMED(p), WEIR_KV_INT("pid", p->child.pid),
             WEIR_KV_DURATION("took", weir_between(p->started, weir_now())));
    if (p->news != NULL)
        weir_event_set(p->news);
    supervised_app_tell(app); /* another may start */
}

/* Waits until it has no request, at most as long as it may take to stop. */
static int finish_requests(struct supervised_process *p)
{
    const weir_instant until = weir_after(p->app->settings->app.stop);
    int pause_ms = LOOK_MS_MIN, err = 0;

    set_state(p, APP_PROCESS_LEAVING); /* before the number is read: see block.h */
    while (err == 0 && !p->ended && in_flight(p) > 0 && weir_between(weir_now(), until).ns > 0) {
        err = wait_until(p, weir_after_ms(pause_ms));
        pause_ms = 2 * pause_ms < LOOK_MS_MAX ? 2 * pause_ms : LOOK_MS_MAX;
    }
    return err;
}

static int end_it(struct supervised_process *p)
{
    const struct config_app *app = &p->app->settings->app;
    const bool in_a_hurry = !p->ready && app->stop.ns > weir_seconds(UNREADY_STOP_S).ns;
    const weir_instant until = weir_after(in_a_hurry ? weir_seconds(UNREADY_STOP_S) : app->stop);
    int err = 0;

    if (p->ended)
        return 0;
    app_child_signal(&p->child, app->stop_signal);
    while (err == 0 && !p->ended && weir_between(weir_now(), until).ns > 0)
        err = wait_until(p, until);
    if (err == 0 && !p->ended && app->stop_signal != SIGKILL)
        weir_log(WEIR_LOG_WARN, "process of an application is killed, it did not stop in time", NAMED(p),
                 WEIR_KV_INT("signal", app->stop_signal), WEIR_KV_DURATION("stop", app->stop));
    return err;
}

static int live(struct supervised_process *p, weir_scope *scope)
{
    int err = app_child_start(scope, &p->app->apps->place, &p->settings->app,
                              atomic_load(&shared_of(p)->serial), &p->lines, &p->child);

    if (p->child.process != NULL && weir_spawn(scope, "end of an application's process", watch_end, p) < 0 &&
        err == 0)
        err = -ENOMEM;
    p->err = err;
    p->late = err == -WEIR_EDEADLINE;
    if (err < 0)
        return err;
    atomic_store(&shared_of(p)->pid, p->child.pid);
    err = get_ready(p);
    if (err == 0 && p->ready)
        become_ready(p);
    while (err == 0 && p->ready && !p->ended && p->leave == NULL)
        err = wait_until(p, weir_never());
    if (err == 0 && p->ready)
        err = finish_requests(p);
    return err == 0 ? end_it(p) : err;
}

/* --- its end --- */

/* Counts a process that ended before it was ready. */
static void count_failure(struct supervised_process *p)
{
    struct supervised_app *app = p->app;
    const bool said = p->lines.last[0] != '\0';
    const char *line = said ? p->lines.last : app->last_end;

    app->failed++;
    if (app->failed == APP_BROKEN_AFTER && supervised_app_replaced(app) > 0)
        weir_log(WEIR_LOG_ERROR,
                 "application does not get ready as it is now: its earlier processes serve on",
                 WEIR_KV("app", app->name), WEIR_KV(said ? "last_line" : "last_end", line));
    if (app->failed < APP_BROKEN_AFTER || supervised_app_ready(app) > 0)
        return;
    if (app->failed == APP_BROKEN_AFTER)
        weir_log(WEIR_LOG_ERROR, "application is broken: none of its processes gets ready",
                 WEIR_KV("app", app->name), WEIR_KV(said ? "last_line" : "last_end", line));
    app->said = said;
    app_block_break(app->block, line);
    supervised_app_ring(app);
}

/* In the order of their numbers, a successor after the one that it replaces. */
static void link_to_app(struct supervised_process *p)
{
    struct supervised_process **at = &p->app->processes;

    while (*at != NULL && (*at)->number <= p->number)
        at = &(*at)->next;
    p->next = *at;
    *at = p;
}

static void unlink_from_app(struct supervised_process *p)
{
    struct supervised_process **at = &p->app->processes;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
}

static void free_process(struct supervised_process *p)
{
    app_settings_drop(p->settings);
    free(p);
}

static int run(void *arg)
{
    struct supervised_process *p = arg;
    struct supervised_app *app = p->app;
    weir_scope scope;

    weir_task_set_name("%s[%u]", app->name, p->number);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    (void)live(p, &scope);
    if (p->leave == NULL && weir_scope_cause(&scope) < 0)
        p->leave = "stop";
    set_state(p, APP_PROCESS_LEAVING);
    app_child_kill(&p->child);
    (void)weir_scope_close(&scope);
    if (p->end.signal != 0)
        app_child_kill_left(&p->child);
    app_child_forget(&p->child);
    app_lines_close(&p->lines);
    log_end(p);
    atomic_store(&shared_of(p)->pid, 0);
    set_state(p, APP_PROCESS_NONE);
    unlink_from_app(p);
    if (p->leave == NULL)
        atomic_fetch_add(&app->block->deaths, 1);
    if (!p->ready && p->leave == NULL)
        count_failure(p);
    p->finished = true;
    if (p->news != NULL)
        weir_event_set(p->news);
    else
        free_process(p);
    supervised_app_tell(app);
    supervised_app_task_ended(app);
    return 0;
}

/* --- for positions --- */

/* Finds an entry that nobody uses, nor is about to stop using. */
static int take_entry(const struct supervised_app *app, size_t *entry)
{
    for (size_t i = 0; i < APP_PROCESSES_MAX; i++) {
        if (atomic_load(&app->block->processes[i].state) != APP_PROCESS_NONE ||
            weir_shared_count_sum(app->apps->place.shared, &app->block->in_flight[i]) != 0)
            continue;
        *entry = i;
        return 0;
    }
    return -ENOSPC;
}

static void fill_entry(struct app_process *shared, uint32_t serial)
{
    atomic_store(&shared->serial, serial);
    atomic_store(&shared->pid, 0);
    atomic_store(&shared->used_ns, 0);
    atomic_store(&shared->ended_ns, 0);
    atomic_store(&shared->requests, 0);
    atomic_store(&shared->failures, 0);
    atomic_store(&shared->state, APP_PROCESS_STARTING);
}

int supervised_process_begin(struct app_position *position, struct supervised_process **out)
{
    struct supervised_app *app = position->app;
    struct supervised_process *p;
    size_t entry;
    int err = take_entry(app, &entry);

    if (err < 0)
        return err;
    p = calloc(1, sizeof *p);
    if (p == NULL)
        return -ENOMEM;
    p->app = app;
    p->settings = app_settings_hold(app->settings);
    p->version = app->version;
    p->number = position->number;
    p->entry = entry;
    p->news = &position->news;
    p->started = weir_now();
    p->spread = SPREAD_LEAST + (int)weir_random_below(SPREAD_MOST - SPREAD_LEAST + 1);
    p->child.control = -1;
    app_lines_open(&p->lines, app->name, p->number);
    weir_event_init(&p->wake);
    err = weir_spawn(app->apps->scope, "process of an application", run, p);
    if (err < 0) {
        free_process(p);
        return err;
    }
    fill_entry(shared_of(p), ++app->apps->serial);
    link_to_app(p);
    app->starts++;
    supervised_app_task_begun(app);
    *out = p;
    return 0;
}

void supervised_process_leave(struct supervised_process *p, const char *why)
{
    if (p->leave == NULL)
        p->leave = why;
    if (p->readying != NULL)
        weir_scope_cancel(p->readying);
    weir_event_set(&p->wake);
}

void supervised_process_drop(struct supervised_process *p)
{
    if (p == NULL)
        return;
    p->news = NULL;
    if (p->finished)
        free_process(p);
}
