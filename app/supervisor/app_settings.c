/* SPDX-License-Identifier: MIT */
#include "supervisor/app_settings.h"

#include <string.h>

static const char *copy_text(struct config_memory *memory, const char *text)
{
    return text != NULL ? config_take_text(memory, text, strlen(text)) : NULL;
}

static const char *const *copy_list(struct config_memory *memory, const char *const *list)
{
    const char **copy;
    size_t n = 0;

    while (list[n] != NULL)
        n++;
    copy = config_take(memory, (n + 1) * sizeof *copy);
    for (size_t i = 0; copy != NULL && i < n; i++)
        copy[i] = copy_text(memory, list[i]);
    return copy;
}

struct app_settings *app_settings_of(const struct config_app *app)
{
    struct config_memory *memory = config_memory_open();
    struct app_settings *settings = memory != NULL ? config_take(memory, sizeof *settings) : NULL;

    if (settings == NULL) {
        config_memory_free(memory);
        return NULL;
    }
    settings->app = *app;
    settings->app.name = copy_text(memory, app->name);
    settings->app.command = copy_list(memory, app->command);
    settings->app.env = copy_list(memory, app->env);
    settings->app.cwd = copy_text(memory, app->cwd);
    settings->app.user = copy_text(memory, app->user);
    settings->app.ready_path = copy_text(memory, app->ready_path);
    settings->holders = 1;
    settings->memory = memory;
    if (!config_memory_failed(memory))
        return settings;
    config_memory_free(memory);
    return NULL;
}

struct app_settings *app_settings_hold(struct app_settings *settings)
{
    settings->holders++;
    return settings;
}

void app_settings_drop(struct app_settings *settings)
{
    if (settings != NULL && --settings->holders == 0)
        config_memory_free(settings->memory);
}
