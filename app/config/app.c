/* SPDX-License-Identifier: MIT */
#include "config/app.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <weir/http_text.h>
#include <weir/url.h>

#include "config/attempts.h"
#include "config/schema.h"
#include "config/value.h"

enum { WORDS_MAX = 256, VARIABLES_MAX = 256, MINUTE_MS = 60 * 1000, DAY_MS = 24 * 60 * MINUTE_MS };

/* An application being read. */
struct draft {
    struct config_app app;
    const char *cwd;
    int requests;
    const struct tree_node *command, *env, *ready, *stop_signal, *hedge, *retry;
};

/* --- command, env --- */

static bool has_socket(const char *text)
{
    return strstr(text, CONFIG_APP_SOCKET) != NULL;
}

static void read_command(struct config_reader *reader, const struct tree_node *node, struct config_app *app)
{
    const char **words;
    size_t n = 0;

    if (node->type == TREE_SCALAR) {
        fault_value(reader, node, "app.command", "a list, [program, argument, …]");
        return;
    }
    if (!node_is_list(reader, node, "app.command"))
        return;
    words = entries_take(reader, node, "app.command", WORDS_MAX, sizeof *words);
    if (words == NULL)
        return;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next) {
        if (item->type == TREE_MAP)
            fault_value(reader, item, "a word of app.command",
                        "text; braces need quotes, \"" CONFIG_APP_SOCKET "\"");
        else if (node_is_text(reader, item, "a word of app.command"))
            words[n++] = item->text;
    }
    if (n == 0 || *words[0] == '\0')
        config_fault(reader->faults, n > 0 ? node->first->place : node->place,
                     "app.command has no program, expected [program, argument, …]");
    app->command = words;
}

static bool name_of_variable_is_valid(const char *name)
{
    return *name != '\0' && strchr(name, '=') == NULL;
}

static const char *join_variable(struct config_reader *reader, const char *name, const char *value)
{
    const size_t room = strlen(name) + strlen(value) + 2;
    char *joined = config_take(reader->memory, room);

    if (joined != NULL)
        (void)snprintf(joined, room, "%s=%s", name, value);
    return joined;
}

static void read_env(struct config_reader *reader, const struct tree_node *node, struct config_app *app)
{
    const char **env;
    size_t n = 0;

    if (!node_is_map(reader, node, "app.env"))
        return;
    env = entries_take(reader, node, "app.env", VARIABLES_MAX, sizeof *env);
    if (env == NULL)
        return;
    for (const struct tree_node *child = node->first; child != NULL; child = child->next) {
        if (!name_of_variable_is_valid(child->key))
            config_fault(reader->faults, child->key_place,
                         "app.env has '%s', expected a name without '=' that is not empty", child->key);
        else if (strncmp(child->key, CONFIG_APP_VARIABLES, strlen(CONFIG_APP_VARIABLES)) == 0)
            config_fault(reader->faults, child->key_place,
                         "app.env has '%s', which weir sets itself, expected a name that does not begin with "
                         "'" CONFIG_APP_VARIABLES "'",
                         child->key);
        else if (node_is_text(reader, child, "a variable of app.env"))
            env[n++] = join_variable(reader, child->key, child->text);
    }
    app->env = env;
}

static bool any_has_socket(const char *const *texts)
{
    for (size_t i = 0; texts[i] != NULL; i++)
        if (has_socket(texts[i]))
            return true;
    return false;
}

/* An application that is told no path can't listen there. */
static void check_socket(struct config_reader *reader, const struct draft *draft)
{
    const struct config_app *app = &draft->app;

    if (app->command != NULL && !any_has_socket(app->command) && !any_has_socket(app->env))
        config_fault(reader->faults, draft->command->place,
                     "app.command of '%s' has no '" CONFIG_APP_SOCKET
                     "', expected it where the application takes the path of the Unix socket to listen on",
                     app->name);
}

/* --- ready, stop_signal --- */

static void read_path(struct config_reader *reader, const struct tree_node *node, void *member)
{
    weir_text_fault fault = {0, "a path such as /healthz"};

    if (!node_is_text(reader, node, "app.ready.path"))
        return;
    if (node->text[0] != '/' || weir_url_check_target((weir_bytes){node->text, node->length}, &fault) < 0)
        fault_in_text(reader, node, "app.ready.path", &fault);
    else
        *(const char **)member = node->text;
}

