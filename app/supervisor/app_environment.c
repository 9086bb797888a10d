/* SPDX-License-Identifier: MIT */
#include "supervisor/app_environment.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OWN_VARIABLES = 2 };

/* --- {socket} --- */

static const char *fill_in(struct config_memory *memory, const char *before, const char *text,
                           const char *socket)
{
    const size_t placeholder = strlen(CONFIG_APP_SOCKET), path = strlen(socket);
    size_t room = strlen(before) + strlen(text) + 1;
    char *filled, *out;

    for (const char *at = text; (at = strstr(at, CONFIG_APP_SOCKET)) != NULL; at += placeholder)
        room += path;
    filled = out = config_take(memory, room);
    if (filled == NULL)
        return NULL;
    out = stpcpy(out, before);
    for (const char *at; (at = strstr(text, CONFIG_APP_SOCKET)) != NULL; text = at + placeholder) {
        memcpy(out, text, (size_t)(at - text));
        out += at - text;
        memcpy(out, socket, path);
        out += path;
    }
    memcpy(out, text, strlen(text) + 1);
    return filled;
}

static size_t count(const char *const *list)
{
    size_t n = 0;

    while (list[n] != NULL)
        n++;
    return n;
}

const char *const *app_words(struct config_memory *memory, const struct config_app *app, const char *socket,
                             const char *const *front)
{
    const size_t before = count(front), n = count(app->command);
    const char **words = config_take(memory, (before + n + 1) * sizeof *words);

    if (words == NULL)
        return NULL;
    memcpy(words, front, before * sizeof *words);
    for (size_t i = 0; i < n; i++)
        words[before + i] = fill_in(memory, "", app->command[i], socket);
    return config_memory_failed(memory) ? NULL : words;
}

/* --- the environment --- */

/* Variables of systemd for the supervisor: sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3). */
static const char *const ours[] = {
    "NOTIFY_SOCKET=",  "LISTEN_PID=",   "LISTEN_FDS=",    "LISTEN_FDNAMES=",
    "LISTEN_PIDFDID=", "WATCHDOG_PID=", "WATCHDOG_USEC=", CONFIG_APP_VARIABLES};

static bool is_addressed_to_us(const char *variable)
{
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strncmp(variable, ours[i], strlen(ours[i])) == 0)
            return true;
    return false;
}

/* Reports whether a list sets the variable that "NAME=value" sets. */
static bool sets(const char *const *list, const char *variable)
{
    const char *end = strchr(variable, '=');
    const size_t length = end != NULL ? (size_t)(end - variable) + 1 : strlen(variable);

    for (size_t i = 0; list[i] != NULL; i++)
        if (strncmp(list[i], variable, length) == 0)
            return true;
    return false;
}

static const char *own_variable(struct config_memory *memory, const char *name, const char *value)
{
    const size_t room = strlen(CONFIG_APP_VARIABLES) + strlen(name) + strlen(value) + 2;
    char *text = config_take(memory, room);

    if (text != NULL)
        (void)snprintf(text, room, CONFIG_APP_VARIABLES "%s=%s", name, value);
    return text;
}

const char *const *app_environment(struct config_memory *memory, const struct config_app *app,
                                   const char *socket, const char *helpers, const char *hidden)
{
    const char *const *inherited = (const char *const *)environ;
    const size_t most = count(inherited) + count(app->env) + OWN_VARIABLES;
    const char **env = config_take(memory, (most + 1) * sizeof *env);
    size_t n = 0;

    if (env == NULL)
        return NULL;
    for (size_t i = 0; inherited[i] != NULL; i++)
        if (!is_addressed_to_us(inherited[i]) && !sets(app->env, inherited[i]))
            env[n++] = inherited[i];
    for (size_t i = 0; app->env[i] != NULL; i++)
        env[n++] = fill_in(memory, hidden, app->env[i], socket);
    env[n++] = own_variable(memory, "NAME", app->name);
    if (helpers != NULL)
        env[n++] = own_variable(memory, "SOCKET", helpers);
    return config_memory_failed(memory) ? NULL : env;
}
