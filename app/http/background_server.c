/* SPDX-License-Identifier: MIT */
#include "http/background_server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <weir/scope.h>
#include <weir/stream.h>

struct one_server {
    struct background_servers *group;
    weir_server_options options; /* as given, with callbacks of ours that call those given */
    const struct background_server *given;
    bool listening;
};

struct background_servers {
    pthread_t thread;
    const char *name;
    weir_options options;
    int stop_fd; /* becomes readable to stop */
    /* the loop's own */
    weir_scope serving; /* of the servers */
    bool given_up;
    /* written before the thread begins */
    struct one_server *servers;
    size_t count;

    pthread_mutex_t lock; /* guards the rest, the progress of the start */
    pthread_cond_t changed;
    size_t listening;
    int err;
    bool ended;
};

static void note_listening(void *arg, const char *address)
{
    struct one_server *one = arg;
    struct background_servers *group = one->group;

    if (one->given->options->on_listening != NULL)
        one->given->options->on_listening(one->given->options->arg, address);
    pthread_mutex_lock(&group->lock);
    if (!one->listening)
        group->listening++;
    one->listening = true;
    pthread_cond_signal(&group->changed);
    pthread_mutex_unlock(&group->lock);
}

/* These callbacks call those given, with their own argument. */
static void note_drain(void *arg)
{
    struct one_server *one = arg;

    if (one->given->options->on_drain != NULL)
        one->given->options->on_drain(one->given->options->arg);
}

static void note_exchange(void *arg, const weir_exchange_record *record)
{
    struct one_server *one = arg;

    one->given->options->on_exchange(one->given->options->arg, record);
}

static void *run_setup(void *arg)
{
    struct one_server *one = arg;

    return one->given->options->setup(one->given->options->arg);
}

static int run_server(void *arg)
{
    struct one_server *one = arg;

    return weir_server_run(&one->options, one->given->routes, one->given->route_count);
}

/* A failure of a server cancels the scope of all of them. */
static int serve_until_stopped(void *arg)
{
    struct background_servers *group = arg;
    weir_scope beside;
    int err, ready;

    weir_scope_open(&beside, weir_never(), 0);
    for (size_t i = 0; i < group->count; i++)
        if (group->servers[i].given->beside != NULL)
            weir_spawn(&beside, group->name, group->servers[i].given->beside,
                       group->servers[i].given->beside_arg);
    weir_scope_open(&group->serving, weir_never(), 0);
    for (size_t i = 0; i < group->count; i++)
        weir_spawn(&group->serving, group->name, run_server, &group->servers[i]);
    ready = weir_wait_fd(group->stop_fd, POLLIN); /* fails when a server did: that cancels the scope */
    weir_scope_cancel(&group->serving);
    err = weir_scope_close(&group->serving);
    if (group->given_up && ready < 0)
        ready = weir_wait_fd(group->stop_fd, POLLIN);
    weir_scope_cancel(&beside);
    (void)weir_scope_close(&beside);
    return ready > 0 ? 0 : err;
}

void background_servers_give_up(struct background_servers *group)
{
    group->given_up = true;
    weir_scope_cancel(&group->serving);
}

static void *thread_main(void *arg)
{
    struct background_servers *group = arg;
    int err = weir_run(&group->options, serve_until_stopped, group);

    pthread_mutex_lock(&group->lock);
    group->err = err;
    group->ended = true;
    pthread_cond_signal(&group->changed);
    pthread_mutex_unlock(&group->lock);
    return NULL;
}

static void free_servers(struct background_servers *group)
{
    if (group->stop_fd >= 0)
        close(group->stop_fd);
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
    *group = (struct background_servers){.name = name, .options = *options, .count = count, .stop_fd = -1};
    group->options.stall_after = weir_ms(-1); /* stalls of these loops are not the user's */
    pthread_mutex_init(&group->lock, NULL);
    pthread_cond_init(&group->changed, NULL);
    group->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    group->servers = calloc(count, sizeof *group->servers);
    if (group->stop_fd < 0 || group->servers == NULL) {
        free_servers(group);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        struct one_server *one = &group->servers[i];
        *one = (struct one_server){.group = group, .given = &servers[i], .options = *servers[i].options};
        one->options.arg = one;
        one->options.on_listening = note_listening;
        one->options.on_drain = note_drain;
        one->options.on_exchange = one->options.on_exchange != NULL ? note_exchange : NULL;
        one->options.setup = one->options.setup != NULL ? run_setup : NULL;
    }
    return group;
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
    while (group->listening < count && !group->ended)
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

void background_servers_stop(struct background_servers *group)
{
    const uint64_t one = 1;
    ssize_t written;

    if (group == NULL)
        return;
    /* This can't fail: the counter is far from full. */
    written = write(group->stop_fd, &one, sizeof one);
    (void)written;
    pthread_join(group->thread, NULL);
    free_servers(group);
}
