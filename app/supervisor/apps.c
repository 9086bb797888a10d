/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/log.h>
#include <weir/runtime.h>

#include "supervisor/app_position.h"
#include "supervisor/apps.h"

enum { STARTS_MIN = 2 }; /* one that hangs does not keep others from starting */

/* --- one application --- */

static struct supervised_app *find(const struct apps *apps, const char *name)
{
    struct supervised_app *app = apps->first;

    while (app != NULL && strcmp(app->name, name) != 0)
        app = app->next;
    return app;
}

/* Makes an application without a process. Returns: 0; -ENOMEM; -ENOSPC no room in the shared memory. */
static int add(struct apps *apps, const struct config_app *config, struct supervised_app **out)
{
    struct supervised_app *app = calloc(1, sizeof *app), **last = &apps->first;
    int err;

    if (app == NULL)
        return -ENOMEM;
    app->apps = apps;
    (void)snprintf(app->name, sizeof app->name, "%s", config->name);
    err = app_block_open(apps->place.shared, app->name, &app->block);
    if (err < 0) {
        free(app);
        return err;
    }
    app_block_break(app->block, NULL);
    for (unsigned i = 0; i < CONFIG_APP_PROCESSES_MAX; i++)
        app->positions[i] = (struct app_position){.app = app, .number = i + 1};
    app->gone = true;
    while (*last != NULL)
        last = &(*last)->next;
    *last = app;
    *out = app;
    return 0;
}

/* Puts settings into force. An application without processes so far gets them. */
static int configure(struct apps *apps, const struct config_app *config)
{
    struct supervised_app *app = find(apps, config->name);
    struct app_settings *settings = app_settings_of(config);
    int err = 0;

    if (settings == NULL)
        return -ENOMEM;
    if (app == NULL)
        err = add(apps, config, &app);
    if (err < 0) {
        app_settings_drop(settings);
        return err;
    }
    if (app->settings != NULL && !config_apps_run_alike(&app->settings->app, config)) {
        app->version++;
        app->failed = 0;
        weir_log(WEIR_LOG_INFO, "application has changed, its processes are replaced",
                 WEIR_KV("app", app->name));
    }
    app_settings_drop(app->settings);
    app->settings = settings;
    app->gone = false;
    atomic_store(&app->block->concurrency, (uint32_t)config->concurrency);
    for (int i = 0; i < config->processes && err == 0; i++)
        err = app_position_open(&app->positions[i]); /* what waits for another start waits no longer */
    supervised_app_tell(app);
    return err;
}

static void remove_app(struct supervised_app *app)
{
    app->gone = true;
    supervised_app_tell(app);
    if (app->tasks == 0)
        supervised_app_free(app);
}

/* --- all of them --- */

int apps_open(weir_scope *scope, const struct apps_place *place, struct apps **out)
{
    struct apps *apps = calloc(1, sizeof *apps);

    if (apps == NULL)
        return -ENOMEM;
    *apps = (struct apps){.scope = scope, .place = *place};
    if (place->starts == 0)
        apps->place.starts = weir_cpu_count() > STARTS_MIN ? (size_t)weir_cpu_count() : STARTS_MIN;
    weir_event_init(&apps->tasks_ended);
    *out = apps;
    return 0;
}

void apps_close(struct apps *apps)
{
    while (apps != NULL && apps->first != NULL)
        supervised_app_free(apps->first);
    free(apps);
}

static int configure_logged(struct apps *apps, const struct config_app *config)
{
    int err = configure(apps, config);

    if (err < 0)
        weir_log(WEIR_LOG_ERROR, "application cannot be run", WEIR_KV("app", config->name),
                 WEIR_KV_ERROR("why", err));
    return err;
}

int apps_configure(struct apps *apps, const struct config *config)
{
    int failed = 0;

    for (size_t i = 0; i < config->app_count; i++) {
        int err = configure_logged(apps, &config->apps[i]);
        if (err < 0 && failed == 0)
            failed = err;
    }
    return failed;
}

void apps_add(struct apps *apps, const struct config *config)
{
    for (size_t i = 0; i < config->app_count; i++) {
        const struct supervised_app *app = find(apps, config->apps[i].name);
        if (app == NULL || app->gone)
            (void)configure_logged(apps, &config->apps[i]);
    }
}

void apps_keep(struct apps *apps, const struct config *config)
{
    for (struct supervised_app *app = apps->first, *next; app != NULL; app = next) {
        next = app->next;
        if (!app->gone && config_app_find(config, app->name) == NULL)
            remove_app(app);
    }
}

bool apps_serve(const struct apps *apps, const struct config *config)
{
    for (size_t i = 0; i < config->app_count; i++) {
        const struct supervised_app *app = find(apps, config->apps[i].name);
        if (app != NULL && atomic_load(&app->block->broken) == 0 && supervised_app_ready(app) == 0)
            return false;
    }
    return true;
}

void apps_expel(struct apps *apps, int member)
{
    for (struct supervised_app *app = apps->first; app != NULL; app = app->next)
        atomic_store(&app->block->waiting_since_ns[member], 0);
}

void apps_stop(struct apps *apps)
{
    apps->stopping = true;
    for (struct supervised_app *app = apps->first; app != NULL; app = app->next)
        supervised_app_tell(app);
    while (apps->tasks > 0) {
        weir_event_reset(&apps->tasks_ended);
        if (weir_event_wait(&apps->tasks_ended) < 0)
            return;
    }
}

void apps_each(const struct apps *apps, void (*fn)(void *arg, const struct app_process_seen *seen), void *arg)
{
    for (const struct supervised_app *app = apps->first; app != NULL; app = app->next)
        for (const struct supervised_process *p = app->processes; p != NULL; p = p->next) {
            const struct app_process_seen seen = {.app = &app->settings->app,
                                                  .block = app->block,
                                                  .entry = p->entry,
                                                  .number = p->number,
                                                  .pid = p->child.pid};
            if (seen.pid > 0 && !p->ended)
                fn(arg, &seen);
        }
}
