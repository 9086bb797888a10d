/* SPDX-License-Identifier: MIT */
#include "supervisor/app_state.h"

#include <stdlib.h>

void supervised_app_free(struct supervised_app *app)
{
    struct supervised_app **at = &app->apps->first;

    while (*at != app)
        at = &(*at)->next;
    *at = app->next;
    app_settings_drop(app->settings);
    free(app);
}

void supervised_app_task_begun(struct supervised_app *app)
{
    app->tasks++;
    app->apps->tasks++;
}

void supervised_app_task_ended(struct supervised_app *app)
{
    struct apps *apps = app->apps;

    app->tasks--;
    if (--apps->tasks == 0)
        weir_event_set(&apps->tasks_ended);
    if (app->gone && app->tasks == 0)
        supervised_app_free(app);
}

void supervised_app_tell(struct supervised_app *app)
{
    for (size_t i = 0; i < CONFIG_APP_PROCESSES_MAX; i++)
        if (app->positions[i].alive)
            weir_event_set(&app->positions[i].news);
}

void supervised_app_ring(const struct supervised_app *app)
{
    for (int member = 0; member < WEIR_SHARED_MEMBERS_MAX; member++)
        weir_shared_ring(app->apps->place.shared, member);
}

static bool gets_requests(const struct supervised_process *p)
{
    return p->ready && !p->ended && p->leave == NULL;
}

size_t supervised_app_ready(const struct supervised_app *app)
{
    size_t ready = 0;

    for (const struct supervised_process *p = app->processes; p != NULL; p = p->next)
        ready += gets_requests(p);
    return ready;
}

size_t supervised_app_replaced(const struct supervised_app *app)
{
    size_t replaced = 0;

    for (const struct supervised_process *p = app->processes; p != NULL; p = p->next)
        replaced += gets_requests(p) && p->version != app->version;
    return replaced;
}

bool supervised_app_may_start(const struct supervised_app *app)
{
    size_t starting = 0;

    for (const struct supervised_process *p = app->processes; p != NULL; p = p->next)
        starting += !p->ready && !p->ended && p->leave == NULL;
    return starting < app->apps->place.starts;
}
