/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "supervisor/app_state.h"
#include "supervisor/apps.h"

/* By enum app_process_state. */
static const char *const state_names[] = {"ended", "starting", "ready", "leaving"};

static void write_process(const struct supervised_process *p, bool first, struct text_out *out)
{
    const struct app_block *block = p->app->block;
    const struct app_process *shared = &block->processes[p->entry];

    text_out_printf(out, "%s{\"number\":%u,\"pid\":%d,\"state\":\"%s\",\"age_ms\":%" PRId64, first ? "" : ",",
                    p->number, p->child.pid, state_names[atomic_load(&shared->state) & 3],
                    weir_between(p->started, weir_now()).ns / 1000000);
    text_out_printf(out, ",\"in_flight\":%d,\"requests\":%" PRIu64 ",\"failures\":%" PRIu64,
                    weir_shared_count_sum(p->app->apps->place.shared,
                                          (weir_shared_count *)(uintptr_t)&block->in_flight[p->entry]),
                    atomic_load(&shared->requests), atomic_load(&shared->failures));
    text_out_printf(out, ",\"memory_bytes\":%" PRIu64 ",\"lines_dropped\":%" PRIu64, p->memory_bytes,
                    p->lines.dropped_all);
    text_out_json_member(out, "why", p->leave);
    text_out_add(out, "}");
}

static const char *state_of(const struct supervised_app *app)
{
    return app->gone                                                           ? "leaving"
           : atomic_load(&app->block->broken) != 0                             ? "broken"
           : supervised_app_replaced(app) > 0                                  ? "replacing"
           : supervised_app_ready(app) == (size_t)app->settings->app.processes ? "ready"
           : supervised_app_ready(app) > 0                                     ? "ready in part"
                                                                               : "starting";
}

static void write_app(const struct supervised_app *app, bool first, struct text_out *out)
{
    char line[APP_LINE_BYTES];

    text_out_add(out, first ? "{\"name\":" : ",{\"name\":");
    text_out_json(out, app->name);
    text_out_json_member(out, "state", state_of(app));
    text_out_json_member(out, "last_line", app_block_is_broken(app->block, line) && app->said ? line : NULL);
    text_out_json_member(out, "last_end", app->last_end[0] != '\0' ? app->last_end : NULL);
    text_out_printf(out, ",\"wanted\":%d,\"starts\":%" PRIu64 ",\"deaths\":%" PRIu64 ",\"waiting\":%d",
                    app->settings->app.processes, app->starts, atomic_load(&app->block->deaths),
                    weir_shared_count_sum(app->apps->place.shared, &app->block->waiting));
    text_out_add(out, ",\"processes\":[");
    for (const struct supervised_process *p = app->processes; p != NULL; p = p->next)
        write_process(p, p == app->processes, out);
    text_out_add(out, "]}");
}

void apps_totals_each(const struct apps *apps,
                      void (*fn)(void *to, const char *app, size_t ready, uint64_t deaths), void *to)
{
    for (const struct supervised_app *app = apps->first; app != NULL; app = app->next)
        fn(to, app->name, supervised_app_ready(app), atomic_load(&app->block->deaths));
}

void apps_say_replaced(const struct apps *apps, struct text_out *out)
{
    for (const struct supervised_app *app = apps->first; app != NULL; app = app->next)
        if (!app->gone && supervised_app_replaced(app) > 0)
            text_out_printf(out,
                            "application %s has changed: its processes serve until others are ready; 'weir "
                            "status' and the log say whether they are\n",
                            app->name);
}

void apps_status(const struct apps *apps, struct text_out *out)
{
    text_out_add(out, "[");
    for (const struct supervised_app *app = apps->first; app != NULL; app = app->next)
        write_app(app, app == apps->first, out);
    text_out_add(out, "]");
}