#define AT(member) .offset = offsetof(struct config_app, member)
static const struct schema_key ready_keys[] = {
    {"path", SCHEMA_CUSTOM, AT(ready_path), .read = read_path},
    {"within", SCHEMA_DURATION, AT(ready_within), .fallback = "30s", .min = SCHEMA_MS(10),
     .max = SCHEMA_MS(60 * MINUTE_MS)},
};
#undef AT
static const struct schema ready_schema = {.name = "app.ready", SCHEMA_KEYS(ready_keys)};

static void read_ready(struct config_reader *reader, const struct tree_node *node, struct config_app *app)
{
    if (node->type == TREE_SCALAR)
        read_path(reader, node, &app->ready_path);
    else if (node_is_text_or(reader, node, TREE_MAP, "app.ready", "a path such as /healthz, or a mapping"))
        (void)schema_read(reader, &ready_schema, node, app);
}

static const char *const signal_names[] = {"SIGTERM", "SIGINT",   "SIGQUIT", "SIGHUP", "SIGUSR1",
                                           "SIGUSR2", "SIGWINCH", "SIGKILL", NULL};
static const int signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGKILL};

static void read_stop_signal(struct config_reader *reader, const struct tree_node *node,
                             struct config_app *app)
{
    struct tree_node written = *node;
    int choice = -1;

    if (node->type == TREE_SCALAR) {
        for (int i = 0; signal_names[i] != NULL; i++)
            if (strcmp(node->text, signal_names[i] + strlen("SIG")) == 0)
                written.text = signal_names[i];
    }
    value_read_choice(reader, &written, "app.stop_signal", signal_names, &choice);
    if (choice >= 0)
        app->stop_signal = signals[choice];
}

/* --- hedge, retry --- */

/* A second attempt has a place of its own, which is never waited for. */
static void check_second_place(struct config_reader *reader, const struct draft *draft)
{
    const struct config_app *app = &draft->app;

    if (draft->hedge != NULL && config_app_hedges(app) && app->processes == 1 && app->concurrency == 1)
        config_fault(
            reader->faults, draft->hedge->place,
            "app.hedge of '%s' needs a second place, expected processes or concurrency to be above 1",
            app->name);
}

static void read_attempts(struct config_reader *reader, struct draft *draft)
{
    if (draft->hedge != NULL)
        attempts_read_hedge(reader, draft->hedge, "app.hedge", &draft->app.hedge);
    if (draft->retry != NULL)
        attempts_read_retry(reader, draft->retry, "app.retry", &draft->app.retry);
    check_second_place(reader, draft);
}

/* --- the keys --- */

#define AT(member) .offset = offsetof(struct draft, app.member)
#define NODE(member) .offset = offsetof(struct draft, member), .read = schema_keep_node
static const struct schema_key app_keys[] = {
    {"command", SCHEMA_CUSTOM, NODE(command), .required = "a list, [program, argument, …]"},
    {"env", SCHEMA_CUSTOM, NODE(env)},
    {"cwd", SCHEMA_STRING, .offset = offsetof(struct draft, cwd)},
    {"user", SCHEMA_STRING, AT(user)},
    {"processes", SCHEMA_INT, AT(processes), .fallback = "1", .min = 1, .max = CONFIG_APP_PROCESSES_MAX},
    {"concurrency", SCHEMA_INT, AT(concurrency), .fallback = "1", .min = 1, .max = 1024},
    {"queue", SCHEMA_INT, AT(queue), .fallback = "64", .max = 1000000},
    {"wait", SCHEMA_DURATION, AT(wait), .fallback = "1s", .max = SCHEMA_MS(60 * MINUTE_MS)},
    {"timeout", SCHEMA_DURATION, AT(timeout), .fallback = "30s", .min = SCHEMA_MS(1),
     .max = SCHEMA_MS((int64_t)DAY_MS)},
    {"buffer", SCHEMA_SIZE, AT(buffer_bytes), .fallback = "64KiB", .max = 64 << 20},
    {"answer", SCHEMA_SIZE, AT(answer_bytes), .fallback = "256KiB", .max = 64 << 20},
    {"requests", SCHEMA_INT, .offset = offsetof(struct draft, requests), .min = 1},
    {"age", SCHEMA_DURATION, AT(age), .min = SCHEMA_MS(1000)},
    {"memory", SCHEMA_SIZE, AT(memory_bytes), .min = 1 << 20},
    {"stall_after", SCHEMA_DURATION, AT(stall_after), .fallback = "100ms", .min = SCHEMA_MS(20),
     .max = SCHEMA_MS(60 * MINUTE_MS)},
    {"ready", SCHEMA_CUSTOM, NODE(ready)},
    {"stop_signal", SCHEMA_CUSTOM, NODE(stop_signal)},
    {"stop", SCHEMA_DURATION, AT(stop), .fallback = "30s", .max = SCHEMA_MS(60 * MINUTE_MS)},
    {"hedge", SCHEMA_CUSTOM, NODE(hedge)},
    {"retry", SCHEMA_CUSTOM, NODE(retry)},
};
#undef AT
#undef NODE
static const struct schema app_schema = {.name = "app", SCHEMA_KEYS(app_keys)};

