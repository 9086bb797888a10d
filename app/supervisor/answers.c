/* SPDX-License-Identifier: MIT */
#include "supervisor/answers.h"

#include "supervisor/reload.h"
#include "supervisor/state.h"

static size_t list_processes(void *arg, struct admin_process *out, size_t room)
{
    const struct supervisor *s = arg;

    return processes_list(&s->processes, out, room);
}

static uint64_t count_restarts(void *arg)
{
    const struct supervisor *s = arg;

    return s->processes.restarts;
}

static int reload(void *arg, struct text_out *out)
{
    return reload_now(arg, out);
}

/* A second request to drain is not a second signal: it does not end what drains. */
static void drain(void *arg)
{
    struct supervisor *s = arg;

    if (s->asked == 0)
        supervisor_end(s);
}

static void write_status(void *arg, struct text_out *out)
{
    static const char *const names[] = {
        [SUPERVISOR_STARTING] = "starting",
        [SUPERVISOR_SERVING] = "serving",
        [SUPERVISOR_RELOADING] = "reloading",
        [SUPERVISOR_DRAINING] = "draining",
    };
    const struct supervisor *s = arg;
    const struct generation *in_force = s->processes.in_force;

    text_out_printf(out, "\"state\":\"%s\",\"generation\":%u,\"apps\":", names[s->phase],
                    in_force != NULL ? in_force->number : 0);
    if (s->applications.apps != NULL)
        apps_status(s->applications.apps, out);
    else
        text_out_add(out, "[]");
}

static void write_app_stalls(void *arg, struct text_out *out)
{
    const struct supervisor *s = arg;

    if (s->applications.watch != NULL)
        app_watch_stalls_write(s->applications.watch, out);
}

static void write_app_tasks(void *arg, struct text_out *out)
{
    const struct supervisor *s = arg;

    if (s->applications.watch != NULL)
        app_watch_tasks_write(s->applications.watch, out);
}

static void each_app_stall_total(void *arg,
                                 void (*fn)(void *to, const char *app, const char *kind, uint64_t count,
                                            int64_t held_ns),
                                 void *to)
{
    const struct supervisor *s = arg;

    if (s->applications.watch != NULL)
        app_watch_totals_each(s->applications.watch, fn, to);
}

static void each_app_total(void *arg, void (*fn)(void *to, const char *app, size_t ready, uint64_t deaths),
                           void *to)
{
    const struct supervisor *s = arg;

    if (s->applications.apps != NULL)
        apps_totals_each(s->applications.apps, fn, to);
}

struct admin_supervisor supervisor_answers(struct supervisor *s)
{
    return (struct admin_supervisor){
        .processes = list_processes,
        .restarts = count_restarts,
        .reload = reload,
        .drain = drain,
        .status = write_status,
        .app_stalls = write_app_stalls,
        .app_tasks = write_app_tasks,
        .app_stall_totals = each_app_stall_total,
        .app_totals = each_app_total,
        .arg = s,
    };
}
