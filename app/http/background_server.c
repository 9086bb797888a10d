/* SPDX-License-Identifier: MIT */
#include "http/background_server.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct background_servers {
    pthread_t thread;
    const char *name;
    weir_options options;
    const struct background_server *given;
    size_t count;

    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    weir_server **servers; /* by number; NULL: it is not open */
    bool listening, ended;
    int err;
};

static void set_server(struct background_servers *group, size_t i, weir_server *server)
{
    pthread_mutex_lock(&group->lock);
    group->servers[i] = server;
    pthread_mutex_unlock(&group->lock);
}

static void note_listening(struct background_servers *group)
{
    pthread_mutex_lock(&group->lock);
    group->listening = true;
    pthread_cond_signal(&group->changed);
    pthread_mutex_unlock(&group->lock);
}

static int open_servers(struct background_servers *group)
{
    int err = 0;

    for (size_t i = 0; i < group->count && err == 0; i++) {
        const struct background_server *given = &group->given[i];
        weir_server *server;

        err = weir_server_open(given->options, given->routes, given->route_count, &server);
        if (err == 0)
            set_server(group, i, server);
    }
    return err;
}

static int serve(void *arg)
{
    struct background_servers *group = arg;
    int err = open_servers(group);

    if (err == 0)
        note_listening(group);
    for (size_t i = 0; i < group->count; i++) {
        weir_server *server = group->servers[i]; /* which this thread alone writes */

        if (server != NULL && err == 0)
            err = weir_server_wait(server);
        set_server(group, i, NULL);
        weir_server_close(server);
    }
    return err;
}

static void *thread_main(void *arg)
{
    struct background_servers *group = arg;
    int err = weir_run(&group->options, serve, group);

    pthread_mutex_lock(&group->lock);
    group->err = err;
    group->ended = true;
    pthread_cond_signal(&group->changed);
    pthread_mutex_unlock(&group->lock);
    return NULL;
}

static void free_servers(struct background_servers *group)
{
    pthread_cond_destroy(&group->changed);
    pthread_mutex_destroy(&group->lock);
    free(group->servers);
    free(group);
}

static struct background_servers *new_servers(const char *name, const weir_options *options,
                                              const struct background_server *servers, size_t count)
{
    struct background_servers *group = calloc(1, sizeof *group);

    if (group == NULL)
        return NULL;
    *group = (struct background_servers){.name = name, .options = *options, .given = servers, .count = count};
    group->options.stall_after = weir_ms(-1); /* stalls of these loops are not the user's */
    pthread_mutex_init(&group->lock, NULL);
    pthread_cond_init(&group->changed, NULL);
    group->servers = calloc(count, sizeof *group->servers);
    if (group->servers != NULL)
        return group;
    free_servers(group);
    return NULL;
}

int background_servers_start(const char *name, const weir_options *options,
                             const struct background_server *servers, size_t count,
                             struct background_servers **out)
{
    struct background_servers *group = new_servers(name, options, servers, count);
    bool ended;
    int err;

    *out = NULL;
    if (group == NULL)
        return -ENOMEM;
    err = -pthread_create(&group->thread, NULL, thread_main, group);
    if (err < 0) {
        free_servers(group);
        return err;
    }
    pthread_mutex_lock(&group->lock);
    while (!group->listening && !group->ended)
        pthread_cond_wait(&group->changed, &group->lock);
    ended = group->ended;
    err = group->err;
    pthread_mutex_unlock(&group->lock);
    if (!ended) {
        *out = group;
        return 0;
    }
    pthread_join(group->thread, NULL);
    free_servers(group);
    return err < 0 ? err : -WEIR_ECLOSED;
}

void background_servers_drain(struct background_servers *group)
{
    pthread_mutex_lock(&group->lock);
    for (size_t i = 0; i < group->count; i++)
        if (group->servers[i] != NULL)
            weir_server_drain(group->servers[i]);
    pthread_mutex_unlock(&group->lock);
}

void background_servers_stop(struct background_servers *group)
{
    if (group == NULL)
        return;
    background_servers_drain(group);
    pthread_join(group->thread, NULL);
    free_servers(group);
}