/* --- applications --- */

static bool name_is_valid(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const size_t length = strlen(name);

    return length > 0 && length <= CONFIG_APP_NAME_BYTES && strspn(name, letters) == length;
}

static void read_one(struct config_reader *reader, const struct tree_node *node, struct config_app *out)
{
    static const char *const nothing[] = {NULL};
    struct draft draft = {.app = *out, .cwd = "."};

    draft.app.env = nothing;
    draft.app.stop_signal = SIGTERM;
    schema_defaults(reader, &ready_schema, &draft.app);
    if (!name_is_valid(node->key))
        config_fault(reader->faults, node->key_place,
                     "app '%s' has no valid name, expected 1 to %d letters, digits, '_' and '-'", node->key,
                     CONFIG_APP_NAME_BYTES);
    if (!schema_read(reader, &app_schema, node, &draft))
        return;
    draft.app.requests = (uint64_t)draft.requests;
    draft.app.cwd = path_beside_file(reader, draft.cwd);
    if (draft.command != NULL)
        read_command(reader, draft.command, &draft.app);
    if (draft.env != NULL)
        read_env(reader, draft.env, &draft.app);
    if (draft.ready != NULL)
        read_ready(reader, draft.ready, &draft.app);
    if (draft.stop_signal != NULL)
        read_stop_signal(reader, draft.stop_signal, &draft.app);
    read_attempts(reader, &draft);
    check_socket(reader, &draft);
    *out = draft.app;
}

void apps_read(struct config_reader *reader, const struct tree_node *node, struct config *config)
{
    struct config_app *apps;

    if (!node_is_map(reader, node, "apps"))
        return;
    apps = entries_take(reader, node, "apps", CONFIG_APPS_MAX, sizeof *apps);
    if (apps == NULL)
        return;
    config->apps = apps;
    for (const struct tree_node *child = node->first; child != NULL; child = child->next) {
        struct config_app *app = &apps[config->app_count];

        app->name = child->key;
        app->place = child->key_place;
        app->number = config->app_count++;
        read_one(reader, child, app);
    }
}

/* --- the application of a route --- */

static struct config_app *find(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->app_count; i++)
        if (strcmp(config->apps[i].name, name) == 0)
            return (struct config_app *)(uintptr_t)&config->apps[i]; /* still being read */
    return NULL;
}

static void fault_no_app(struct config_reader *reader, const struct tree_node *node, const char *what)
{
    const char *names[CONFIG_APPS_MAX + 1] = {NULL};

    for (size_t i = 0; i < reader->config->app_count; i++)
        names[i] = reader->config->apps[i].name;
    if (names[0] != NULL)
        fault_unknown(reader, node->place, "app", node->text, what, names);
    else
        config_fault(reader->faults, node->place,
                     "%s is '%s', and the file has no apps; expected one of that name in apps", what,
                     node->text);
}

const struct config_app *app_read(struct config_reader *reader, const struct tree_node *node,
                                  const char *what)
{
    struct config_app *app;

    if (!node_is_text(reader, node, what))
        return NULL;
    app = find(reader->config, node->text);
    if (app == NULL)
        fault_no_app(reader, node, what);
    else
        app->used = true;
    return app;
}

const struct config_app *config_app_find(const struct config *config, const char *name)
{
    return find(config, name);
}

/* --- a reload --- */

static bool texts_equal(const char *const *a, const char *const *b)
{
    size_t i = 0;

    while (a[i] != NULL && b[i] != NULL && strcmp(a[i], b[i]) == 0)
        i++;
    return a[i] == NULL && b[i] == NULL;
}

static bool text_equals(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool config_apps_run_alike(const struct config_app *a, const struct config_app *b)
{
    return strcmp(a->name, b->name) == 0 && texts_equal(a->command, b->command) &&
           texts_equal(a->env, b->env) && text_equals(a->cwd, b->cwd) && text_equals(a->user, b->user);
}
